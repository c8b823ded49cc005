"""The world of a service that folds: Kafka, its own PostgreSQL schema, schemas, the catalogue and the registry."""

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import asyncpg

from penstock import codec, postgres
from penstock.catalogue import Catalogue
from penstock.errors import PenstockError
from penstock.fold.ladder import Keep
from penstock.fold.limits import Limits
from penstock.fold.protocol import Effect, Missing, Poison, Record
from penstock.fold.runner import Runner, Unit
from penstock.fold.setup import Deliver, Resolve
from penstock.fold.snapshots import PostgresSnapshots
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.log import read_log
from penstock.kafka.sender import AGENT_GROUP_PREFIX, Sender
from penstock.patience import WEATHER, as_weather, patiently
from penstock.process import Process
from penstock.records import Wire, Writer, platform_schema
from penstock.records.schemas import HttpSchemaRegistry
from penstock.registry_client import RegistryClient
from penstock.rpc import NotFound, Refused

BLOBS_MAX = 16

__all__ = ["WEATHER", "World", "as_weather", "open_world", "patiently"]


@dataclass(frozen=True, slots=True)
class World:
    """Everything outside that a service of folds works with.

    `blobs` holds learners' bytes by digest, the newest `BLOBS_MAX`, for the steps that asked for them: a fold decodes its own at once.
    `runtime` is the fingerprint of this process.
    """

    process: Process
    kafka: KafkaCluster
    pool: asyncpg.Pool
    snapshots: PostgresSnapshots
    wire: Wire
    catalogue: Catalogue
    registry: RegistryClient
    blobs: dict[str, bytes] = field(default_factory=dict)
    runtime: Mapping[str, str] = field(default_factory=lambda: codec.runtime())  # noqa: PLW0108  # codec imports late

    def runner(self, unit: Unit, deliver: Deliver | None = None, limits: Limits | None = None, resolve: Resolve | None = None) -> Runner:
        """A runner for this unit, in this world; its consumer group has the topics' prefix, since two installations may share a Kafka."""
        return Runner(
            replace(unit, group=unit.group or self.process.prefixed(f"penstock.{unit.name}")),
            kafka=self.kafka,
            snapshots=self.snapshots,
            deliver=deliver or _no_effects,
            resolve=resolve or self.resolve,
            dlq_topic=self.dead_letter_topic,
            instance=self.process.settings.instance,
            service=self.process.card.name,
            limits=limits,
            metrics=self.process.metrics,
            log=self.process.log,
            crash_points=self.process.crash_points,
        )

    def read_log(self, topic: str, start: int, end: int) -> AsyncGenerator[list[Record]]:
        """A part of a topic of one partition (see penstock.kafka.log)."""
        return read_log(self.process.settings.bootstrap, topic, start, end)

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
        await sender.bury(record, self.dead_letter_topic(record.topic), poison, f"{AGENT_GROUP_PREFIX}{name}", name)

    async def resolve(self, missing: Missing) -> None:
        """Bring what a step misses. Raises: Poison for what does not exist; Weather while it cannot be asked for."""
        with as_weather(f"{missing} cannot be fetched"):
            if missing.kind == "schema":
                await self.wire.fetch(int(missing.reference))
            else:
                await self._fetch_blob(missing.reference)

    async def _fetch_blob(self, digest: str) -> None:
        try:
            blob = await self.registry.blob(digest)
        except (NotFound, Refused) as error:
            raise Poison("unknown_model", str(error)) from error
        while len(self.blobs) >= BLOBS_MAX:
            del self.blobs[next(iter(self.blobs))]
        self.blobs[digest] = blob


@contextlib.asynccontextmanager
async def open_world(process: Process, keep: Keep | None = None) -> AsyncIterator[World]:
    """The world of this process, which keeps such snapshots; waits for weather to pass, and for the registry to have said what there is."""
    settings, package = process.settings, f"penstock_{process.card.name}"
    async with contextlib.AsyncExitStack() as stack:
        pool = await patiently(process.log, lambda: stack.enter_async_context(postgres.connect(settings.dsn, process.schema, package)))
        snapshots = PostgresSnapshots(pool, keep, process.crash_points)
        await patiently(process.log, snapshots.create)
        schemas = await stack.enter_async_context(contextlib.aclosing(HttpSchemaRegistry(settings.schema_registry_url)))
        wire = Wire(schemas)
        kafka = await stack.enter_async_context(opened(settings.bootstrap))
        registry = await stack.enter_async_context(RegistryClient(settings.registry))
        catalogue = await stack.enter_async_context(Catalogue(settings.bootstrap, process.topic("registry"), wire))
        await catalogue.ready()
        yield World(process, kafka, pool, snapshots, wire, catalogue, registry)


async def _no_effects(effects: Sequence[Effect]) -> None:
    if effects:
        raise PenstockError(f"a fold without effects gave {effects[0]!r}")
