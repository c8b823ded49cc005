"""The runner's inputs: idle, behind, not restored, waiting for one another."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from penstock.fold.protocol import Output, Record
from penstock.fold.pulse import Beat
from penstock.fold.runner import Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.kafka.ports import Consumer, TopicPartition
from tests.folds import Summing, encode
from tests.unit.fold.runners import NUMBERS, SUMS, UNIT, Cluster, Recorder, after, cluster, in_virtual_time, to_the_end
from tests.waiting import until
from tests.worlds import QUICK, World, runner, running


class Speaking(Summing):
    """Says how far its inputs have come."""

    def pulse(self, topic: str, beat: Beat) -> Iterable[Output]:
        return [Output("beats", 0, None, f"{topic} {beat.name}".encode())]


@in_virtual_time
async def test_an_input_at_its_end_is_said_to_be_idle_until_it_speaks_again() -> None:
    kafka, beats = cluster(3, topics=("numbers", "sums", "beats")), TopicPartition("beats", 0)
    worker = runner(Unit("sums", ("numbers",), lambda partition: Speaking(partition, "sums")), kafka, MemorySnapshots())
    async with running(worker):
        await until(lambda: said(kafka, beats)[-2:] == ["numbers IDLE", "numbers STILL_IDLE"])
        before = len(said(kafka, beats))

        def speaking() -> bool:
            kafka.broker.append(NUMBERS, None, encode(number=1))
            return "numbers MOVING" in said(kafka, beats)[before:]

        await until(speaking)
        assert "numbers IDLE" not in said(kafka, beats)[before:]
        await until(lambda: said(kafka, beats)[-1] == "numbers IDLE")


@in_virtual_time
async def test_an_input_that_never_spoke_is_said_to_be_idle() -> None:
    kafka, beats = cluster(0, topics=("numbers", "sums", "beats")), TopicPartition("beats", 0)
    worker = runner(Unit("sums", ("numbers",), lambda partition: Speaking(partition, "sums")), kafka, MemorySnapshots())
    async with running(worker):
        await until(lambda: said(kafka, beats)[:2] == ["numbers IDLE", "numbers STILL_IDLE"])


def said(kafka: Cluster, beats: TopicPartition) -> list[str]:
    return [(record.value or b"").decode() for record in kafka.broker.records(beats)]


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
    limits = replace(QUICK, buffer_records_max=600, round_records_max=200, merge_wait_s=5)  # so it is not all read before it is full
    worker = runner(unit, kafka, MemorySnapshots(), limits=limits)
    async with running(worker):
        await until(lambda: worker.folds.get(0) is not None and worker.folds[0].counts["rejected"] == 2000, timeout_s=60)
    assert set(paused) == {NUMBERS}
    assert len(kafka.consumers) == 1  # read on by itself, and not because the watchdog has noticed
