"""The rules of the runner's loop, one by one, over the twin of Kafka, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from penstock.fold.assignment import NotCoPartitioned
from penstock.fold.protocol import Effect, Output, Record
from penstock.fold.restore import LogReplaced
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.fold.weather import Backoff, SendFailed
from penstock.kafka.memory import MemoryBroker, MemoryConsumer, MemoryKafka
from penstock.kafka.ports import Consumer, Producer, TopicPartition
from tests.folds import Summing, accepted, encode, gaps
from tests.simulation.virtual import run
from tests.waiting import until
from tests.worlds import QUICK, World, runner, running

NUMBERS, SUMS = TopicPartition("numbers", 0), TopicPartition("sums", 0)
UNIT = Unit("sums", ("numbers",), lambda partition: Summing(partition, "sums"))


class Recorder:
    """A producer that keeps what it is asked, and acknowledges when the test says so."""

    def __init__(self) -> None:
        self.rounds: list[int] = []
        self.sending = 0
        self.open = asyncio.Event()
        self.open.set()
        self.failing = False

    async def send(self, outputs: Sequence[Output]) -> None:
        self.sending += 1
        assert self.sending == 1, "a round was sent before the one before it was acknowledged"
        self.rounds.append(len(outputs))
        await self.open.wait()
        self.sending -= 1
        if self.failing:
            raise SendFailed("no")

    async def stop(self) -> None:
        return None


class Cluster(MemoryKafka):
    """The twin with parts that a test can take hold of."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.broker = broker
        self.recorder: Recorder | None = None
        self.producers = 0
        self.consumers: list[Any] = []
        self.wrap: Callable[[Consumer], Consumer] = lambda consumer: consumer

    def consumer(self, *, group: str, instance: str, topics: Sequence[str]) -> Consumer:
        self.consumers.append(self.wrap(super().consumer(group=group, instance=instance, topics=topics)))
        return self.consumers[-1]  # type: ignore[no-any-return]

    async def producer(self) -> Producer:
        self.producers += 1
        return self.recorder or await super().producer()


def cluster(count: int = 0, topics: Sequence[str] = ("numbers", "sums")) -> Cluster:
    broker = MemoryBroker()
    for topic in topics:
        broker.create(topic)
    for number in range(count):
        broker.append(NUMBERS, None, encode(number=number))
    return Cluster(broker)


def in_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def main() -> None:
        await test()

    def timed() -> None:
        run(main())

    timed.__name__, timed.__doc__ = test.__name__, test.__doc__
    return timed


@in_virtual_time
async def test_a_round_is_acknowledged_before_the_next_is_sent_and_is_bounded() -> None:
    kafka = cluster(1000)
    kafka.recorder = Recorder()
    kafka.recorder.open.clear()
    worker = runner(UNIT, kafka, MemorySnapshots(), limits=replace(QUICK, round_records_max=100))
    async with running(worker):
        await until(lambda: kafka.recorder is not None and kafka.recorder.sending == 1)
        await until(lambda: worker.folds[0].counts["folded"] == 200)  # the next round is folded meanwhile
        assert kafka.recorder.rounds == [100]
        kafka.recorder.open.set()
        await worker.settled()
    assert kafka.recorder.rounds == [100] * 10


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


def snapshots_of(snapshots: MemorySnapshots) -> list[int]:
    return sorted(id.sequence for id in snapshots._rows)


@in_virtual_time
async def test_a_failed_send_drops_the_folds_and_refolds_with_a_new_producer() -> None:
    kafka, world = cluster(10), World()
    failing = kafka.recorder = Recorder()
    failing.failing = True
    worker = runner(UNIT, kafka, MemorySnapshots(), world)
    async with running(worker):
        await until(lambda: kafka.producers == 2)
        kafka.recorder = None
        await until(lambda: len(kafka.broker.records(SUMS)) == 10)
    assert world.counted["restored"] == kafka.producers
    assert len(kafka.consumers) == 1  # the membership is kept
    assert gaps(accepted(kafka.broker.records(SUMS)), 1) == []


@in_virtual_time
async def test_effects_are_delivered_in_order_and_again_until_they_are_taken_and_hold_snapshots_back() -> None:
    kafka, snapshots = cluster(), MemorySnapshots()
    for number in range(5):
        kafka.broker.append(NUMBERS, None, encode(word="noted", number=number))
    failures = 3

    class Away(World):
        async def deliver(self, effects: Sequence[Effect]) -> None:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                assert not snapshots_of(snapshots)
                raise OSError("the database is away")
            await super().deliver(effects)

    world = Away()
    worker = runner(UNIT, kafka, snapshots, world)
    async with running(worker):
        await worker.settled()
    assert world.delivered == list(range(5))
    assert kafka.producers == 1


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


async def to_the_end(worker: Runner) -> None:
    """Run a worker that must end by itself."""
    async with asyncio.timeout(60):
        await worker.run()


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


def after(seconds: float) -> Callable[[], bool]:
    start_s = asyncio.get_running_loop().time()
    return lambda: asyncio.get_running_loop().time() >= start_s + seconds


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


class Speaking(Summing):
    """Says once that an input is idle."""

    def idle(self, topic: str) -> Iterable[Output]:
        return [Output("idle", 0, None, topic.encode())]


@in_virtual_time
async def test_an_idle_input_is_said_once_until_it_speaks_again() -> None:
    kafka = cluster(3, topics=("numbers", "sums", "idle"))
    idle = TopicPartition("idle", 0)
    worker = runner(Unit("sums", ("numbers",), lambda partition: Speaking(partition, "sums")), kafka, MemorySnapshots())
    async with running(worker):
        await until(lambda: len(kafka.broker.records(idle)) == 1)
        with pytest.raises(AssertionError):
            await until(lambda: len(kafka.broker.records(idle)) > 1, timeout_s=30)
        kafka.broker.append(NUMBERS, None, encode(number=1))
        await until(lambda: len(kafka.broker.records(idle)) == 2)


@in_virtual_time
async def test_an_input_that_never_spoke_is_said_to_be_idle_once() -> None:
    kafka, idle = cluster(0, topics=("numbers", "sums", "idle")), TopicPartition("idle", 0)
    worker = runner(Unit("sums", ("numbers",), lambda partition: Speaking(partition, "sums")), kafka, MemorySnapshots())
    async with running(worker):
        await until(lambda: len(kafka.broker.records(idle)) == 1)
        with pytest.raises(AssertionError):
            await until(lambda: len(kafka.broker.records(idle)) > 1, timeout_s=10)


class Deaf:
    """A consumer that fetches nothing any more, and one that hands out what nobody asked for."""

    def __init__(self, consumer: Consumer, strays: Mapping[TopicPartition, Sequence[Record]] | None = None) -> None:
        self._consumer = consumer
        self._strays = strays

    def __getattr__(self, name: str) -> Any:
        return getattr(self._consumer, name)

    async def getmany(self, *, records_max: int, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        if self._strays is None:
            await until(after(timeout_ms / 1000))
            return {}
        strays, self._strays = self._strays, {}
        return strays or await self._consumer.getmany(records_max=records_max, timeout_ms=timeout_ms)


@in_virtual_time
async def test_a_partition_that_is_behind_and_does_not_move_gets_a_new_consumer() -> None:
    kafka, world = cluster(10), World()
    kafka.wrap = lambda consumer: consumer if kafka.consumers else Deaf(consumer)
    worker = runner(UNIT, kafka, MemorySnapshots(), world)
    started_s = asyncio.get_running_loop().time()
    async with running(worker):
        await until(lambda: len(kafka.broker.records(SUMS)) == 10, timeout_s=60)
    assert 15 <= asyncio.get_running_loop().time() - started_s < 25
    assert (len(kafka.consumers), world.counted["restarts"]) == (2, 1)


@in_virtual_time
async def test_a_partition_that_is_at_its_end_is_left_in_peace() -> None:
    kafka = cluster(10)
    worker = runner(UNIT, kafka, MemorySnapshots())
    async with running(worker):
        with pytest.raises(AssertionError):
            await until(lambda: len(kafka.consumers) > 1, timeout_s=60)


@in_virtual_time
async def test_records_of_a_partition_that_is_not_restored_are_refused() -> None:
    kafka, world = cluster(3), World()
    stray = TopicPartition("numbers", 5)
    kafka.wrap = lambda consumer: Deaf(consumer, {stray: [kafka.broker.records(NUMBERS)[0]]})
    worker = runner(UNIT, kafka, MemorySnapshots(), world)
    async with running(worker):
        await until(lambda: len(kafka.broker.records(SUMS)) == 3)
    assert world.counted["refused"] == 1


@in_virtual_time
async def test_a_fold_that_stays_in_a_rebalance_is_sought_anew_and_goes_on() -> None:
    kafka, world = cluster(5), World()
    first, second = (runner(UNIT, kafka, MemorySnapshots(), world, instance=instance) for instance in "ab")
    async with running(first):
        await first.settled()
        async with running(second):
            await until(lambda: len(kafka.consumers) == 2)
            kafka.broker.append(NUMBERS, None, encode(number=1))
            await until(lambda: first.folds[0].counts["folded"] == 6, timeout_s=5)
    assert world.counted["restored"] == 1


@in_virtual_time
async def test_a_record_that_comes_again_is_a_bug_that_ends_the_runner() -> None:
    kafka = cluster(3)
    kafka.broker.delete_before(NUMBERS, 2)
    old = kafka.broker.records(NUMBERS)[0]._replace(offset=1)
    kafka.wrap = lambda consumer: Deaf(consumer, {NUMBERS: [old]})
    with pytest.raises(AssertionError, match="1 came again; 2 is next"):
        await to_the_end(runner(UNIT, kafka, MemorySnapshots()))


class Broken(Summing):
    """A fold with a bug."""

    def step(self, record: Record) -> Iterable[Output | Effect]:
        raise KeyError("bug")


@in_virtual_time
async def test_a_bug_in_a_fold_ends_the_runner_and_skips_nothing() -> None:
    kafka, snapshots = cluster(3), MemorySnapshots()
    with pytest.raises(KeyError):
        await to_the_end(runner(Unit("sums", ("numbers",), lambda partition: Broken(partition, "sums")), kafka, snapshots))
    assert snapshots_of(snapshots) == []


@in_virtual_time
async def test_a_log_that_was_cut_ends_the_runner() -> None:
    kafka, snapshots = cluster(10), MemorySnapshots()
    worker = runner(UNIT, kafka, snapshots)
    async with running(worker):
        await worker.settled()
    kafka.broker.cut(NUMBERS, 5)
    with pytest.raises(LogReplaced):
        await to_the_end(runner(UNIT, kafka, snapshots))


@in_virtual_time
async def test_a_log_that_was_replaced_ends_the_runner() -> None:
    kafka, snapshots = cluster(10), MemorySnapshots()
    worker = runner(UNIT, kafka, snapshots)
    async with running(worker):
        await worker.settled()
    kafka.broker.cut(NUMBERS, 9)
    kafka.broker.append(NUMBERS, None, encode(number=99))
    with pytest.raises(LogReplaced, match="another record at offset 9"):
        await to_the_end(runner(UNIT, kafka, snapshots))


@in_virtual_time
async def test_what_has_waited_for_another_input_goes_in_rounds_too() -> None:
    kafka = cluster(0, topics=("numbers", "others", "sums"))
    kafka.recorder = Recorder()
    for _ in range(500):
        kafka.broker.append(NUMBERS, None, bytes([0, 0, 0, 0, 1, 0]))
    unit = Unit("sums", ("numbers", "others"), lambda partition: Summing(partition, "sums"))
    worker = runner(unit, kafka, MemorySnapshots(), limits=replace(QUICK, round_records_max=100, merge_wait_s=5))
    async with running(worker):
        await until(lambda: kafka.recorder is not None and sum(kafka.recorder.rounds) == 500, timeout_s=60)
    assert kafka.recorder.rounds == [100] * 5


@in_virtual_time
async def test_an_input_that_waits_for_another_is_paused_when_too_much_of_it_is_buffered() -> None:
    kafka = cluster(0, topics=("numbers", "others", "sums"))
    for number in range(2000):
        kafka.broker.append(NUMBERS, None, bytes([0, 0, 0, 0, 1, number % 50 * 2]))
    paused: list[TopicPartition] = []

    class Watched(Deaf):
        def pause(self, partition: TopicPartition) -> None:
            paused.append(partition)
            self._consumer.pause(partition)

    kafka.wrap = lambda consumer: Watched(consumer, {})
    unit = Unit("sums", ("numbers", "others"), lambda partition: Summing(partition, "sums"))
    limits = replace(QUICK, buffer_records_max=600, merge_wait_s=5)
    worker = runner(unit, kafka, MemorySnapshots(), limits=limits)
    async with running(worker):
        await until(lambda: worker.folds.get(0) is not None and worker.folds[0].counts["rejected"] == 2000, timeout_s=60)
    assert set(paused) == {NUMBERS}
    assert len(kafka.consumers) == 1  # read on by itself, and not because the watchdog has noticed


@in_virtual_time
async def test_topics_that_differ_in_partitions_are_refused() -> None:
    kafka = cluster(0)
    kafka.broker.create("others", 3)
    unit = Unit("sums", ("numbers", "others"), lambda partition: Summing(partition, "sums"))
    with pytest.raises(NotCoPartitioned, match="numbers: 1, others: 3"):
        await to_the_end(runner(unit, kafka, MemorySnapshots()))


@in_virtual_time
async def test_a_topic_that_does_not_exist_yet_is_waited_for() -> None:
    kafka = cluster(0, topics=("sums",))
    worker = runner(UNIT, kafka, MemorySnapshots())
    async with running(worker):
        with pytest.raises(AssertionError):
            await until(lambda: bool(worker.folds), timeout_s=5)
        kafka.broker.create("numbers")
        await worker.settled()


@in_virtual_time
async def test_positions_and_lag_can_be_read() -> None:
    kafka = cluster(10)
    worker: Runner = runner(UNIT, kafka, MemorySnapshots())
    assert (worker.positions, worker.lag, worker.folds) == ({}, {}, {})
    async with running(worker):
        await worker.settled()
        assert (worker.positions, worker.lag) == ({NUMBERS: 10}, {NUMBERS: 0})


def test_waits_double_up_to_the_last_with_jitter() -> None:
    backoff = Backoff(1.0, 8.0, Random(1))
    waits = [backoff.next_s() for _ in range(6)]
    for wait_s, whole_s in zip(waits, [1, 2, 4, 8, 8, 8], strict=True):
        assert whole_s / 2 <= wait_s < whole_s
    backoff.reset()
    assert backoff.next_s() < 1


def test_a_consumer_of_the_twin_is_one() -> None:
    consumer: Consumer = MemoryConsumer(MemoryBroker(), MemoryKafka(MemoryBroker())._faults, group="g", instance="i", topics=["t"])
    assert consumer.highwater(NUMBERS) is None
