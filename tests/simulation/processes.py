"""The services as processes of the simulation: production's own composition over twins, kept going as a supervisor does."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from random import Random
from typing import Any

import penstock_deployer
import penstock_deployer.main as deployer
import penstock_feature_store
import penstock_feature_store.main as feature_store
import penstock_ingestion
import penstock_monitor
import penstock_monitor.main as monitor
import penstock_trainer
import penstock_trainer.main as trainer
from penstock.fleet import Fleet
from penstock.fold.limits import Limits
from penstock.fold.protocol import Record
from penstock.fold.runner import Runner, Unit
from penstock.fold.setup import Deliver, Resolve
from penstock.fold.snapshots import MemorySnapshots, Saved, SnapshotId
from penstock.fold.weather import Weather
from penstock.kafka.memory import Crash, Faults, MemoryBroker, MemoryKafka, SeededFaults
from penstock.kafka.ports import TopicPartition
from penstock.kafka.sender import Sender
from penstock.process import Process
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock.settings import Settings
from penstock.world import World
from penstock_deployer.agent import ServeAgent
from penstock_feature_store.value import OnlineValue, coalesce
from penstock_ingestion.framing import Decoder
from penstock_ingestion.units import plans as ingestion_plans
from penstock_trainer.agent import CommandAgent
from tests.simulation.registry import CatalogueTwin, RegistryTwin, RegistryTwinClient

RECONCILE_EVERY_S = 1.0
TRIES = 3
SETTINGS = Settings()
CARDS = {
    "ingestion": penstock_ingestion.CARD,
    "feature_store": penstock_feature_store.CARD,
    "deployer": penstock_deployer.CARD,
    "trainer": penstock_trainer.CARD,
    "monitor": penstock_monitor.CARD,
}


class Quiet:
    """A log that nobody reads, and the metrics of a process: what happened is counted by name."""

    def __init__(self, counted: Counter[str]) -> None:
        self._counted = counted

    def count(self, name: str, amount: float = 1, **_: str) -> None:
        """See penstock.fold.setup.Metrics."""
        self._counted[name] += int(amount)

    def gauge(self, name: str, value: float, **_: str) -> None:
        """Gauges say nothing here."""

    def debug(self, *_: Any, **__: Any) -> None:
        """Nothing is written."""

    info = warning = error = debug


class SimulatedProcess(Process):
    """A process whose log and metrics are counters."""

    def __post_init__(self) -> None:
        self.metrics = self.log


@dataclass(frozen=True, slots=True)
class Outside:
    """What outlives every process: broker, database, registry, and the clock of the run."""

    broker: MemoryBroker
    snapshots: MemorySnapshots
    schemas: MemorySchemaRegistry
    registry: RegistryTwin
    catalogue: CatalogueTwin
    limits: Limits
    now_s: Callable[[], float]
    online: dict[tuple[str, str], OnlineValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SimulatedWorld(World):
    """The world of a service, made of twins; what it gives to a runner is what World gives, but for clock, randomness and limits."""

    outside: Any = None
    faults: Any = None
    random: Random = field(default_factory=Random)

    def runner(self, unit: Unit, deliver: Deliver | None = None, limits: Limits | None = None, resolve: Resolve | None = None) -> Runner:
        """See World."""
        outside: Outside = self.outside
        return Runner(
            replace(unit, group=self.process.prefixed(f"penstock.{unit.name}")),
            kafka=self.kafka,
            snapshots=self.snapshots,
            deliver=deliver or _no_effects,
            resolve=resolve or self.resolve,
            dlq_topic=self.dead_letter_topic,
            instance=self.process.settings.instance,
            service=self.process.card.name,
            limits=replace(outside.limits, merge_wait_s=limits.merge_wait_s) if limits else outside.limits,
            clock=outside.now_s,
            wall_ms=lambda: 0,
            random=Random(self.random.randrange(1 << 30)),
            metrics=self.process.metrics,
            log=self.process.log,
        )


async def _no_effects(effects: Sequence[Any]) -> None:
    assert not effects


class _Snapshots:
    """The snapshot store as one process sees it: calls can fail before and after they have done what they do."""

    def __init__(self, store: MemorySnapshots, faults: Faults) -> None:
        self._store, self._faults = store, faults

    async def store(self, saved: Saved) -> None:
        await self._faults.point("store a snapshot")
        await self._store.store(saved)
        await self._faults.point("a snapshot was stored")

    async def newest(self, fold: str, partition: int, generation: int) -> Sequence[SnapshotId]:
        await self._faults.point("newest snapshots")
        return await self._store.newest(fold, partition, generation)

    async def load(self, id: SnapshotId) -> Saved:
        await self._faults.point("load a snapshot")
        return await self._store.load(id)


class _Schemas:
    """The schema registry as one process sees it."""

    def __init__(self, schemas: MemorySchemaRegistry, faults: Faults) -> None:
        self._schemas, self._faults = schemas, faults

    async def register(self, subject: str, schema: Schema) -> int:
        return await self._schemas.register(subject, schema)

    async def by_id(self, id: int) -> Schema:
        await self._faults.point("schema")
        return await self._schemas.by_id(id)


class _Online:
    """The feature store's online values as one process sees them."""

    def __init__(self, values: dict[tuple[str, str], OnlineValue], faults: Faults) -> None:
        self._values, self._faults = values, faults

    async def write(self, values: Iterable[OnlineValue]) -> None:
        newest = coalesce(values)
        await self._faults.point("write online values")
        for key, value in sorted(newest.items(), key=lambda item: item[0]):
            self._values[key] = coalesce([self._values[key], value])[key] if key in self._values else value
        await self._faults.point("online values were written")


Service = Callable[[SimulatedWorld, Fleet], Awaitable[None]]


def fleet_of(name: str, world: SimulatedWorld) -> Fleet:
    """The fleet that the service's main makes."""
    online: Any = _Online(world.outside.online, world.faults)
    plans: Mapping[str, Callable[[], Iterable[Any]]] = {
        "ingestion": partial(ingestion_plans, world, Decoder(world.wire)),
        "feature_store": partial(feature_store.plans, world, online),
        "deployer": partial(deployer._plans, world),
        "trainer": partial(trainer._plans, world),
        "monitor": partial(monitor._plans, world),
    }
    return Fleet(plans[name], world.process.log)


async def serve(name: str, world: SimulatedWorld, fleet: Fleet) -> None:
    """What the service's main does, without its servers."""
    async with asyncio.TaskGroup() as tasks, Sender(world.kafka) as sender:
        tasks.create_task(fleet.follow(world.catalogue.changes()))
        if name == "deployer":
            serves = ServeAgent(world.wire, deployer._ports(world, fleet, sender)._replace(now_s=world.outside.now_s))
            tasks.create_task(_reconcile(serves.reconcile))
            tasks.create_task(_hints(world, "registry", serves.hint))
        if name == "trainer":
            drifts = _Drifts(world)
            ports = trainer._ports(world, fleet, drifts, sender)  # type: ignore[arg-type]
            commands = CommandAgent(world.wire, ports._replace(now_s=world.outside.now_s))
            tasks.create_task(_reconcile(commands.reconcile))
            tasks.create_task(_hints(world, "registry", commands.hint_registry))
            tasks.create_task(_hints(world, "drift", commands.hint_drift))


async def _reconcile(reconcile: Callable[[], Awaitable[None]]) -> None:
    """As penstock.kafka.agent.every: bad weather is tried again at the next time."""
    while True:
        await asyncio.sleep(RECONCILE_EVERY_S)
        try:
            await reconcile()
        except Weather:
            continue


async def _hints(world: SimulatedWorld, topic: str, handle: Callable[[Record], Awaitable[None]]) -> None:
    """The agents' wrapper with its faults: an edge may come twice, late, or never; what fails too often goes aside."""
    broker, position = world.outside.broker, 0
    place = TopicPartition(topic, 0)
    while True:
        await broker.more([place], 10.0)
        await world.faults.point("agent")
        for record in broker.read(place, position, 100):
            for _ in range(world.random.choice([0, 1, 1, 1, 2])):
                await _handle(handle, record)
            position = record.offset + 1


async def _handle(handle: Callable[[Record], Awaitable[None]], record: Record) -> None:
    for _ in range(TRIES):
        try:
            await handle(record)
        except Weather:
            continue
        return


class _Drifts:
    """Every drift so far, as penstock_trainer.drifts reads it."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._known: dict[str, Mapping[str, Any]] = {}
        self._position = 0

    async def all(self) -> Iterable[Mapping[str, Any]]:
        """See Drifts."""
        await self._world.faults.point("drifts")
        for record in self._world.outside.broker.read(TopicPartition("drift", 0), self._position, 1_000):
            _, value = await self._world.wire.read_or_fetch(record.value)
            self._known.setdefault(value["cause"], value)
            self._position = record.offset + 1
        return self._known.values()


@dataclass(slots=True)
class Rates:
    """The chances of faults at every point and batch of a process."""

    crash: float = 0.0
    weather: float = 0.0
    freeze: float = 0.0
    batch: float = 0.0


class Host:
    """Keeps one instance of a service going: a process that dies is started anew, with faults of its own."""

    def __init__(self, outside: Outside, name: str, instance: str, random: Random, rates: Rates) -> None:
        self.name, self.instance = name, instance
        self.outside = outside
        self.fleet: Fleet | None = None
        self.faults: SeededFaults | None = None
        self.rates = rates
        self.injected: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self._random = random
        self._serving: asyncio.Task[None] | None = None
        self._up = asyncio.Event()
        self._up.set()

    async def run(self) -> None:
        """One life after the other, until cancelled. Raises: what no life should end with."""
        while True:
            await self._up.wait()
            async with self._life() as world:
                self.fleet = fleet_of(self.name, world)
                self._serving = asyncio.create_task(serve(self.name, world, self.fleet))
                try:
                    await asyncio.shield(self._serving)
                except BaseException as error:
                    await self._end(error)
            self.injected["restart"] += 1
            await asyncio.sleep(self._random.uniform(0.1, 2.0))

    def kill(self) -> None:
        """Kill -9."""
        if self.faults and self._serving:
            self.injected["kill"] += 1
            self.faults.kill()
            self._serving.cancel()

    def down(self) -> None:
        """Dead until `up`."""
        self._up.clear()
        self.kill()

    def up(self) -> None:
        """Started again."""
        self._up.set()

    def stop(self) -> None:
        """SIGTERM."""
        if self._serving:
            self.injected["clean stop"] += 1
            self._serving.cancel()

    def freeze(self, for_s: float) -> None:
        """SIGSTOP, and SIGCONT later: meanwhile the others go on, and then there are two owners."""
        if self.faults:
            self.injected["freeze"] += 1
            self.faults.freeze(for_s)

    def stick(self) -> None:
        """One of its consumers goes silent."""
        if self.faults:
            self.faults.stick()

    def settle(self) -> None:
        """No more faults."""
        self.rates = Rates()
        if self.faults:
            self.faults.calm()

    @asynccontextmanager
    async def _life(self) -> AsyncIterator[SimulatedWorld]:
        rates = self.rates
        self.faults = SeededFaults(self._random, crash=rates.crash, weather=rates.weather, freeze=rates.freeze, batch=rates.batch)
        yield _world(self, self.faults, Random(self._random.randrange(1 << 30)))
        self.injected += self.faults.injected
        self.fleet = None

    async def _end(self, error: BaseException) -> None:
        """Clean up after a life; whatever is neither a crash nor weather is a bug."""
        assert self._serving is not None
        mine = not self._serving.done()
        if mine:
            self._serving.cancel()
            await asyncio.wait([self._serving])
        if not self._serving.cancelled():
            error = self._serving.exception() or error
        bugs = [each for each in _leaves(error) if not isinstance(each, Crash | Weather | asyncio.CancelledError)]
        if bugs:
            raise bugs[0]
        if mine:
            raise asyncio.CancelledError


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for inside in error.exceptions for leaf in _leaves(inside)]
    return [error]


def _world(host: Host, faults: SeededFaults, random: Random) -> SimulatedWorld:
    outside: Outside = host.outside
    log = Quiet(host.counted)
    process = SimulatedProcess(CARDS[host.name], SETTINGS.model_copy(update={"instance": host.instance}), log)
    twins: dict[str, Any] = {
        "kafka": MemoryKafka(outside.broker, faults),
        "pool": None,
        "snapshots": _Snapshots(outside.snapshots, faults),
        "wire": Wire(_Schemas(outside.schemas, faults)),
        "catalogue": outside.catalogue,
        "registry": RegistryTwinClient(outside.registry, faults),
    }
    return SimulatedWorld(process, **twins, outside=outside, faults=faults, random=random)
