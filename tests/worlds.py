"""Runners put together for tests, over the twin or over real Kafka."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from penstock.fold.limits import Limits
from penstock.fold.protocol import Effect, Missing
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import SnapshotStore
from penstock.kafka.ports import Kafka
from tests.folds import Noted

QUICK = Limits(snapshot_every_s=0.05, snapshot_cost_factor=0.0, backoff_first_s=0.02, backoff_last_s=0.2)


@dataclass
class World:
    """What a runner touches outside Kafka, kept for the test to look at."""

    known: set[str] = field(default_factory=set)
    delivered: list[int] = field(default_factory=list)
    counted: dict[str, float] = field(default_factory=dict)

    async def resolve(self, missing: Missing) -> None:
        self.known.add(missing.reference)

    async def deliver(self, effects: Sequence[Effect]) -> None:
        self.delivered.extend(effect.number for effect in effects if isinstance(effect, Noted))

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        self.counted[name] = self.counted.get(name, 0) + amount

    def gauge(self, name: str, value: float, **labels: str) -> None:
        self.counted[name] = value


def runner(  # a test hands in whatever it is about
    unit: Unit,
    kafka: Kafka,
    snapshots: SnapshotStore,
    world: World | None = None,
    *,
    instance: str = "0",
    limits: Limits = QUICK,
    seed: int = 0,
) -> Runner:
    world = world or World()
    clock = asyncio.get_running_loop().time
    return Runner(
        unit,
        kafka=kafka,
        snapshots=snapshots,
        deliver=world.deliver,
        resolve=world.resolve,
        dlq_topic=lambda topic: f"dlq.{topic}",
        instance=instance,
        service="test",
        limits=limits,
        clock=clock,
        wall_ms=lambda: 0,
        random=Random(seed),
        metrics=world,
    )


@asynccontextmanager
async def running(*runners: Runner) -> AsyncIterator[None]:
    """Run until the block ends; then stop cleanly. An error of a runner is raised here."""
    tasks = [asyncio.create_task(each.run()) for each in runners]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for task in tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
