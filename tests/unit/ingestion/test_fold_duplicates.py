"""The ingestion fold: an event that comes again, within its window, after a restart, and after its stream has changed."""

import pytest
from msgspec import msgpack

from penstock.fold.protocol import Poison, Snapshot
from penstock.fold.segments import SegmentedMap
from penstock.spec import Field
from tests.unit.ingestion.streams import FLIGHT_FIELDS, HOUR_MS, NOON_MS, flight, house, record


async def test_the_same_event_again_is_a_duplicate_and_no_poison() -> None:
    fold = (await house()).fold()
    assert [len(list(fold.step(record(flight(), offset)))) for offset in range(3)] == [1, 0, 0]
    assert fold.counts == {"sent": 3, "validated": 1, "duplicates": 2}


async def test_the_very_same_record_again_is_an_echo_and_no_duplicate() -> None:
    home = await house()
    fold, restored = home.fold(), home.fold()
    fold.step(record(flight(), 7))
    restored.restore(fold.snapshot())
    for each in (fold, restored):
        assert list(each.step(record(flight(), 7))) == []
        assert each.counts == {"sent": 1, "validated": 1, "echoes": 1}


async def test_a_conflict_says_where_the_first_event_stands() -> None:
    fold = (await house()).fold()
    fold.step(record(flight(), 7))
    with pytest.raises(Poison, match="at offset 7"):
        fold.step(record(flight(distance=761), 8))


async def test_the_same_id_with_another_payload_is_a_conflict() -> None:
    fold = (await house()).fold()
    fold.step(record(flight(), 0))
    with pytest.raises(Poison, match="duplicate_conflict"):
        fold.step(record(flight(distance=761), 1))
    assert list(fold.step(record(flight(), 2))) == []


async def test_an_id_is_remembered_until_event_time_has_moved_on_by_the_window() -> None:
    fold = (await house()).fold()
    fold.step(record(flight(flight_id="a"), 0))
    fold.step(record(flight(flight_id="b", scheduled_at=NOON_MS + HOUR_MS), 1))
    assert list(fold.step(record(flight(flight_id="a"), 2))) == []
    fold.step(record(flight(flight_id="c", scheduled_at=NOON_MS + HOUR_MS + 1), 3))
    assert len(list(fold.step(record(flight(flight_id="a"), 4)))) == 1


async def test_a_late_event_is_remembered_as_long_as_any_other() -> None:
    fold = (await house()).fold()
    fold.step(record(flight(flight_id="a"), 0))
    late = flight(flight_id="late", scheduled_at=NOON_MS - 100 * HOUR_MS)
    assert [len(list(fold.step(record(late, offset)))) for offset in (1, 2)] == [1, 0]


async def test_a_restored_fold_remembers_late_events_and_forgets_old_ones() -> None:
    home = await house()
    before, after = home.fold(), home.fold()
    late = flight(flight_id="late", scheduled_at=NOON_MS - 100 * HOUR_MS)
    before.step(record(flight(flight_id="a"), 0))
    before.step(record(late, 1))
    after.restore(before.snapshot())
    after.step(record(flight(flight_id="b", scheduled_at=NOON_MS + 1), 2))
    assert list(after.step(record(late, 3))) == []
    after.step(record(flight(flight_id="c", scheduled_at=NOON_MS + HOUR_MS + 1), 4))
    assert [len(list(after.step(record(again, 5)))) for again in (flight(flight_id="a"), late)] == [1, 1]


async def test_the_cloudevents_id_counts_where_the_stream_has_none() -> None:
    fold = (await house(id=None)).fold()
    first, second = [("ce_id", b"1")], [("ce_id", b"2")]
    assert [len(list(fold.step(record(flight(), offset, headers)))) for offset, headers in enumerate([first, first, second])] == [1, 0, 1]


async def test_events_without_any_id_are_never_duplicates_and_are_named_by_their_place() -> None:
    home = await house(id=None)
    fold = home.fold()
    outputs = [output for offset in range(2) for output in fold.step(record(flight(), offset))]
    assert [home.read(output)["event_id"] for output in outputs] == ["events.flights:0:0", "events.flights:0:1"]


async def test_a_snapshot_of_before_offsets_were_kept_still_knows_its_ids() -> None:
    home = await house()
    fold, restored = home.fold(), home.fold()
    fold.step(record(flight(), 7))
    restored.restore(older(fold.snapshot()))
    assert list(restored.step(record(flight(), 7))) == []
    assert restored.counts["duplicates"] == 1


def older(snapshot: Snapshot) -> Snapshot:
    """The snapshot as it was written when an id had its arrival and its digest only, and there was no more than ids and a clock."""
    counts, clock, (counter, ((id, marks),)), *_ = msgpack.decode(snapshot.state)
    (segment,) = snapshot.segments
    ids = SegmentedMap("recent_ids")
    ids.restore([counter, [[id, marks]]], [segment])
    shorter = SegmentedMap("recent_ids")
    for key, entry in ids.unordered():
        shorter.put(key, entry[:24])
    manifest, segments = shorter.capture()
    return Snapshot(msgpack.encode([counts, clock, manifest]), segments)


async def test_a_field_that_became_nullable_later_does_not_make_a_duplicate_a_conflict() -> None:
    home = await house()
    old, new = home.fold(), (await house(fields={**FLIGHT_FIELDS, "gate": Field("gate", "string", nullable=True)})).fold()
    old.step(record(flight(), 0))
    new.restore(old.snapshot())
    assert list(new.step(record(flight(), 1))) == []
    assert new.counts["duplicates"] == 1


async def test_an_event_that_comes_again_after_its_stream_has_gained_a_default_is_a_duplicate() -> None:
    home = await house()
    old, new = home.fold(), (await house(fields={**FLIGHT_FIELDS, "fare": Field("fare", "double", default=9.5)})).fold()
    old.step(record(flight(), 0))
    new.restore(old.snapshot())
    assert list(new.step(record(flight(), 1))) == []
    assert list(new.step(record(flight(fare=9.5), 2))) == []
    with pytest.raises(Poison, match="duplicate_conflict"):
        new.step(record(flight(fare=9.4), 3))
