"""The ingestion fold: what becomes of one record, by rule."""

import pytest
from aiokafka.partitioner import murmur2
from msgspec import msgpack

from penstock.fold.protocol import LogRecord, Missing, Poison, Snapshot
from penstock.fold.pulse import Beat
from penstock.fold.segments import SegmentedMap
from penstock.fold.watermark import BEGINNING_MS
from penstock.parking import Parking
from penstock.records import event_time_ms
from penstock.spec import Field
from penstock.spec.avro import producer_schema
from tests.unit.ingestion.streams import FLIGHT_FIELDS, HOUR_MS, NOON_MS, VALIDATED, fields, flight, house, record

UNKEYED = fields(Field("origin", "string"), Field("x", "long"))


async def test_an_event_comes_out_once_with_time_origin_and_id() -> None:
    home = await house()
    fold = home.fold(partition=1)
    (output,) = fold.step(record(flight(), offset=7, partition=1))
    origin = {"topic": "events.flights", "generation": 2, "partition": 1, "offset": 7, "index": 0}
    assert output.topic == VALIDATED
    assert event_time_ms(output.value) == NOON_MS
    assert home.read(output) == {"event_time_ms": NOON_MS, "_origin": origin, "event_id": "AA1", **flight()}
    assert fold.counts == {"sent": 1, "validated": 1}


async def test_the_trace_of_an_event_goes_on_with_it() -> None:
    trace = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    (output,) = (await house()).fold().step(record(flight(), headers=[("ce_id", b"x"), trace, ("authorization", b"secret")]))
    assert output.headers == (trace,)


async def test_an_event_goes_to_the_partition_that_kafka_would_choose_for_its_entity() -> None:
    home = await house(partitions=7)  # no power of two: the sign bit matters
    for entity in ("EWR", "JFK", "LGA"):
        (output,) = home.fold().step(record(flight(origin=entity)))
        assert (output.key, output.partition) == (entity.encode(), (murmur2(entity.encode()) & 0x7FFFFFFF) % 7)


async def test_a_number_as_key_is_its_decimal_text() -> None:
    home = await house(key="x", id=None, time=None, fields=UNKEYED)
    (output,) = home.fold().step(record({"origin": "JFK", "x": -42}))
    assert output.key == b"-42"


async def test_json_and_avro_of_the_same_event_are_the_same_event() -> None:
    home = await house()
    fold = home.fold()
    write = await home.wire.writer("events.flights", producer_schema(home.stream))
    assert len(list(fold.step(record(write(flight()), offset=0)))) == 1
    assert list(fold.step(record(flight(seats=150.0, distance=760.5), offset=1))) == []
    assert fold.counts == {"sent": 2, "validated": 1, "duplicates": 1}


@pytest.mark.parametrize("empty", [{"origin": ""}, {"flight_id": ""}])
async def test_an_empty_entity_or_id_is_poison(empty: dict[str, str]) -> None:
    home = await house(fields={**FLIGHT_FIELDS, "origin": Field("origin", "string")})
    with pytest.raises(Poison, match=r"no_key|no_id"):
        home.fold().step(record(flight(**empty)))


async def test_entities_and_ids_have_a_longest_length() -> None:
    home = await house()
    with pytest.raises(Poison, match="too_large"):
        home.fold().step(record(flight(flight_id="ä" * 513)))
    assert len(list(home.fold().step(record(flight(flight_id="ä" * 512))))) == 1


async def test_an_event_that_is_too_large_once_validated_is_poison_and_changes_nothing() -> None:
    home = await house(id="flight_id", fields={**FLIGHT_FIELDS, "note": Field("note", "string")})
    fold = home.fold()
    before = fold.snapshot()
    with pytest.raises(Poison, match="too_large"):
        fold.step(record(b'{"flight_id":"A","origin":"JFK","distance":1,"scheduled_at":0,"note":"%s"}' % (b"n" * 999_925)))
    assert fold.counts == {"sent": 1}
    fold.counts.clear()
    assert fold.snapshot() == before


async def test_extra_fields_are_dropped_and_counted() -> None:
    home = await house()
    fold = home.fold()
    (output,) = fold.step(record(flight(gate="B3", crew=[1, {"x": None}])))
    assert home.read(output).keys() == {"event_time_ms", "_origin", "event_id", *FLIGHT_FIELDS}
    assert fold.counts["extra_fields"] == 2


async def test_poison_is_counted_as_sent_and_missing_is_not() -> None:
    fold = (await house()).fold()
    with pytest.raises(Poison, match="out_of_range"):
        fold.step(record(flight(distance=9_999)))
    with pytest.raises(Missing):
        fold.step(record(b"\x00\x00\x00\x00\x63abc"))
    assert fold.counts == {"sent": 1, "refused.distance.out_of_range": 1}


async def test_an_unknown_schema_is_rejected_and_the_counts_add_up() -> None:
    home = await house()
    fold = home.fold()
    avro = b"\x00\x00\x00\x00\x63abc"
    assert len(await home.outputs(fold, [record(avro, 0), record(flight(), 1), record(avro, 2)])) == 1
    assert (fold.counts["sent"], fold.counts["validated"], fold.counts["rejected.unknown_schema"]) == (3, 1, 2)


async def test_what_the_contract_mended_is_counted_by_field_and_rule_when_the_event_is_validated() -> None:
    mended = {**FLIGHT_FIELDS, "distance": Field("distance", "double", minimum=1, maximum=6_000, on={"out_of_range": "clip"})}
    home = await house(fields=mended)
    fold = home.fold()
    (output,) = fold.step(record(flight(distance=9_999), 0))
    assert home.read(output)["distance"] == 6_000
    with pytest.raises(Poison, match="time_jump"):
        fold.step(record(flight(flight_id="b", distance=9_999, scheduled_at="2099-01-01T00:00:00Z"), 1))
    assert list(fold.step(record(flight(distance=9_999), 2))) == []
    assert fold.counts == {"sent": 3, "validated": 1, "duplicates": 1, "clipped.distance.out_of_range": 1}


async def test_a_unique_value_is_free_again_when_its_window_has_passed() -> None:
    home = await house(fields={**FLIGHT_FIELDS, "seats": Field("seats", "long", nullable=True, unique_ms=HOUR_MS)})
    fold, restored = home.fold(), home.fold()
    fold.step(record(flight(flight_id="a"), 0))
    restored.restore(fold.snapshot())
    for each in (fold, restored):
        with pytest.raises(Poison, match="not_unique: seats"):
            each.step(record(flight(flight_id="b", scheduled_at=NOON_MS + HOUR_MS), 1))
        assert len(list(each.step(record(flight(flight_id="c", seats=None), 2)))) == 1
        assert len(list(each.step(record(flight(flight_id="d", seats=None, scheduled_at=NOON_MS + HOUR_MS + 1), 3)))) == 1
        assert len(list(each.step(record(flight(flight_id="e", scheduled_at=NOON_MS + HOUR_MS), 4)))) == 1


async def test_a_value_that_is_not_unique_may_pass_with_a_warning_and_is_forgotten_with_its_first_event() -> None:
    fields = {**FLIGHT_FIELDS, "seats": Field("seats", "long", unique_ms=HOUR_MS, on={"not_unique": "warn"})}
    fold = (await house(fields=fields)).fold()
    for offset, hours in enumerate((0, 1, 1)):
        fold.step(record(flight(flight_id=str(offset), scheduled_at=NOON_MS + hours * HOUR_MS), offset))
    fold.step(record(flight(flight_id="3", scheduled_at=NOON_MS + HOUR_MS + 1, seats=1), 3))
    fold.step(record(flight(flight_id="4", scheduled_at=NOON_MS + HOUR_MS + 1), 4))
    assert (fold.counts["validated"], fold.counts["warned.seats.not_unique"]) == (5, 2)


# --- time ----------------------------------------------------------------------------------------------------------------------------


async def test_event_time_is_the_field_else_the_header_else_the_append_time() -> None:
    header = [("ce_time", b"2013-01-01T13:00:00Z")]
    with_field, without = (await house()).fold(), (await house(time=None, id=None)).fold()
    (by_field,) = with_field.step(record(flight(scheduled_at=NOON_MS - 1), headers=header))
    (by_append_time,) = without.step(record(flight(scheduled_at=5), 0))
    (by_header,) = without.step(record(flight(scheduled_at=5), 1, headers=header))
    times_ms = [event_time_ms(output.value) for output in (by_field, by_append_time, by_header)]
    assert times_ms == [NOON_MS - 1, NOON_MS, NOON_MS + HOUR_MS]


async def test_an_event_moves_time_forward_by_at_most_max_jump() -> None:
    home = await house()
    fold = home.fold()
    late, limit = NOON_MS - 1_000 * HOUR_MS, NOON_MS + 24 * HOUR_MS
    fold.step(record(flight(flight_id="a"), 0))
    fold.step(record(flight(flight_id="b", scheduled_at=late), 1))
    with pytest.raises(Poison, match="time_jump"):
        fold.step(record(flight(flight_id="c", scheduled_at=limit + 1), 2))
    fold.step(record(flight(flight_id="d", scheduled_at=limit), 3))
    fold.step(record(flight(flight_id="e", scheduled_at=limit + 24 * HOUR_MS), 4))
    assert fold.counts == {"sent": 5, "validated": 4, "late": 1}


async def test_a_restored_fold_knows_where_its_clock_stands() -> None:
    home = await house()
    before, restored = home.fold(), home.fold()
    before.step(record(flight(flight_id="a"), 0))
    restored.restore(before.snapshot())
    too_far = record(flight(flight_id="b", scheduled_at=NOON_MS + 24 * HOUR_MS + 1), 1)
    with pytest.raises(Poison, match="ahead of every record before it"):
        restored.step(too_far._replace(timestamp=NOON_MS + 1_000 * HOUR_MS))


async def test_the_first_event_is_held_to_its_append_time() -> None:
    fold, limit = (await house()).fold(), NOON_MS + 24 * HOUR_MS
    with pytest.raises(Poison, match=r"time_jump: .* append time"):
        fold.step(record(flight(flight_id="a", scheduled_at="2099-01-01T00:00:00Z"), 0))
    with pytest.raises(Poison, match="time_jump"):
        fold.step(record(flight(flight_id="b", scheduled_at=limit + 1), 1))
    fold.step(record(flight(flight_id="c", scheduled_at=limit), 2))
    assert fold.counts == {"sent": 3, "validated": 1}


async def test_a_replay_may_begin_any_time_ago() -> None:
    fold = (await house()).fold()
    assert len(list(fold.step(record(flight(scheduled_at="1987-10-01T00:00:00Z"))))) == 1


async def test_an_event_may_be_late_by_as_much_as_the_stream_says_and_is_counted() -> None:
    fold = (await house(late_ms_max=HOUR_MS)).fold()
    fold.step(record(flight(), 0))
    fold.step(record(flight(flight_id="b", scheduled_at=NOON_MS - HOUR_MS), 1))
    with pytest.raises(Poison, match="too_late"):
        fold.step(record(flight(flight_id="c", scheduled_at=NOON_MS - HOUR_MS - 1), 2))
    assert fold.counts == {"sent": 3, "validated": 2, "late": 1}


async def test_a_rejected_jump_does_not_move_the_clock_and_its_id_is_free() -> None:
    fold = (await house()).fold()
    fold.step(record(flight(), 0))
    for offset in (1, 2):
        with pytest.raises(Poison, match="time_jump"):
            fold.step(record(flight(flight_id="b", scheduled_at=NOON_MS + 25 * HOUR_MS), offset))
    assert len(list(fold.step(record(flight(flight_id="b", scheduled_at=NOON_MS + HOUR_MS), 3)))) == 1


async def test_event_times_before_1970_are_poison() -> None:
    with pytest.raises(Poison, match="out_of_range"):
        (await house()).fold().step(record(flight(scheduled_at="1969-12-31T23:59:59Z")))


async def test_append_time_may_jump_after_a_silence_but_not_a_clock_that_producers_set() -> None:
    home = await house(time=None, id=None)
    silent, replayed = home.fold(), home.fold()
    years_later = record(flight(), 1)._replace(timestamp=NOON_MS + 9_000 * HOUR_MS)
    silent.step(record(flight(), 0))
    assert len(list(silent.step(years_later))) == 1
    replayed.step(record(flight(), 0, headers=[("ce_time", b"2013-01-01T12:00:00Z")]))
    restored = home.fold()
    restored.restore(replayed.snapshot())
    for fold in (replayed, restored):
        with pytest.raises(Poison, match="time_jump"):
            fold.step(years_later)


# --- ticks ---------------------------------------------------------------------------------------------------------------------------


async def test_a_tick_goes_to_every_partition_with_an_origin_each() -> None:
    home = await house()
    fold = home.fold(partition=1)
    outputs = list(fold.step(record(b'{"penstock.tick": "2013-01-01T12:00:00Z"}', offset=9, partition=1)))
    ticks = [home.wire.read(output.value) for output in outputs]
    assert [output.partition for output in outputs] == [0, 1, 2]
    assert {name for name, _ in ticks} == {"Tick"}
    assert [(tick["origin"]["offset"], tick["origin"]["index"]) for _, tick in ticks] == [(9, 0), (9, 1), (9, 2)]
    assert {(tick["event_time_ms"], tick["source"], tick["partition"], tick["idle"]) for _, tick in ticks} == {
        (NOON_MS, "events.flights", 1, False)
    }
    assert fold.counts == {"ticks": 1}


async def test_a_tick_may_jump_ten_times_as_far_as_an_event() -> None:
    fold = (await house()).fold()
    fold.step(record(flight(), 0))
    with pytest.raises(Poison, match="time_jump"):
        fold.step(record(b'{"penstock.tick": "2013-01-11T12:00:00.001Z"}', 1))
    assert len(list(fold.step(record(b'{"penstock.tick": "2013-01-11T12:00:00Z"}', 2)))) == 3
    assert len(list(fold.step(record(flight(flight_id="b", scheduled_at="2013-01-12T12:00:00Z"), 3)))) == 1
    assert fold.counts == {"sent": 3, "validated": 2, "ticks": 1}


async def test_the_first_tick_is_held_to_ten_times_that_from_its_append_time() -> None:
    fold = (await house()).fold()
    with pytest.raises(Poison, match="time_jump"):
        fold.step(record(b'{"penstock.tick": "2013-01-11T12:00:00.001Z"}', 0))
    assert len(list(fold.step(record(b'{"penstock.tick": "2013-01-11T12:00:00Z"}', 1)))) == 3
    assert fold.counts == {"sent": 1, "ticks": 1}


async def test_an_idle_partition_says_so_at_its_highest_time_to_every_partition() -> None:
    home = await house()
    fold = home.fold(partition=2)
    fold.step(record(flight(), 0))
    fold.step(record(flight(flight_id="b", scheduled_at=NOON_MS - HOUR_MS), 1))
    for beat, idle in ((Beat.MOVING, False), (Beat.IDLE, True), (Beat.STILL_IDLE, True)):
        outputs = list(fold.pulse("events.flights", beat))
        tick = {"event_time_ms": NOON_MS, "origin": None, "source": "events.flights", "partition": 2, "idle": idle}
        assert [home.read(output) for output in outputs] == [tick] * 3
        assert [output.partition for output in outputs] == [0, 1, 2]


async def test_the_only_partition_of_a_stream_says_only_once_that_it_is_idle() -> None:
    fold = (await house(partitions=1)).fold(partition=0)
    fold.step(record(flight(), 0, partition=0))
    assert [len(list(fold.pulse("events.flights", beat))) for beat in (Beat.MOVING, Beat.IDLE, Beat.STILL_IDLE)] == [0, 1, 0]


async def test_an_empty_partition_is_idle_at_the_beginning_of_time_and_may_then_speak_at_any() -> None:
    home = await house()
    fold = home.fold(partition=2)
    ticks = [home.read(output) for output in fold.pulse("events.flights", Beat.IDLE)]
    assert [(tick["event_time_ms"], tick["partition"], tick["idle"]) for tick in ticks] == [(BEGINNING_MS, 2, True)] * 3
    assert len(list(fold.step(record(flight(), 0)))) == 1  # being idle has set no clock that an event could be too far ahead of


# --- parked sources ------------------------------------------------------------------------------------------------------------------


def command(source: str, *, parked: bool, offset: int) -> LogRecord:
    (sent,) = Parking(source, parked).records("events.flights", 1)
    return record(None, offset, sent.headers)


async def test_the_events_of_a_parked_source_are_poison_until_it_is_released() -> None:
    home = await house()
    fold, restored = home.fold(), home.fold()
    gate = [("ce_source", b"gate/7")]
    assert list(fold.step(command("gate/7", parked=True, offset=0))) == []
    restored.restore(fold.snapshot())
    for each in (fold, restored):
        with pytest.raises(Poison, match="quarantined"):
            each.step(record(flight(flight_id="a"), 1, gate))
        assert len(list(each.step(record(flight(flight_id="b"), 2, [("ce_source", b"gate/8")])))) == 1
        assert len(list(each.step(record(flight(flight_id="c"), 3)))) == 1
        each.step(command("gate/7", parked=False, offset=4))
        assert len(list(each.step(record(flight(flight_id="a"), 5, gate)))) == 1
        assert each.counts == {"sent": 4, "validated": 3, "commands": 2}


async def test_an_event_is_never_taken_for_a_command() -> None:
    fold = (await house()).fold()
    (sent,) = Parking("gate/7", True).records("events.flights", 1)
    assert len(list(fold.step(record(flight(), 0, sent.headers)))) == 1
    for offset, headers in enumerate(
        [sent.headers[:1], [sent.headers[0], ("ce_subject", b"\xff")], [sent.headers[0], ("ce_subject", b"")]]
    ):
        with pytest.raises(Poison, match="not_framed"):
            fold.step(record(None, offset + 1, headers))
    assert fold.parked == set()


# --- duplicates ----------------------------------------------------------------------------------------------------------------------


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
