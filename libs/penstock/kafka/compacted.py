"""Follows a compacted topic of one partition: reads it from its beginning, and goes on for ever."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from penstock.fold.protocol import Record
from penstock.fold.weather import Backoff
from penstock.kafka.consumer import FOLLOWER

FETCH_TIMEOUT_MS = 1_000
STALL_TIMEOUT_S = 15.0  # a consumer that is behind and gets nothing for so long is made anew (design, law V)
WAIT_FIRST_S, WAIT_MAX_S = 0.2, 5.0
WEATHER: tuple[type[Exception], ...] = (KafkaError, OSError, TimeoutError)


class Follower:
    """Gives every record of a topic to `take`, which says whether it changed anything; without a group, and outliving Kafka's absence.

    `weather`: what `take` may raise besides Kafka's own, and what passes by itself. `tell` hears why nothing can be read. A consumer that
    fails is made anew, and reads from the beginning: `take` must be idempotent.
    """

    def __init__(
        self,
        bootstrap: str,
        topic: str,
        take: Callable[[Record], Awaitable[bool]],
        tell: Callable[[str], object],
        weather: tuple[type[Exception], ...] = (),
    ) -> None:
        self._bootstrap = bootstrap
        self._partition = TopicPartition(topic, 0)
        self._take = take
        self._tell = tell
        self._weather = WEATHER + weather
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()

    async def ready(self) -> None:
        """Returns when the topic has been read to the end that it had when reading began."""
        await self._ready.wait()

    async def change(self) -> None:
        """Returns when something has changed since now."""
        await self._changed.wait()

    async def changes(self) -> AsyncIterator[None]:
        """Yields when ready, then whenever something has changed since the last time: many changes are one."""
        await self.ready()
        while True:
            changed = self._changed
            yield
            await changed.wait()

    async def run(self) -> None:
        """Read until cancelled."""
        backoff = Backoff(WAIT_FIRST_S, WAIT_MAX_S, Random())  # noqa: S311 (jitter)
        while True:
            try:
                async with _consumer(self._bootstrap) as consumer:
                    await self._wait_for_topic(consumer)
                    backoff.reset()
                    await self._read(consumer)
            except self._weather as error:
                self._tell(f"{type(error).__name__}: {error}")
            await asyncio.sleep(backoff.next_s())

    async def _read(self, consumer: AIOKafkaConsumer) -> None:
        """Take records until the consumer stalls."""
        consumer.assign([self._partition])
        await consumer.seek_to_beginning(self._partition)
        end = await self._end(consumer)
        last_s = asyncio.get_running_loop().time()
        while True:
            records = (await consumer.getmany(self._partition, timeout_ms=FETCH_TIMEOUT_MS)).get(self._partition, [])
            if [record for record in records if await self._take(record)]:
                self._wake()
            position = await consumer.position(self._partition)
            if position >= end and not self._ready.is_set():
                self._ready.set()
            now_s = asyncio.get_running_loop().time()
            if records:
                last_s = now_s
            elif now_s - last_s > STALL_TIMEOUT_S:
                if position < await self._end(consumer):
                    return
                last_s = now_s

    async def _end(self, consumer: AIOKafkaConsumer) -> int:
        return int((await consumer.end_offsets([self._partition]))[self._partition])

    async def _wait_for_topic(self, consumer: AIOKafkaConsumer) -> None:
        """Ask for the list of topics until somebody has made this one: asking for it by name could make it, without compaction."""
        topic = self._partition.topic
        if topic not in await consumer.topics():
            self._tell(f"there is no topic {topic}")
        while topic not in await consumer.topics():
            await asyncio.sleep(WAIT_FIRST_S)

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


@contextlib.asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **FOLLOWER)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()
