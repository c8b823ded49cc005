"""The ingestion fold: what becomes of one record, by rule."""

import pytest
from aiokafka.partitioner import murmur2

from penstock.fold.protocol import Missing, Poison
from penstock.fold.pulse import Beat
from penstock.fold.watermark import BEGINNING_MS
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
