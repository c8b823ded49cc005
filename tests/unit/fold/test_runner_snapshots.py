"""The runner's snapshots: when they are taken, what must be done before, and what they say."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from penstock.fold.protocol import Effect
from penstock.fold.snapshots import MemorySnapshots
from penstock.kafka.ports import Consumer, TopicPartition
from tests.folds import encode
from tests.unit.fold.runners import NUMBERS, UNIT, Recorder, after, cluster, in_virtual_time, snapshots_of
from tests.waiting import until
from tests.worlds import QUICK, World, runner, running


@in_virtual_time
async def test_a_snapshot_is_never_ahead_of_the_outputs() -> None:
    kafka, snapshots = cluster(10), MemorySnapshots()
    kafka.recorder = Recorder()
    kafka.recorder.open.clear()
    worker = runner(UNIT, kafka, snapshots, limits=replace(QUICK, snapshot_every_s=0.0))
    async with running(worker):
        await until(lambda: kafka.recorder is not None and kafka.recorder.sending == 1)
        with pytest.raises(AssertionError):
            await until(lambda: bool(snapshots_of(snapshots)), timeout_s=30)
        kafka.recorder.open.set()
        await until(lambda: bool(snapshots_of(snapshots)))


@in_virtual_time
async def test_a_snapshot_is_never_ahead_of_the_writes_to_the_database() -> None:
    kafka, snapshots = cluster(), MemorySnapshots()
    kafka.broker.append(NUMBERS, None, encode(word="noted", number=1))

    class Slow(World):
        open = asyncio.Event()

        async def deliver(self, effects: Sequence[Effect]) -> None:
            await self.open.wait()
            await super().deliver(effects)

    world = Slow()
    worker = runner(UNIT, kafka, snapshots, world, limits=replace(QUICK, snapshot_every_s=0.0))
    async with running(worker):
        await until(lambda: worker.folds.get(0) is not None and worker.folds[0].counts["folded"] == 1)
        with pytest.raises(AssertionError):
            await until(lambda: bool(snapshots_of(snapshots)), timeout_s=30)
        world.open.set()
        await until(lambda: bool(snapshots_of(snapshots)))
    assert world.delivered == [1]


@in_virtual_time
async def test_a_clean_stop_stores_what_was_folded() -> None:
    kafka, snapshots = cluster(10), MemorySnapshots()
    worker = runner(UNIT, kafka, snapshots, limits=replace(QUICK, snapshot_every_s=1000))
    async with running(worker):
        await worker.settled()
        assert snapshots_of(snapshots) == []
    assert snapshots_of(snapshots) == [10]


@in_virtual_time
async def test_snapshots_cost_at_most_a_twentieth_of_the_time() -> None:
    kafka = cluster(1)

    class Slow(MemorySnapshots):
        def __init__(self) -> None:
            super().__init__()
            self.times: list[float] = []

        async def store(self, saved: Any) -> None:
            self.times.append(asyncio.get_running_loop().time())
            await until(after(1.0))
            await super().store(saved)

    slow = Slow()
    worker = runner(UNIT, kafka, slow, limits=replace(QUICK, snapshot_every_s=2.0, snapshot_cost_factor=20.0))
    async with running(worker):
        await until(lambda: len(slow.times) == 1)
        kafka.broker.append(NUMBERS, None, encode(number=1))
        await until(lambda: len(slow.times) == 2, timeout_s=60)
    assert 20 <= slow.times[1] - slow.times[0] < 23


class SlowOnce(MemorySnapshots):
    """The first store takes a minute, and then its reply is lost, or not."""

    def __init__(self, fails: bool) -> None:
        super().__init__()
        self.times: list[float] = []
        self.lost_replies = int(fails)

    async def store(self, saved: Any) -> None:
        self.times.append(asyncio.get_running_loop().time())
        if len(self.times) == 1:
            await until(after(60.0), timeout_s=100)
        await super().store(saved)


async def between_two_stores_s(slow: SlowOnce) -> float:
    kafka = cluster(1)
    worker = runner(UNIT, kafka, slow, limits=replace(QUICK, snapshot_every_s=2.0, snapshot_cost_factor=20.0))
    async with running(worker):
        await until(lambda: len(slow.times) == 1)
        kafka.broker.append(NUMBERS, None, encode(number=1))
        await until(lambda: len(slow.times) == 2, timeout_s=2_000)
    return slow.times[1] - slow.times[0]


@in_virtual_time
async def test_a_database_that_was_slow_once_puts_the_next_snapshot_off_by_half_a_minute_at_most() -> None:
    assert 60 <= await between_two_stores_s(SlowOnce(fails=False)) < 95


@in_virtual_time
async def test_a_database_that_was_away_puts_the_next_snapshot_off_no_longer_than_ever() -> None:
    assert 60 <= await between_two_stores_s(SlowOnce(fails=True)) < 65


@in_virtual_time
async def test_a_database_that_is_away_costs_snapshots_but_not_the_folding() -> None:
    kafka, snapshots, world = cluster(10), MemorySnapshots(), World()
    worker = runner(UNIT, kafka, snapshots, world)
    async with running(worker):
        await worker.settled()
        snapshots.unavailable = True
        kafka.broker.append(NUMBERS, None, encode(number=1))
        await until(lambda: world.counted.get("snapshots_failed", 0) > 2)
        snapshots.unavailable = False
        await until(lambda: 11 in snapshots_of(snapshots))
    assert kafka.producers == 1


class Noting:
    """A consumer whose commits are noted, each with the newest snapshot that there was."""

    def __init__(self, consumer: Consumer, newest: Callable[[], int], noted: list[tuple[int, int]]) -> None:
        self._consumer, self._newest, self._noted = consumer, newest, noted

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        self._noted += [(offset, self._newest()) for offset in offsets.values()]


@in_virtual_time
async def test_what_a_group_has_committed_is_stored() -> None:
    kafka, snapshots, world, noted = cluster(10), MemorySnapshots(), World(), list[tuple[int, int]]()
    kafka.wrap = lambda consumer: Noting(consumer, lambda: max(snapshots_of(snapshots), default=0), noted)
    async with running(runner(UNIT, kafka, snapshots, world)):
        await until(lambda: 10 in snapshots_of(snapshots))
        snapshots.unavailable = True
        kafka.broker.append(NUMBERS, None, encode(number=1))
        await until(lambda: world.counted.get("snapshots_failed", 0) > 2)
        assert max(offset for offset, _ in noted) == 10, "what was folded is not stored yet"
        snapshots.unavailable = False
        await until(lambda: (11, 11) in noted)
    assert all(offset <= newest for offset, newest in noted)


@in_virtual_time
async def test_a_snapshot_tells_what_its_fold_had_counted() -> None:
    snapshots = MemorySnapshots()
    async with running(runner(UNIT, cluster(10), snapshots)):
        await until(lambda: 10 in snapshots_of(snapshots))
    (newest, *_) = await snapshots.newest("sums", 0, 1)
    assert (await snapshots.load(newest)).counts == {"folded": 10}
