"""What stands in the topics, read as the platform's own readers do: every origin once (law II)."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition

from penstock.fold.origin import Origins
from penstock.fold.protocol import Poison, Record
from penstock.kafka.cluster import opened
from penstock.kafka.consumer import READER
from penstock.records import Wire
from penstock.records.generated import Origin
from penstock.records.schemas import HttpSchemaRegistry


class Read(NamedTuple):
    """A record as it stands and as it reads; the name is empty where it is no framed Avro."""

    record: Record
    name: str
    value: dict[str, Any]


@dataclass(slots=True)
class Accepted:
    """Tells records whose origin is new from repeats; one that is neither new nor a repeat shows a gap: its place was skipped."""

    _repeats: int = 0
    _gaps: list[str] = field(default_factory=list)
    _changed: Counter[str] = field(default_factory=Counter)
    _origins: Origins = field(default_factory=Origins)
    _seen: dict[tuple[Any, ...], int] = field(default_factory=dict)

    def take(self, record: Record, origin: dict[str, Any]) -> bool:
        """Whether a record counts: its origin is higher than all before it."""
        identity = (record.topic, record.partition, *origin.values())
        if self._origins.accept(record.topic, record.partition, cast("Origin", origin)):
            self._seen[identity] = hash(record.value)
            return True
        self._repeats += 1
        if identity not in self._seen:
            self._gaps.append(f"{record.topic}[{record.partition}]@{record.offset} comes from {origin}, which was passed over")
        elif self._seen[identity] != hash(record.value):
            self._changed[record.topic] += 1
        return False

    def close(self) -> tuple[int, list[str], Counter[str]]:
        """Since the last time: how many repeats, the gaps; and, by topic, the repeats whose bytes are not those of the first time."""
        found = (self._repeats, self._gaps, self._changed)
        self._repeats, self._gaps, self._changed = 0, [], Counter()
        return found


@dataclass(slots=True)
class Topics:
    """Reads on from where it stopped the last time."""

    bootstrap: str
    wire: Wire
    _next: dict[TopicPartition, int] = field(default_factory=dict)

    async def news(self, topics: Sequence[str]) -> AsyncIterator[Read]:
        """What has come since the last call, partition by partition in order."""
        async with (
            opened(self.bootstrap) as cluster,
            AIOKafkaConsumer(bootstrap_servers=self.bootstrap, group_id=None, **READER) as consumer,
        ):
            partitions = [TopicPartition(topic, number) for topic in topics for number in range(await cluster.partitions(topic))]
            ends = await consumer.end_offsets(partitions)
            consumer.assign(partitions)
            for partition in partitions:
                consumer.seek(partition, self._next.setdefault(partition, 0))
            while behind := [each for each in partitions if self._next[each] < ends[each]]:
                for records in (await consumer.getmany(*behind, timeout_ms=500)).values():
                    for record in records:
                        yield Read(record, *await self._decoded(record.value))
                for partition in behind:
                    self._next[partition] = await consumer.position(partition)

    def next_offset(self, topic: str) -> int:
        """How far a topic of one partition has been read."""
        return self._next[TopicPartition(topic, 0)]

    async def appended(self, topic: str) -> int:
        """How many records were ever appended to a topic."""
        async with opened(self.bootstrap) as cluster:
            return sum(bounds.end for bounds in (await cluster.bounds_of(topic)).values())

    async def _decoded(self, value: bytes | None) -> tuple[str, dict[str, Any]]:
        try:
            return await self.wire.read_or_fetch(value)
        except Poison:
            return "", {}


@asynccontextmanager
async def topics_at(bootstrap: str, schema_registry_url: str) -> AsyncIterator[Topics]:
    """The topics of a platform, while inside."""
    async with aclosing(HttpSchemaRegistry(schema_registry_url)) as schemas:
        yield Topics(bootstrap, Wire(schemas))
