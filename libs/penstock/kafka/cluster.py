"""A Kafka cluster through aiokafka: makes consumers and producers, and looks things up. See ports.Kafka."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from aiokafka.structs import TopicPartition as Key

from penstock.fold.protocol import Record
from penstock.fold.weather import Weather
from penstock.kafka.consumer import READER, KafkaConsumer, translated
from penstock.kafka.ports import Bounds, Consumer, TopicPartition
from penstock.kafka.producer import KafkaProducer
from penstock.kafka.topics import TopicSpec, counts, ensure, make

READ_S = 15.0


class KafkaCluster:
    """The cluster at `bootstrap`. Connections are opened when first needed; `opened` closes them."""

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._reader: Any = None
        self._admin: Any = None
        self._lock = asyncio.Lock()

    def consumer(self, *, group: str, instance: str, topics: Sequence[str]) -> Consumer:
        """A new member of the group, not started."""
        return KafkaConsumer(self._bootstrap, group=group, instance=instance, topics=topics)

    async def producer(self) -> KafkaProducer:
        """A new producer, connected."""
        producer = KafkaProducer(self._bootstrap)
        await producer.start()
        return producer

    async def partitions(self, topic: str) -> int:
        """See ports.Kafka."""
        async with self._lock:
            with translated(f"topic {topic} cannot be looked up"):
                return (await counts(await self._admin_client(), [topic])).get(topic, 0)

    async def ensure(self, topic: str, *, kind: str, partitions: int) -> int:
        """See ports.Kafka."""
        async with self._lock:
            with translated(f"topic {topic} cannot be made"):
                return (await make(await self._admin_client(), [TopicSpec(topic, kind, partitions)]))[topic]

    async def create(self, topics: Sequence[TopicSpec]) -> None:
        """Make the topics that are not there. Raises: TopicError, Weather."""
        async with self._lock:
            with translated("the topics cannot be made"):
                await ensure(await self._admin_client(), topics)

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """See ports.Kafka."""
        key = Key(*partition)
        async with self._lock:
            with translated(f"the ends of {partition.topic}[{partition.partition}] cannot be looked up"):
                reader = await self._reading()
                start = await reader.beginning_offsets([key])
                end = await reader.end_offsets([key])
        return Bounds(start[key], end[key])

    async def bounds_of(self, topic: str) -> dict[TopicPartition, Bounds]:
        """The bounds of every partition of a topic. Raises: Weather."""
        partitions = [TopicPartition(topic, number) for number in range(await self.partitions(topic))]
        return {partition: await self.bounds(partition) for partition in partitions}

    async def topics(self) -> list[str]:
        """The names of all topics, sorted. Raises: Weather."""
        async with self._lock:
            with translated("the topics cannot be listed"):
                return sorted(await (await self._admin_client()).list_topics())

    async def delete_before(self, partition: TopicPartition, offset: int) -> None:
        """Delete the records below `offset` for good (KIP-107). Raises: Weather."""
        async with self._lock:
            with translated(f"the records of {partition.topic}[{partition.partition}] cannot be deleted"):
                await (await self._admin_client()).delete_records({Key(*partition): RecordsToDelete(offset)})

    async def committed(self, group: str) -> dict[TopicPartition, int]:
        """The offsets that a group has committed; none if there is no such group. Raises: Weather."""
        async with self._lock:
            with translated(f"the offsets of {group} cannot be looked up"):
                offsets = await (await self._admin_client()).list_consumer_group_offsets(group)
        return {TopicPartition(*partition): committed.offset for partition, committed in offsets.items() if committed.offset >= 0}

    async def read(self, partition: TopicPartition, offset: int) -> Record | None:
        """See ports.Kafka. Raises: Weather if nothing comes within READ_S."""
        key = Key(*partition)
        async with self._lock:
            with translated(f"offset {offset} of {partition.topic}[{partition.partition}] cannot be read"):
                reader = await self._reading()
                reader.assign([key])
                reader.seek(key, offset)
                batches = await reader.getmany(key, timeout_ms=int(READ_S * 1000), max_records=1)
                reader.assign([])
        if not batches:
            raise Weather(f"offset {offset} of {partition.topic}[{partition.partition}] did not come within {READ_S:.0f} s")
        record: Record = batches[key][0]
        return record if record.offset == offset else None

    async def close(self) -> None:
        """Close what was opened."""
        for close in [self._reader and self._reader.stop, self._admin and self._admin.close]:
            if close:
                with contextlib.suppress(Exception):
                    await close()

    async def _reading(self) -> Any:
        if self._reader is None:
            reader = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=None, **READER)
            try:
                await reader.start()
            except BaseException:
                await reader.stop()
                raise
            self._reader = reader
        return self._reader

    async def _admin_client(self) -> Any:
        if self._admin is None:
            admin = AIOKafkaAdminClient(bootstrap_servers=self._bootstrap)
            try:
                await admin.start()
            except BaseException:
                await admin.close()
                raise
            self._admin = admin
        return self._admin


@asynccontextmanager
async def opened(bootstrap: str) -> AsyncIterator[KafkaCluster]:
    """The cluster at `bootstrap`; closed at the end."""
    cluster = KafkaCluster(bootstrap)
    try:
        yield cluster
    finally:
        await cluster.close()
