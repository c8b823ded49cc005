"""The world of a service that folds: Kafka, its own PostgreSQL schema, schemas, the catalogue and the registry."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import asyncpg
import httpx

from penstock import postgres
from penstock.catalogue import Catalogue
from penstock.errors import PenstockError
from penstock.fold.limits import Limits
from penstock.fold.protocol import Effect, Missing, Poison, Record
from penstock.fold.runner import Runner, Unit
from penstock.fold.setup import Deliver, Resolve
from penstock.fold.snapshots import PostgresSnapshots
from penstock.fold.weather import Weather
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.sender import Sender
from penstock.process import Process
from penstock.records import Wire, Writer, platform_schema
from penstock.records.schemas import HttpSchemaRegistry, SchemaRegistryError
from penstock.registry_client import RegistryClient
from penstock.rpc import Unavailable

GROUP_PREFIX = "penstock.agent."
WAIT_FIRST_S, WAIT_MAX_S = 0.2, 5.0
WEATHER: tuple[type[Exception], ...] = (*postgres.WEATHER, Weather, Unavailable, httpx.HTTPError, SchemaRegistryError)
"""What passes by itself: a broker, a database or another service that is away."""

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that a service of folds works with; `blobs` holds learners' bytes by digest for the steps that asked for them."""

    process: Process
    kafka: KafkaCluster
    pool: asyncpg.Pool
    snapshots: PostgresSnapshots
    wire: Wire
    catalogue: Catalogue
    registry: RegistryClient
    blobs: dict[str, bytes] = field(default_factory=dict)

    def runner(self, unit: Unit, deliver: Deliver | None = None, limits: Limits | None = None, resolve: Resolve | None = None) -> Runner:
        """A runner for this unit, in this world; its consumer group has the topics' prefix, since two installations may share a Kafka."""
        return Runner(
            replace(unit, group=unit.group or self.process.topic("penstock", unit.name)),
            kafka=self.kafka,
            snapshots=self.snapshots,
            deliver=deliver or _no_effects,
            resolve=resolve or self.resolve,
            dlq_topic=self.dead_letter_topic,
            instance=self.process.settings.instance,
            service=self.process.card.name,
            limits=limits,
            log=self.process.log,
        )

    def dead_letter_topic(self, topic: str) -> str:
        """Where what is poison on `topic` goes."""
        prefix = self.process.settings.topic_prefix
        return f"{prefix}dlq.{topic.removeprefix(prefix)}"

    async def writer(self, topic: str, name: str) -> Writer:
        """How a platform record, such as "Serve", is encoded for this topic."""
        return await self.wire.writer(topic, platform_schema(name))

    async def bury(self, sender: Sender, record: Record, failure: Exception) -> None:
        """Send a record that an agent could not handle to its dead-letter topic."""
        poison = failure if isinstance(failure, Poison) else Poison("unhandled", type(failure).__name__)
        name = self.process.card.name
        await sender.bury(record, self.dead_letter_topic(record.topic), poison, f"{GROUP_PREFIX}{name}", name)

    async def resolve(self, missing: Missing) -> None:
        """Bring what a step misses. Raises: Poison for what does not exist; Weather while it cannot be asked for."""
        with as_weather(f"{missing} cannot be fetched"):
            if missing.kind == "schema":
                await self.wire.fetch(int(missing.reference))
            else:
                self.blobs[missing.reference] = await self.registry.blob(missing.reference)


@contextlib.asynccontextmanager
async def open_world(process: Process) -> AsyncIterator[World]:
    """The world of this process; waits for weather to pass, and for the registry to have said what there is."""
    settings, package = process.settings, f"penstock_{process.card.name}"
    async with contextlib.AsyncExitStack() as stack:
        pool = await patiently(process.log, lambda: stack.enter_async_context(postgres.connect(settings.dsn, package, package)))
        snapshots = PostgresSnapshots(pool)
        await patiently(process.log, snapshots.create)
        schemas = await stack.enter_async_context(contextlib.aclosing(HttpSchemaRegistry(settings.schema_registry_url)))
        wire = Wire(schemas)
        kafka = await stack.enter_async_context(opened(settings.bootstrap))
        registry = await stack.enter_async_context(RegistryClient(settings.registry))
        catalogue = await stack.enter_async_context(Catalogue(settings.bootstrap, process.topic("registry"), wire))
        await catalogue.ready()
        yield World(process, kafka, pool, snapshots, wire, catalogue, registry)


@contextlib.contextmanager
def as_weather(what: str) -> Iterator[None]:
    """Turns what passes by itself into Weather, which a runner waits for."""
    try:
        yield
    except WEATHER as error:
        raise Weather(f"{what}: {type(error).__name__}: {error}") from error


async def patiently(log: Any, attempt: Callable[[], Awaitable[Result]]) -> Result:
    """What an attempt gives, tried again with back-off and jitter while the weather is bad."""
    wait_s = WAIT_FIRST_S
    while True:
        try:
            return await attempt()
        except WEATHER as error:
            log.warning("waiting", reason=f"{type(error).__name__}: {error}", wait_s=wait_s)
        await asyncio.sleep(wait_s * random.uniform(0.5, 1.0))  # noqa: S311 (jitter)
        wait_s = min(wait_s * 2, WAIT_MAX_S)


async def _no_effects(effects: Sequence[Effect]) -> None:
    if effects:
        raise PenstockError(f"a fold without effects gave {effects[0]!r}")
