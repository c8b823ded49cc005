"""Registers, looks up, checks and reads schemas with Confluent's Python client, and prints what it saw."""

import json
import os
import platform

import confluent_kafka
from confluent_kafka.schema_registry import Schema, SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer, AvroSerializer
from confluent_kafka.schema_registry.error import SchemaRegistryError
from confluent_kafka.serialization import MessageField, SerializationContext

subject = os.environ["INTEROP_SUBJECT"]
first, second, broken = (Schema(os.environ[f"INTEROP_SCHEMA_{name}"], "AVRO") for name in ("FIRST", "SECOND", "BROKEN"))
registry = SchemaRegistryClient({"url": os.environ["PENSTOCK_SCHEMA_REGISTRY_URL"]})


def refused(schema: Schema) -> int:
    """The code with which a schema is refused."""
    try:
        registry.register_schema(subject, schema)
    except SchemaRegistryError as error:
        return int(error.error_code)
    return 0


saw = {
    "client": f"confluent-kafka {confluent_kafka.__version__}",
    "runtime": platform.python_version(),
    "first_id": registry.register_schema(subject, first),
    "first_id_again": registry.register_schema(subject, first, normalize_schemas=True),
    "second_fits": registry.test_compatibility(subject, second),
    "broken_fits": registry.test_compatibility(subject, broken),
    "second_id": registry.register_schema(subject, second),
    "broken_code": refused(broken),
    "looked_up_version": registry.lookup_schema(subject, first).version,
    "latest_id": registry.get_latest_version(subject).schema_id,
    "versions": registry.get_versions(subject),
}
fresh = SchemaRegistryClient({"url": os.environ["PENSTOCK_SCHEMA_REGISTRY_URL"]})
saw["read"] = json.loads(fresh.get_schema(saw["second_id"]).schema_str)
context = SerializationContext(subject.removesuffix("-value"), MessageField.VALUE)
written = AvroSerializer(registry, second.schema_str)({"id": "a", "delay": 1.5, "note": "fog"}, context)
saw["framed_id"] = int.from_bytes(written[1:5], "big")
saw["record"] = AvroDeserializer(fresh)(written, context)
assert subject in registry.get_subjects()
assert registry.set_compatibility(subject, "FULL")
assert registry.get_compatibility(subject) == "FULL"
other = f"{subject}-gone"
registry.register_schema(other, first)
assert registry.delete_subject(other) == [1]
assert registry.delete_subject(other, permanent=True) == [1]
print(json.dumps(saw))
