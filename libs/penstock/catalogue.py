"""The catalogue: what the registry's compacted topic says, kept up to date in every service."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from random import Random
from types import TracebackType
from typing import Any, Self

import httpx
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from penstock.errors import PenstockError
from penstock.fold.protocol import Record
from penstock.fold.weather import Backoff
from penstock.kafka.consumer import READER
from penstock.records import Wire
from penstock.records.schemas import SchemaRegistryError
from penstock.spec import Model, Stream, View, part_from_json

FETCH_TIMEOUT_MS = 1_000
STALL_TIMEOUT_S = 15.0  # a consumer that is behind and gets nothing for so long is made anew (design, law V)
WAIT_FIRST_S, WAIT_MAX_S = 0.2, 5.0
KINDS = ("stream", "view", "model", "version", "checkpoint", "alias")  # the topic also keeps schemas, which are asked for by id
WEATHER = (KafkaError, OSError, TimeoutError, httpx.HTTPError, SchemaRegistryError)

_Found = tuple[int, Any]


class Catalogue:
    """The registry's things by name, each at its highest revision; read from the topic's beginning, without a group.

    Used as `async with Catalogue(bootstrap, topic, wire) as catalogue: await catalogue.ready()`. It outlives Kafka's and the
    schema registry's absence: what was read stays, and reading goes on. Specification parts are (version, part).
    """

    def __init__(self, bootstrap: str, topic: str, wire: Wire) -> None:
        self._bootstrap = bootstrap
        self._partition = TopicPartition(topic, 0)
        self._wire = wire
        self._found: dict[str, dict[str, _Found]] = {}
        self._ready = asyncio.Event()
        self._changed = asyncio.Event()
        self._tasks = asyncio.TaskGroup()
        self._log = structlog.get_logger().bind(topic=topic)

    @property
    def streams(self) -> Mapping[str, tuple[int, Stream]]:
        """The streams: (version, stream) by name."""
        return self._found.get("stream", {})

    @property
    def views(self) -> Mapping[str, tuple[int, View]]:
        """The views: (version, view) by name."""
        return self._found.get("view", {})

    @property
    def models(self) -> Mapping[str, tuple[int, Model]]:
        """The models: (version, model) by name."""
        return self._found.get("model", {})

    @property
    def versions(self) -> Mapping[str, dict[str, Any]]:
        """What is known of each version, by flights-late/2: parent, learner, cause, born_position, state."""
        return self._bodies("version")

    @property
    def checkpoints(self) -> Mapping[str, dict[str, Any]]:
        """The newest checkpoint of each version, by flights-late/2, without its bytes."""
        return self._bodies("checkpoint")

    @property
    def aliases(self) -> Mapping[str, dict[str, Any]]:
        """Each alias, by flights-late@champion: version, revision, cause."""
        return self._bodies("alias")

    async def ready(self) -> None:
        """Returns when the topic has been read to the end that it had when reading began."""
        await self._ready.wait()

    async def changes(self) -> AsyncIterator[None]:
        """Yields when ready, then whenever something has changed since the last time: many changes are one."""
        await self.ready()
        while True:
            changed = self._changed
            yield
            await changed.wait()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._following = self._tasks.create_task(self._follow())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._following.cancel()
        await self._tasks.__aexit__(kind, error, traceback)

    def take(self, kind: str, name: str, revision: int, body: str) -> bool:
        """Keep an entry if it is newer than what is here; whether it was. Raises: PenstockError or ValueError for a senseless body."""
        if kind not in KINDS:
            return False
        known = self._found.setdefault(kind, {})
        if name in known and known[name][0] >= revision:
            return False
        is_part = kind in ("stream", "view", "model")
        known[name] = (revision, part_from_json(kind, name, body) if is_part else json.loads(body))
        return True

    def _bodies(self, kind: str) -> Mapping[str, dict[str, Any]]:
        return {name: body for name, (_, body) in self._found.get(kind, {}).items()}

    async def _follow(self) -> None:
        """Read for ever; a consumer that fails is made anew, and reads from the beginning."""
        backoff = Backoff(WAIT_FIRST_S, WAIT_MAX_S, Random())  # noqa: S311 (jitter)
        while True:
            try:
                async with _consumer(self._bootstrap) as consumer:
                    await _wait_for_topic(consumer, self._partition.topic)
                    backoff.reset()
                    await self._read(consumer)
            except WEATHER as error:
                self._log.warning("the registry topic cannot be read", error=f"{type(error).__name__}: {error}")
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

    async def _take(self, record: Record) -> bool:
        """Whether the record changed anything; one that cannot be understood is told of and passed over."""
        if record.value is None:
            return False
        try:
            _, entry = await self._wire.read_or_fetch(record.value)
            return self.take(entry["kind"], entry["name"], entry["revision"], entry["body"])
        except WEATHER:
            raise
        except (PenstockError, ValueError, KeyError, TypeError) as error:
            self._log.error("an entry of the registry cannot be read", offset=record.offset, error=str(error))
            return False

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


@contextlib.asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **READER)
    try:
        await consumer.start()
        yield consumer
    finally:
        await consumer.stop()


async def _wait_for_topic(consumer: AIOKafkaConsumer, topic: str) -> None:
    """Ask for the list of topics until the registry has made this one: asking for it by name could make it, without compaction."""
    while topic not in await consumer.topics():
        await asyncio.sleep(WAIT_FIRST_S)
