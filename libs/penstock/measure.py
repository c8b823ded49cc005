"""When each label was learned: from its append to its own topic to the append of its outcome, joined through the origins in the log."""

import asyncio
from collections.abc import Iterable
from typing import Any, NamedTuple

from penstock.fold.protocol import Poison
from penstock.kafka.cluster import opened
from penstock.kafka.log import read_log
from penstock.kafka.ports import TopicPartition
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.spec.avro import ORIGIN


class Learned(NamedTuple):
    """One label that was learned: its offset in events.<label stream>, and its append times on the way, in ms since the epoch."""

    label_offset: int
    appended_ms: int
    """To events.<label stream>, by its producer."""
    validated_ms: int
    """To validated.<label stream>, by ingestion."""
    logged_ms: int
    """To learning.<model>, by the feature store; a label may come early, and wait there for its prediction."""
    learned_ms: int
    """To outcomes.<model>, by the trainer."""

    @property
    def delay_ms(self) -> int:
        """From the first append to the last."""
        return self.learned_ms - self.appended_ms


class _Logged(NamedTuple):
    offset: int
    append_ms: int
    name: str  # of the record's schema; "" if the bytes are not framed
    value: Any


async def learned_labels(bootstrap: str, schema_registry_url: str, label_stream: str, model: str) -> list[Learned]:
    """Every label that was learned, in the order of the outcomes; the topics have one partition each."""
    schemas = HttpSchemaRegistry(schema_registry_url)
    wire = Wire(schemas)
    topics = (f"events.{label_stream}", f"validated.{label_stream}", f"learning.{model}", f"outcomes.{model}")
    try:
        return _join(*await asyncio.gather(*(_read(bootstrap, topic, wire) for topic in topics)))
    finally:
        await schemas.aclose()


def _join(
    events: Iterable[_Logged], validated: Iterable[_Logged], learning: Iterable[_Logged], outcomes: Iterable[_Logged]
) -> list[Learned]:
    appended = {each.offset: each for each in events}
    entered = {each.offset: each for each in validated if each.name not in ("", "Tick")}
    labels = {each.offset: each for each in learning if each.name == "Label"}
    learned = []
    for outcome in outcomes:
        if outcome.name == "Outcome" and outcome.value["kind"] == "labelled":
            label = labels[outcome.value["label_position"]]
            valid = entered[label.value["origin"]["offset"]]
            event = appended[valid.value[ORIGIN]["offset"]]
            learned.append(Learned(event.offset, event.append_ms, valid.append_ms, label.append_ms, outcome.append_ms))
    return learned


async def _read(bootstrap: str, topic: str, wire: Wire) -> list[_Logged]:
    async with opened(bootstrap) as kafka:
        end = (await kafka.bounds(TopicPartition(topic, 0))).end
    batches = read_log(bootstrap, topic, 0, end)
    return [_Logged(each.offset, each.timestamp, *await _decoded(each.value, wire)) async for records in batches for each in records]


async def _decoded(value: bytes | None, wire: Wire) -> tuple[str, Any]:
    try:
        return await wire.read_or_fetch(value)
    except Poison:
        return "", {}
