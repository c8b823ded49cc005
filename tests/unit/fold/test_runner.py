"""The rules of the runner's loop, one by one, over the twin of Kafka, in virtual time: rounds, sends, loud stops."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from random import Random

import pytest

from penstock.fold.assignment import NotCoPartitioned
from penstock.fold.protocol import Effect, Output, Record
from penstock.fold.restore import LogReplaced
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.fold.weather import Backoff
from penstock.kafka.memory import MemoryBroker, MemoryConsumer, MemoryKafka
from penstock.kafka.ports import Consumer
from tests.folds import Summing, accepted, encode, gaps
from tests.unit.fold.runners import NUMBERS, SUMS, UNIT, Recorder, cluster, in_virtual_time, snapshots_of, to_the_end
from tests.waiting import until
from tests.worlds import QUICK, World, runner, running


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
