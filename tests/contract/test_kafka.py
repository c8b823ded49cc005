"""One suite for Kafka through aiokafka and for its twin in memory."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from penstock.fold.poison import LETTER_BYTES_MAX, TooLarge
from penstock.fold.protocol import Output, Record
from penstock.fold.weather import SendFailed, Weather
from penstock.kafka.memory import MemoryBroker, MemoryKafka
from penstock.kafka.ports import Bounds, Consumer, Kafka, TopicPartition
from penstock.kafka.topics import TopicError, TopicSpec
from tests.conftest import Corner
from tests.waiting import until


@dataclass
class Place:
    kafka: Kafka
    topic: str
    group: str

    def at(self, partition: int) -> TopicPartition:
        return TopicPartition(self.topic, partition)

    async def write(self, *values: bytes, partition: int = 0) -> None:
        producer = await self.kafka.producer()
        await producer.send([Output(self.topic, partition, b"k", value, [("h", b"1")]) for value in values])
        await producer.stop()

    @asynccontextmanager
    async def member(self, instance: str = "a") -> "AsyncIterator[Member]":
        member = Member(self.kafka.consumer(group=self.group, instance=instance, topics=[self.topic]))
        await member.consumer.start(member.assigned)
        try:
            yield member
        finally:
            await member.consumer.stop()


class Member:
    def __init__(self, consumer: Consumer) -> None:
        self.consumer = consumer
        self.assignments: list[frozenset[TopicPartition]] = []

    def assigned(self, partitions: frozenset[TopicPartition]) -> None:
        self.assignments.append(partitions)

    def read_from(self, partition: TopicPartition, offset: int) -> None:
        self.consumer.seek(partition, offset)
        self.consumer.resume(partition)

    async def read(self, count: int, records_max: int = 500) -> Sequence[Record]:
        found: list[Record] = []

        async def enough() -> bool:
            for records in (await self.consumer.getmany(records_max=records_max, timeout_ms=100)).values():
                found.extend(records)
            return len(found) >= count

        await until(enough)
        return found


@pytest.fixture(params=["memory", "kafka"])
async def place(request: pytest.FixtureRequest, corner: Corner) -> Place:
    if request.param == "memory":
        broker = MemoryBroker()
        broker.create("topic", 2)
        return Place(MemoryKafka(broker), "topic", "g")
    return Place(corner.kafka, await corner.topic("topic", 2), f"{corner.prefix}g")


async def test_what_is_sent_is_read_in_order_with_key_and_headers(place: Place) -> None:
    await place.write(b"0", b"1", b"2")
    async with place.member() as member:
        member.read_from(place.at(0), 0)
        records = await member.read(3)
    assert [(record.offset, record.key, record.value, tuple(record.headers)) for record in records] == [
        (offset, b"k", str(offset).encode(), (("h", b"1"),)) for offset in range(3)
    ]
    assert records[0].timestamp > 0


async def test_partitions_are_handed_over_paused(place: Place) -> None:
    await place.write(b"0")
    async with place.member() as member:
        await until(lambda: member.assignments[-1:] == [frozenset({place.at(0), place.at(1)})])
        for _ in range(3):
            assert not await member.consumer.getmany(records_max=10, timeout_ms=50)
        member.consumer.seek(place.at(0), 0)
        assert not await member.consumer.getmany(records_max=10, timeout_ms=50)


async def test_a_pause_holds_and_a_resume_goes_on_where_it_was(place: Place) -> None:
    await place.write(*(str(number).encode() for number in range(10)))
    async with place.member() as member:
        member.read_from(place.at(0), 0)
        first = await member.read(4, records_max=4)
        member.consumer.pause(place.at(0))
        assert not await member.consumer.getmany(records_max=10, timeout_ms=100)
        member.consumer.resume(place.at(0))
        rest = await member.read(6)
    assert [record.offset for record in [*first, *rest]] == list(range(10))


async def test_position_and_highwater_tell_the_end(place: Place) -> None:
    await place.write(b"0", b"1")
    async with place.member() as member:
        member.read_from(place.at(0), 0)
        assert member.consumer.position(place.at(0)) == 0
        await member.read(2)
        assert (member.consumer.position(place.at(0)), member.consumer.highwater(place.at(0))) == (2, 2)
        member.read_from(place.at(1), 0)

        async def empty_is_known_to_be_at_its_end() -> bool:
            await member.consumer.getmany(records_max=10, timeout_ms=50)
            return member.consumer.highwater(place.at(1)) == 0

        await until(empty_is_known_to_be_at_its_end)


async def test_seek_pause_and_resume_of_what_is_not_ours_do_nothing(place: Place) -> None:
    async with place.member() as member:
        elsewhere = TopicPartition(place.topic, 9)
        member.read_from(elsewhere, 3)
        member.consumer.pause(elsewhere)
        assert (member.consumer.position(elsewhere), member.consumer.highwater(elsewhere)) == (-1, None)


async def test_a_seek_outside_of_the_log_is_an_error_and_no_silent_jump(place: Place) -> None:
    await place.write(b"0")
    async with place.member() as member:
        member.read_from(place.at(0), 5)
        with pytest.raises(Weather, match=r"(?i)out.?of.?range"):
            await member.read(1)


async def test_two_members_share_by_range_and_every_assignment_is_handed_over_anew(place: Place) -> None:
    async with place.member("a") as first:
        await until(lambda: len(first.assignments[-1]) == 2)
        async with place.member("b") as second:
            await asyncio.gather(
                *(poll(member, lambda: len(first.assignments[-1]) == len(second.assignments[-1]) == 1) for member in (first, second))
            )
            assert [first.assignments[-1], second.assignments[-1]] == [frozenset({place.at(0)}), frozenset({place.at(1)})]


async def poll(member: Member, done: Callable[[], bool]) -> None:
    async def settled() -> bool:
        await member.consumer.getmany(records_max=1, timeout_ms=50)
        return done()

    await until(settled)


async def test_a_static_member_that_comes_back_gets_its_partitions_at_once(place: Place) -> None:
    async with place.member("a") as first:
        before = first.assignments[-1]
    async with place.member("a") as again:
        await until(lambda: bool(again.assignments) and again.assignments[-1] == before, timeout_s=3)


async def test_nobody_notices_that_a_static_member_was_away_for_a_moment(place: Place) -> None:
    async with place.member("a") as other:
        async with place.member("b") as member:
            await asyncio.gather(
                *(poll(each, lambda: len(other.assignments[-1]) == len(member.assignments[-1]) == 1) for each in (other, member))
            )
        before = len(other.assignments)
        async with place.member("b") as again:
            await until(lambda: again.assignments[-1:] == [frozenset({place.at(1)})])
            with pytest.raises(AssertionError):
                await until(lambda: len(other.assignments) > before, timeout_s=2)


async def test_bounds_and_single_records_can_be_looked_up(place: Place) -> None:
    await place.write(b"0", b"1")
    assert await place.kafka.bounds(place.at(0)) == Bounds(0, 2)
    assert await place.kafka.bounds(place.at(1)) == Bounds(0, 0)
    record = await place.kafka.read(place.at(0), 1)
    assert record is not None
    assert (record.offset, record.value) == (1, b"1")


async def test_topics_are_made_once_and_counted(place: Place) -> None:
    assert await place.kafka.partitions(place.topic) == 2
    assert await place.kafka.partitions(place.topic + ".none") == 0
    assert await place.kafka.ensure(place.topic + ".new", kind="dlq", partitions=1) == 1
    assert await place.kafka.ensure(place.topic + ".new", kind="dlq", partitions=3) == 1


async def test_an_output_that_no_topic_takes_is_refused_before_anything_is_sent(place: Place) -> None:
    producer = await place.kafka.producer()
    with pytest.raises(TooLarge):
        await producer.send([Output(place.topic, 0, None, b"small"), Output(place.topic, 0, None, b"x" * LETTER_BYTES_MAX)])
    await producer.stop()
    assert (await place.kafka.bounds(place.at(0))).end == 0


async def test_a_send_to_nowhere_fails(place: Place) -> None:
    producer = await place.kafka.producer()
    with pytest.raises(SendFailed):
        await producer.send([Output(place.topic, 17, None, b"lost")])
    await producer.stop()


async def test_a_round_larger_than_a_batch_stays_in_order(place: Place) -> None:
    producer = await place.kafka.producer()
    await producer.send([Output(place.topic, 0, None, str(number).encode() + b" " * 400_000) for number in range(8)])
    await producer.stop()
    async with place.member() as member:
        member.read_from(place.at(0), 0)
        assert [int(record.value or b"") for record in await member.read(8)] == list(range(8))


async def test_a_topic_with_another_number_of_partitions_is_refused(corner: Corner) -> None:
    name = await corner.topic("topic", 2)
    with pytest.raises(TopicError, match="has 2 partitions, not 3"):
        await corner.kafka.create([TopicSpec(name, "validated", 3)])


async def test_a_name_that_kafka_does_not_take_is_refused(corner: Corner) -> None:
    with pytest.raises(TopicError, match="cannot be made: InvalidTopicError"):
        await corner.kafka.create([TopicSpec(corner.prefix + "?", "validated", 1)])
