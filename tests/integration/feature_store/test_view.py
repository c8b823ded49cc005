"""A view under the runner on real Kafka and PostgreSQL: vectors, labels, online values, and a restart with a changed view."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial

from penstock.fold.protocol import Effect, LogRecord, Missing, Output
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.kafka.ports import TopicPartition
from penstock_feature_store.fold import ViewFold
from penstock_feature_store.plan import Plan, make_plan
from penstock_feature_store.value import OnlineValue
from tests.conftest import Corner
from tests.unit.feature_store.worlds import SPEC, VIEW, World, world_of
from tests.waiting import until

FAMILIES = (
    "validated.rides",
    "validated.rain",
    "validated.ends",
    "features.late-a",
    "features.late-b",
    "learning.late-a",
    "learning.late-b",
)


class Running:
    """A runner of the world's view, and what it delivered."""

    def __init__(self, corner: Corner, world: World, plan: Plan, snapshots: MemorySnapshots) -> None:
        self.delivered: list[OnlineValue] = []
        self.runner = Runner(
            Unit(plan.unit, plan.topics, lambda _: ViewFold(plan, world.wire), plan.generation, group=corner.prefix + plan.unit),
            kafka=corner.kafka,
            snapshots=snapshots,
            deliver=self._deliver,
            resolve=partial(self._resolve, world),
            dlq_topic=lambda topic: corner.prefix + "dlq." + topic.removeprefix(corner.prefix),
            instance="0",
            service="feature_store",
        )

    async def _deliver(self, effects: Sequence[Effect]) -> None:
        self.delivered += [effect for effect in effects if isinstance(effect, OnlineValue)]

    async def _resolve(self, world: World, missing: Missing) -> None:
        await world.wire.fetch(int(missing.reference))


@contextlib.asynccontextmanager
async def running(corner: Corner, world: World, snapshots: MemorySnapshots) -> AsyncIterator[Running]:
    plan = await make_plan(VIEW, world.spec, world.wire, lambda family, name: f"{corner.prefix}{family}.{name}")
    it = Running(corner, world, plan, snapshots)
    task = asyncio.create_task(it.runner.run())
    try:
        yield it
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def append(corner: Corner, *records: LogRecord) -> None:
    producer = await corner.kafka.producer()
    try:
        await producer.send([Output(corner.prefix + record.topic, record.partition, record.key, record.value) for record in records])
    finally:
        await producer.stop()


async def values(corner: Corner, world: World, topic: str) -> list[dict[str, object]]:
    partition = TopicPartition(corner.prefix + topic, 0)
    records = [await corner.kafka.read(partition, offset) for offset in range(await corner.end(partition.topic))]
    return [world.wire.read(record.value)[1] for record in records if record]


def story(world: World) -> Iterator[LogRecord]:
    yield world.event("ends", 990, ride="r0", city="Ulm", driver="ann", delay=9.0)
    yield world.event("rain", 995, city="Ulm", depth=2.5)
    yield world.event("rides", 1_000, ride="r1", city="Ulm", driver="ann", miles=4)
    yield world.tick("rides", 1_005, idle=True)


async def test_a_view_asks_answers_and_keeps_its_state_when_it_changes(corner: Corner) -> None:
    for name in FAMILIES:
        await corner.topic(name, kind=name.partition(".")[0])
    world, snapshots = await world_of(SPEC), MemorySnapshots()
    await append(corner, *story(world))
    async with running(corner, world, snapshots) as first:
        await until(lambda: len(first.delivered) == 1 and first.runner.folds[0].counts["ticks"] == 1)
        await first.runner.settled()
    vector, tick = await values(corner, world, "features.late-b")
    assert vector["features"]["rain"] == 2.5  # type: ignore[index]
    assert (tick["event_time_ms"], tick["idle"]) == (1_005, True)
    (label,) = await values(corner, world, "learning.late-a")
    assert (label["event_id"], label["value"]) == ("r0", True)

    changed = await world_of(SPEC.replace("max_age: 100ms", "max_age: 200ms").replace("{share:", "{count:"), world.wire)
    changed.offsets = world.offsets
    await append(corner, changed.event("rides", 1_010, ride="r2", city="Ulm", driver="ann", miles=4))
    async with running(corner, changed, snapshots) as second:
        await until(lambda: len(second.delivered) == 1)
        await second.runner.settled()
    *_, last = await values(corner, changed, "features.late-a")
    assert last["features"] == second.delivered[0].features
    assert (last["features"]["rain"], last["features"]["driver_delay"], last["features"]["late"]) == (2.5, 9.0, 0.0)
    assert len(await values(corner, changed, "features.late-a")) == 3
