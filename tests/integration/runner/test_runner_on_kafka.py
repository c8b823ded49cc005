"""The runner on real Kafka and PostgreSQL."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from penstock.fold.protocol import Output, Record
from penstock.fold.restore import LogReplaced
from penstock.fold.runner import Unit
from penstock.fold.snapshots import MemorySnapshots, PostgresSnapshots
from penstock.fold.weather import SendFailed
from penstock.kafka.ports import Bounds, Consumer, Kafka, Producer, TopicPartition
from tests.conftest import Corner
from tests.folds import Summing, accepted, encode, gaps
from tests.waiting import until
from tests.worlds import QUICK, World, runner, running


class FailingProducer:
    """A producer that sends most of a round and then says that it could not."""

    def __init__(self, producer: Producer, rounds: int) -> None:
        self._producer = producer
        self._rounds = rounds

    async def send(self, outputs: Sequence[Output]) -> None:
        self._rounds -= 1
        await self._producer.send(outputs[: len(outputs) // 2] if self._rounds < 0 else outputs)
        if self._rounds < 0:
            raise SendFailed("the connection was lost")

    async def stop(self) -> None:
        await self._producer.stop()


class FailingKafka:
    """A cluster whose first producers fail after some rounds."""

    def __init__(self, kafka: Kafka, failures: int, rounds: int) -> None:
        self._kafka = kafka
        self._failures = failures
        self._rounds = rounds

    def consumer(self, *, group: str, instance: str, topics: Sequence[str]) -> Consumer:
        return self._kafka.consumer(group=group, instance=instance, topics=topics)

    async def producer(self) -> Producer:
        producer = await self._kafka.producer()
        self._failures -= 1
        return FailingProducer(producer, self._rounds) if self._failures >= 0 else producer

    async def partitions(self, topic: str) -> int:
        return await self._kafka.partitions(topic)

    async def ensure(self, topic: str, *, kind: str, partitions: int) -> int:
        return await self._kafka.ensure(topic, kind=kind, partitions=partitions)

    async def bounds(self, partition: TopicPartition) -> Bounds:
        return await self._kafka.bounds(partition)

    async def read(self, partition: TopicPartition, offset: int) -> Record | None:
        return await self._kafka.read(partition, offset)


async def write(corner: Corner, topic: str, values: Sequence[bytes], partition: int = 0) -> None:
    producer = await corner.kafka.producer()
    await producer.send([Output(topic, partition, b"key", value) for value in values])
    await producer.stop()


async def read_all(corner: Corner, topic: str, partition: int = 0) -> list[Record]:
    end = await corner.end(topic, partition)
    found = [await corner.kafka.read(TopicPartition(topic, partition), offset) for offset in range(end)]
    return [record for record in found if record is not None]


async def numbers(corner: Corner, count: int, partitions: int = 1) -> tuple[str, str]:
    source, target = await corner.topic("numbers", partitions), await corner.topic("sums", partitions)
    for partition in range(partitions):
        await write(corner, source, [encode(number=number) for number in range(count)], partition)
    return source, target


async def stored(corner: Corner) -> PostgresSnapshots:
    snapshots = PostgresSnapshots(corner.pool)
    await snapshots.create()
    return snapshots


async def test_outputs_are_exact_after_failed_sends_and_a_restart_from_a_snapshot(corner: Corner) -> None:
    source, target = await numbers(corner, 2000)
    unit = Unit("sums", (source,), lambda partition: Summing(partition, target), group=f"{corner.prefix}sums")
    snapshots, world = await stored(corner), World()
    rounds = replace(QUICK, round_records_max=500)  # so that there are some before the failures
    first = runner(unit, FailingKafka(corner.kafka, failures=3, rounds=1), snapshots, world, limits=rounds)
    async with running(first):
        await first.settled()
    await write(corner, source, [encode(number=number) for number in range(500)])
    second = runner(unit, corner.kafka, snapshots)
    async with running(second):
        await until(lambda: second.positions.get(TopicPartition(source, 0)) == 2500)
        await second.settled()
        assert second.folds[0].counts["folded"] == 2500
    records = await read_all(corner, target)
    found = accepted(records)
    assert len(records) > len(found) == 2500
    assert gaps(found, 1) == []
    assert found[-1]["number"] == sum(range(2000)) + sum(range(500))
    assert world.counted["restarts"] == 3


async def test_two_runners_share_partitions_and_take_over_from_one_another(corner: Corner) -> None:
    source, target = await numbers(corner, 50, partitions=2)
    unit = Unit("sums", (source,), lambda partition: Summing(partition, target), group=f"{corner.prefix}sums")
    snapshots = await stored(corner)
    first, second = (runner(unit, corner.kafka, snapshots, instance=instance) for instance in "ab")
    async with running(first):
        await until(lambda: len(first.folds) == 2)
        async with running(second):
            await until(lambda: len(first.folds) == len(second.folds) == 1)
            for partition in (0, 1):
                await write(corner, source, [encode(number=1)] * 50, partition)
            await first.settled()
            await second.settled()
            await until(lambda: [each.counts["folded"] for each in ({**first.folds, **second.folds}).values()] == [100, 100])
        await until(lambda: len(first.folds) == 2, timeout_s=40)  # a static member is missed after its session of 6 s
        assert [first.folds[partition].counts["folded"] for partition in (0, 1)] == [100, 100]
    for partition in (0, 1):
        found = accepted(await read_all(corner, target, partition))
        assert (len(found), gaps(found, 1)) == (100, [])


async def test_a_log_that_was_made_anew_stops_the_fold(corner: Corner) -> None:
    source, target = await numbers(corner, 20)
    other = await corner.topic("other")
    await write(corner, other, [encode(number=-number) for number in range(20)])
    snapshots = MemorySnapshots()
    for topic in (source, other):  # the same fold, and under the same name of topic another log
        unit = Unit("sums", (topic,), lambda partition: Summing(partition, target), group=f"{corner.prefix}sums")
        if topic == source:
            first = runner(unit, corner.kafka, snapshots)
            async with running(first):
                await first.settled()
    renamed = Renamed(corner.kafka, source, other)
    unit = Unit("sums", (source,), lambda partition: Summing(partition, target), group=f"{corner.prefix}sums")
    with pytest.raises(LogReplaced, match=r"numbers\[0\] holds another record at offset 19"):
        await runner(unit, renamed, snapshots).run()


class Renamed(FailingKafka):
    """A cluster on which one topic has been made anew: look-ups see another log under its name."""

    def __init__(self, kafka: Kafka, topic: str, instead: str) -> None:
        super().__init__(kafka, 0, 0)
        self._names = {topic: instead}

    async def bounds(self, partition: TopicPartition) -> Bounds:
        return await super().bounds(TopicPartition(self._names.get(partition.topic, partition.topic), partition.partition))

    async def read(self, partition: TopicPartition, offset: int) -> Record | None:
        return await super().read(TopicPartition(self._names.get(partition.topic, partition.topic), partition.partition), offset)


async def test_poison_and_oversize_outputs_go_to_the_dead_letter_topic_untouched(corner: Corner) -> None:
    source, target = await corner.topic("words"), await corner.topic("sums")
    values = [
        encode(number=1),
        b"not json",
        encode(word="poison"),
        encode(word="large", number=5),
        encode(number=2),
        encode(word="missing", number=3),
    ]
    await write(corner, source, values)
    world = World()
    unit = Unit("sums", (source,), lambda partition: Summing(partition, target, known=world.known), group=f"{corner.prefix}sums")
    worker = runner(unit, corner.kafka, await stored(corner), world)
    async with running(worker):
        await worker.settled()
        assert {name: count for name, count in worker.folds[0].counts.items() if name.startswith("rejected")} == {
            "rejected": 3,
            "rejected.undecodable": 1,
            "rejected.out_of_contract": 1,
            "rejected.output_too_large": 1,
        }
    letters = await read_all(corner, f"dlq.{source}")
    assert [letter.value for letter in letters] == values[1:4]
    assert {letter.key for letter in letters} == {b"key"}
    headers = dict(letters[0].headers)
    assert headers["__dlq.errors.topic"] == source.encode()
    assert headers["__dlq.errors.offset"] == b"1"
    assert headers["__dlq.errors.code"] == b"undecodable"
    assert headers["__dlq.errors.service"] == b"test"
    found = accepted(await read_all(corner, target))
    assert [each["origin"]["offset"] for each in found] == [0, 4, 5]
    assert found[-1]["number"] == 1 + 5 + 2 + 3  # a fold may have changed before its output turned out too large: always in the same way
