"""The services as processes of the simulation: production's own composition over twins, kept going as a supervisor does."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import penstock_deployer.main as deployer
import penstock_feature_store.main as feature_store
import penstock_monitor.main as monitor
import penstock_trainer.main as trainer
from penstock.fleet import Fleet
from penstock.fold.protocol import Record
from penstock.fold.weather import Weather
from penstock.framing.decoder import Decoder
from penstock.kafka.memory import Crash, SeededFaults
from penstock.kafka.ports import TopicPartition
from penstock.kafka.sender import Sender
from penstock_deployer.agent import ServeAgent
from penstock_ingestion.units import plans as ingestion_plans
from penstock_trainer.agent import CommandAgent
from tests.simulation.twins import OnlineTwin, Outside, SimulatedWorld, world_of

RECONCILE_EVERY_S = 1.0
TRIES = 3


def fleet_of(name: str, world: SimulatedWorld) -> Fleet:
    """The fleet that the service's main makes."""
    online: Any = OnlineTwin(world.outside.online, world.faults)
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
        with contextlib.suppress(Weather):
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
        random = Random(self._random.randrange(1 << 30))
        yield world_of(self.outside, self.name, self.instance, self.faults, random, self.counted)
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
