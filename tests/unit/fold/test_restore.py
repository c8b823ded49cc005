"""Restore: only from a good snapshot, and only if the log still holds what was folded."""

from collections.abc import Callable

import pytest
import structlog

from penstock.fold.protocol import Snapshot
from penstock.fold.restore import LogReplaced, Restored, Restorer
from penstock.fold.snapshots import MemorySnapshots, Saved, SnapshotId, tail_of
from penstock.kafka.memory import MemoryBroker, MemoryKafka
from penstock.kafka.ports import TopicPartition
from tests.folds import Summing, encode

INPUT = TopicPartition("numbers", 0)


class Place:
    def __init__(self, records: int = 10) -> None:
        self.broker = MemoryBroker()
        self.broker.create("numbers")
        for number in range(records):
            self.broker.append(INPUT, None, encode(number=number))
        self.snapshots = MemorySnapshots()
        self.bad = 0

    async def store(self, folded: int) -> SnapshotId:
        fold = Summing(0, "sums")
        for record in self.broker.records(INPUT)[:folded]:
            list(fold.step(record))
        id = SnapshotId("f", 0, 1, 0, folded)
        tails = {"numbers": tail_of(self.broker.records(INPUT)[folded - 1])}
        await self.snapshots.store(Saved(id, fold.snapshot(), {"numbers": folded}, tails))
        return id

    async def restore(self, generation: int = 1) -> Restored:
        def count() -> None:
            self.bad += 1

        make: Callable[[int], Summing] = lambda partition: Summing(partition, "sums")  # noqa: E731
        kafka = MemoryKafka(self.broker)
        return await Restorer("f", generation, ("numbers",), make, kafka, self.snapshots, structlog.get_logger(), count).restore(0)


async def test_a_fold_without_a_snapshot_starts_where_the_log_starts() -> None:
    place = Place()
    place.broker.delete_before(INPUT, 4)
    assert (await place.restore()).next_offsets == {"numbers": 4}


async def test_a_fold_goes_on_behind_what_its_snapshot_has_folded() -> None:
    place = Place()
    await place.store(6)
    restored = await place.restore()
    assert restored.next_offsets == {"numbers": 6}
    assert restored.fold.counts["folded"] == 6


async def test_a_bad_snapshot_is_counted_and_the_one_before_it_is_taken() -> None:
    place = Place()
    await place.store(4)
    place.snapshots.rot(await place.store(6))
    assert (await place.restore()).next_offsets == {"numbers": 4}
    assert place.bad == 1


async def test_a_log_that_was_cut_stops_the_fold_and_the_way_out_is_named() -> None:
    place = Place()
    await place.store(6)
    place.broker.cut(INPUT, 5)
    with pytest.raises(LogReplaced, match=r"f: numbers\[0\] ends at offset 5, but everything below 6 was folded.*raise its generation"):
        await place.restore()


async def test_a_log_that_was_replaced_stops_the_fold() -> None:
    place = Place()
    await place.store(6)
    place.broker.cut(INPUT, 0)
    for number in range(20):
        place.broker.append(INPUT, None, encode(number=-number))
    with pytest.raises(LogReplaced, match="another record at offset 5"):
        await place.restore()


async def test_records_that_aged_out_before_they_were_folded_stop_the_fold() -> None:
    place = Place()
    await place.store(6)
    place.broker.delete_before(INPUT, 7)
    with pytest.raises(LogReplaced, match="starts at offset 7, but 6 is the next"):
        await place.restore()


async def test_a_tail_that_aged_out_with_nothing_lost_behind_it_is_no_reason_to_stop() -> None:
    place = Place()
    await place.store(6)
    place.broker.delete_before(INPUT, 6)
    assert (await place.restore()).next_offsets == {"numbers": 6}


async def test_without_a_good_snapshot_the_fold_starts_anew_only_if_the_whole_log_is_there() -> None:
    place = Place()
    place.snapshots.rot(await place.store(6))
    assert (await place.restore()).next_offsets == {"numbers": 0}
    place.broker.delete_before(INPUT, 1)
    with pytest.raises(LogReplaced, match="no snapshot of what came before is good"):
        await place.restore()


async def test_a_new_generation_starts_anew() -> None:
    place = Place()
    await place.store(6)
    assert (await place.restore(generation=2)).next_offsets == {"numbers": 0}


async def test_a_fold_gets_exactly_what_it_gave() -> None:
    place = Place()
    await place.store(6)
    fold = (await place.restore()).fold
    again: Snapshot = fold.snapshot()
    assert again == (await place.snapshots.load(SnapshotId("f", 0, 1, 0, 6))).snapshot
