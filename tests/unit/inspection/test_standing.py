"""Snapshots looked at from outside, on the twins of Kafka and PostgreSQL."""

from collections.abc import Sequence

import pytest

from penstock.fold.protocol import Segment, Snapshot
from penstock.fold.snapshots import BadSnapshot, MemorySnapshots, Saved, SnapshotId, tail_of
from penstock.inspection.standing import SnapshotLook
from penstock.invariants.finding import Finding
from penstock.invariants.seen import Stood
from penstock.kafka.memory import MemoryBroker, MemoryKafka
from penstock.kafka.ports import TopicPartition

UNIT, INPUT = "trainer/m", TopicPartition("learning.m", 0)
BREAK = f"{UNIT}[0]: "


class Rotating(MemorySnapshots):
    """Deletes a snapshot while it is looked at, as a live platform does."""

    def __init__(self) -> None:
        super().__init__()
        self.going: set[SnapshotId] = set()

    async def newest(self, fold: str, partition: int, generation: int) -> Sequence[SnapshotId]:
        return [id for id in await super().newest(fold, partition, generation) if id not in self.going]

    async def load(self, id: SnapshotId) -> Saved:
        if id.sequence == 3:
            self.going.add(id)
            raise BadSnapshot(id, "it is no longer there")
        return await super().load(id)


class Place:
    def __init__(self, store: MemorySnapshots | None = None) -> None:
        self.broker = MemoryBroker()
        self.broker.create(INPUT.topic)
        for number in range(10):
            self.broker.append(INPUT, None, str(number).encode())
        self.store = store or MemorySnapshots()

    async def keep(self, folded: int, generation: int = 1) -> SnapshotId:
        id = SnapshotId(UNIT, 0, generation, 0, folded)
        tail = tail_of(self.broker.records(INPUT)[folded - 1])
        snapshot = Snapshot(b"state", (Segment("s", b"bulk"),))
        await self.store.store(Saved(id, snapshot, {INPUT.topic: folded}, {INPUT.topic: tail}, {"predictions": folded}))
        return id

    async def look(self, committed: int = 0) -> SnapshotLook:
        look = SnapshotLook(MemoryKafka(self.broker))
        await look.at_unit(UNIT, {INPUT: committed} if committed else {}, self.store)
        return look

    async def finding(self, committed: int = 0) -> Finding:
        return (await self.look(committed)).finding()


async def test_the_newest_snapshot_says_where_its_fold_stood_and_what_it_had_counted() -> None:
    place = Place()
    for folded in (2, 5, 7):
        await place.keep(folded)
    look = await place.look(committed=7)
    assert look.finding().holds, look.finding().broken
    assert look.standing.of(UNIT) == {0: Stood({INPUT.topic: 7}, {"predictions": 7})}


async def test_a_snapshot_below_what_was_committed_says_that_one_was_deleted() -> None:
    place = Place()
    await place.keep(5)
    broken = (await place.finding(committed=6)).broken
    assert broken == (
        BREAK + "its group has stored all below learning.m[0]:6, but the newest good snapshot stands at 5: one was deleted or changed",
    )


async def test_a_topic_that_the_unit_no_longer_reads_is_not_missed() -> None:
    place = Place()
    await place.keep(5)
    look = SnapshotLook(MemoryKafka(place.broker))
    await look.at_unit(UNIT, {INPUT: 5, TopicPartition("validated.dropped", 0): 99}, place.store)
    assert look.finding().holds


async def test_that_all_were_deleted_is_named_too() -> None:
    assert not (await Place().finding(committed=6)).holds
    look = SnapshotLook(MemoryKafka(MemoryBroker()))
    await look.at_unit(UNIT, {INPUT: 6}, None)
    assert not look.finding().holds


async def test_a_changed_snapshot_is_named_and_the_one_before_it_says_where_the_fold_stood() -> None:
    place = Place()
    await place.keep(5)
    await place.keep(7)
    place.store.rot(SnapshotId(UNIT, 0, 1, 0, 7))
    look = await place.look()
    assert look.finding().broken == (BREAK + "snapshot 0.7 is bad: it has another digest",)
    assert look.standing.next_offset(UNIT, INPUT.topic, 0) == 5


async def test_an_older_one_is_checked_like_the_newest() -> None:
    place = Place()
    await place.keep(5)
    await place.keep(7)
    place.store.rot(SnapshotId(UNIT, 0, 1, 0, 5))
    assert not (await place.finding()).holds


async def test_one_that_goes_while_it_is_looked_at_is_no_break() -> None:
    place = Place(Rotating())
    await place.keep(3)
    await place.keep(7)
    assert (await place.finding(committed=7)).holds


async def test_a_log_that_was_cut_is_named() -> None:
    place = Place()
    await place.keep(7)
    place.broker.cut(INPUT, 6)
    assert (await place.finding()).broken == (BREAK + "snapshot 0.7 has folded all below learning.m[0]:7, the log ends at 6",)


async def test_a_log_that_was_replaced_is_named() -> None:
    place = Place()
    await place.keep(7)
    place.broker.cut(INPUT, 6)
    for _ in range(4):
        place.broker.append(INPUT, None, b"another")
    assert (await place.finding()).broken == (BREAK + "snapshot 0.7 has folded another record at learning.m[0]:6",)


async def test_a_topic_that_is_gone_is_named() -> None:
    place = Place()
    await place.keep(7)
    place.broker = MemoryBroker()
    assert (await place.finding()).broken == (BREAK + "snapshot 0.7 has folded learning.m[0], which is not there",)


async def test_a_tail_that_aged_out_is_no_break() -> None:
    place = Place()
    await place.keep(7)
    place.broker.delete_before(INPUT, 7)
    assert (await place.finding()).holds


@pytest.mark.parametrize("new", [1, 9])
async def test_a_log_that_was_made_anew_counts_by_its_own_generation(new: int) -> None:
    place = Place()
    await place.keep(7, generation=1)
    await place.keep(new, generation=2)
    look = await place.look(committed=new)
    assert look.finding().holds
    assert look.standing.next_offset(UNIT, INPUT.topic, 0) == new
