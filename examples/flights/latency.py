"""From a label's append to its own topic to the append of its outcome, joined record by record through the origins in the log."""

import asyncio
from pathlib import Path
from statistics import quantiles
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from penstock.cli.platform import addresses
from penstock.fold.protocol import Missing, Poison
from penstock.kafka.consumer import READER
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.spec.avro import ORIGIN


async def event_to_learned_ms(folder: Path, label_stream: str, model: str) -> dict[str, float]:
    """The median and the 99th percentile, in ms, over every labelled outcome; the topics have one partition each."""
    at = addresses(folder)
    schemas = HttpSchemaRegistry(at.schema_registry_url)
    wire = Wire(schemas)
    try:
        topics = (f"events.{label_stream}", f"validated.{label_stream}", f"learning.{model}", f"outcomes.{model}")
        events, validated, learning, outcomes = await asyncio.gather(*(_read(at.bootstrap, topic, wire) for topic in topics))
    finally:
        await schemas.aclose()
    appended = {offset: time for offset, time, _, _ in events}
    entered = {offset: value[ORIGIN]["offset"] for offset, _, name, value in validated if name not in ("", "Tick")}
    labels = {offset: value["origin"]["offset"] for offset, _, name, value in learning if name == "Label"}
    delays = [
        time - appended[entered[labels[value["label_position"]]]]
        for _, time, name, value in outcomes
        if name == "Outcome" and value["kind"] == "labelled"
    ]
    cuts = quantiles(delays, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}


async def _read(bootstrap: str, topic: str, wire: Wire) -> list[tuple[int, int, str, Any]]:
    """Every record of a topic of one partition: offset, append time in ms, record name ("" if it is not framed) and value."""
    partition, records = TopicPartition(topic, 0), list[Any]()
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **READER) as consumer:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            records += (await consumer.getmany(partition, timeout_ms=500)).get(partition, [])
    return [(record.offset, record.timestamp, *await _decoded(record.value, wire)) for record in records]


async def _decoded(value: bytes | None, wire: Wire) -> tuple[str, Any]:
    while True:
        try:
            return wire.read(value)
        except Poison:
            return "", {}
        except Missing as missing:
            await wire.fetch(int(missing.reference))
