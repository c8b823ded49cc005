"""The world of a simulated process: twins of what stands outside, each as one process with its own faults sees it."""

from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import penstock_deployer
import penstock_feature_store
import penstock_ingestion
import penstock_monitor
import penstock_trainer
from penstock import codec
from penstock.fold.limits import Limits
from penstock.fold.protocol import Record
from penstock.fold.runner import Runner, Unit
from penstock.fold.setup import Deliver, Resolve
from penstock.fold.snapshots import MemorySnapshots, Saved, SnapshotId
from penstock.kafka.memory import Faults, MemoryBroker, MemoryKafka
from penstock.kafka.ports import TopicPartition
from penstock.process import Process
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock.settings import Settings
from penstock.world import World
from penstock_feature_store.value import OnlineValue, coalesce
from tests.simulation.registry import CatalogueTwin, RegistryTwin, RegistryTwinClient

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
    """What outlives every process: broker, database, registry, and the clock of the run; `runtime` is that of who starts next."""

    broker: MemoryBroker
    snapshots: MemorySnapshots
    schemas: MemorySchemaRegistry
    registry: RegistryTwin
    catalogue: CatalogueTwin
    limits: Limits
    now_s: Callable[[], float]
    online: dict[tuple[str, str], OnlineValue] = field(default_factory=dict)
    runtime: dict[str, str] = field(default_factory=lambda: dict(codec.runtime()))
    first_runtime: Mapping[str, str] = field(default_factory=codec.runtime)


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

    async def read_log(self, topic: str, start: int, end: int) -> AsyncGenerator[list[Record]]:
        """See World."""
        for at in range(start, end, 100):
            await self.faults.point("read a log")
            yield list(self.outside.broker.read(TopicPartition(topic, 0), at, min(100, end - at)))


def world_of(outside: Outside, service: str, instance: str, faults: Faults, random: Random, counted: Counter[str]) -> SimulatedWorld:
    """The world of one life of a process."""
    process = SimulatedProcess(CARDS[service], SETTINGS.model_copy(update={"instance": instance}), Quiet(counted))
    twins: dict[str, Any] = {
        "kafka": MemoryKafka(outside.broker, faults),
        "pool": None,
        "snapshots": _Snapshots(outside.snapshots, faults),
        "wire": Wire(_Schemas(outside.schemas, faults)),
        "catalogue": outside.catalogue,
        "registry": RegistryTwinClient(outside.registry, faults),
        "runtime": dict(outside.runtime),
    }
    return SimulatedWorld(process, **twins, outside=outside, faults=faults, random=random)


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

    async def of_topic(self, topic: str) -> dict[int, Schema]:
        await self._faults.point("schemas of a topic")
        return await self._schemas.of_topic(topic)


class OnlineTwin:
    """The feature store's online values as one process sees them."""

    def __init__(self, values: dict[tuple[str, str], OnlineValue], faults: Faults) -> None:
        self._values, self._faults = values, faults

    async def write(self, values: Iterable[OnlineValue]) -> None:
        newest = coalesce(values)
        await self._faults.point("write online values")
        for key, value in sorted(newest.items(), key=lambda item: item[0]):
            self._values[key] = coalesce([self._values[key], value])[key] if key in self._values else value
        await self._faults.point("online values were written")
