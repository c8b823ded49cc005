"""A log on real Kafka for benchmarks: made once, folded as often as asked, each time into a topic of its own."""

import asyncio
import contextlib
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from penstock.errors import PenstockError
from penstock.fold.protocol import Output
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.ports import TopicPartition
from penstock.kafka.topics import TopicSpec
from penstock.local.stack import infrastructure

BATCH_RECORDS = 2_000
STALL_S = 60.0
LOOK_EVERY_S = 0.05


@dataclass(frozen=True, slots=True)
class Broker:
    """Kafka, and PostgreSQL beside it, for one benchmark."""

    kafka: KafkaCluster
    bootstrap: str
    dsn: str

    async def topic(self, name: str) -> str:
        """A new topic of one partition."""
        whole = f"bench-{uuid.uuid4().hex[:8]}.{name}"
        await self.kafka.create([TopicSpec(whole, "validated", 1)])
        return whole

    async def append(self, topic: str, records: Iterable[tuple[bytes | None, bytes | None]]) -> None:
        """Append key and value of each record, in order."""
        producer, left = await self.kafka.producer(), iter(records)
        try:
            while batch := list(islice(left, BATCH_RECORDS)):
                await producer.send([Output(topic, 0, key, value) for key, value in batch])
        finally:
            await producer.stop()

    async def until_holds(self, topic: str, count: int) -> None:
        """Wait until a topic holds so many records. Raises: PenstockError when nothing is added any more."""
        loop, there = asyncio.get_running_loop(), -1
        moved_s = loop.time()
        while there < count:
            now = (await self.kafka.bounds(TopicPartition(topic, 0))).end
            there, moved_s = (now, loop.time()) if now > there else (there, moved_s)
            if loop.time() - moved_s > STALL_S:
                raise PenstockError(f"{topic} holds {there:,} of {count:,} records and gets no more. Try: a smaller RECORDS")
            await asyncio.sleep(LOOK_EVERY_S)

    async def append_times_ms(self, topic: str, offsets: Sequence[int]) -> list[int]:
        """When these offsets were appended, by the broker's clock."""
        records = [await self.kafka.read(TopicPartition(topic, 0), offset) for offset in offsets]
        return [record.timestamp for record in records if record is not None]


@contextlib.asynccontextmanager
async def broker(folder: Path) -> AsyncIterator[Broker]:
    """Real Kafka and PostgreSQL in a new folder below `folder`; addresses in the environment win."""
    with tempfile.TemporaryDirectory(prefix="stack-", dir=folder) as place:
        async with infrastructure(Path(place)) as addresses, opened(addresses.bootstrap) as kafka:
            yield Broker(kafka, addresses.bootstrap, addresses.dsn)
