"""Sends readings as Avro with confluent-kafka; its serializer registers the schema."""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from confluent_kafka import Producer
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroSerializer
from confluent_kafka.serialization import MessageField, SerializationContext

topic, count, failed = f"events.{sys.argv[1]}", int(sys.argv[2]), list[str]()


def delivered(error: object, _: object) -> None:
    if error is not None:
        failed.append(str(error))


serialize = AvroSerializer(SchemaRegistryClient({"url": os.environ["SCHEMA_REGISTRY"]}), Path("reading.avsc").read_text())
producer = Producer({"bootstrap.servers": os.environ["BOOTSTRAP"], "enable.idempotence": True, "partitioner": "murmur2_random"})
for number in range(count):
    at = datetime(2024, 2, 29, 12, tzinfo=UTC) + timedelta(seconds=number)
    reading = {"reading_id": f"python-{number}", "station": f"Zürich-{number % 20}", "at": at, "celsius": -0.25 - number}
    reading |= {"weather": "schön 🌦", "visibility": None, "counter": 9_000_000_000 + number}
    value = serialize(reading, SerializationContext(topic, MessageField.VALUE))
    producer.produce(topic, value, key=reading["station"], on_delivery=delivered)
producer.flush()
sys.exit("; ".join(failed) or None)
