"""The fold of a view: what it asks, answers and forwards, and that repeats and restarts change nothing."""

import asyncio

import pytest
from hypothesis import given, strategies as st

from penstock.fold.protocol import LogRecord, Missing, Output, Poison, Snapshot
from penstock.fold.watermark import BEGINNING_MS
from penstock.kafka.partition import partition_of
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry
from penstock_feature_store.fold import ViewFold
from tests.unit.feature_store.worlds import ONE_MODEL, SPEC, World, logs, made, world_of

TWO_PARTITIONS = SPEC.replace("    key: city\n", "    key: city\n    partitions: 2\n").replace(
    "      driver_delay: {mean: ends.delay, by: driver, window: 50ms, default: 0}\n", ""
)
ULM = partition_of(b"Ulm", 2)


@pytest.fixture(scope="module")
def world() -> World:
    return made()


def test_an_event_of_the_source_asks_every_model_in_the_order_of_names(world: World) -> None:
    outputs = list(world.fold().step(world.event("rides", 1_000, ride="r1", city="Ulm", driver="ann", miles=4)))
    read = world.read(outputs)
    assert [(topic, name) for topic, name, _ in read] == [("features.late-a", "FeatureVector"), ("features.late-b", "FeatureVector")]
    vector = read[0][2]
    assert vector["origin"] == {
        "topic": "validated.rides",
        "generation": 3,
        "partition": 0,
        "offset": vector["origin"]["offset"],
        "index": 0,
    }
    assert (vector["event_id"], vector["entity"], vector["event_time_ms"]) == ("r1", "Ulm", 1_000)
    assert list(vector["features"]) == list(world.spec.views["rides-basic"].features)
    assert vector["features"] == {
        "miles": 4.0, "city": "Ulm", "hour": 1, "rain": 1.0, "late": None, "driver_delay": 0.0, "ends_now": 0.0, "worst": None,
    }  # fmt: skip


def test_features_are_read_as_of_the_event_time(world: World) -> None:
    fold = world.fold()
    for record in (
        world.event("rain", 980, city="Ulm", depth=2.0),
        world.event("ends", 990, ride="a", city="Ulm", driver="ann", delay=9.0),
        world.event("ends", 995, ride="b", city="Ulm", driver="bob", delay=1.0),
        world.event("ends", 1_001, ride="c", city="Ulm", driver="ann", delay=100.0),  # after the question
        world.event("rain", 1_001, city="Ulm", depth=7.0),
        world.event("ends", 999, ride="d", city="Köln", driver="ann", delay=3.0),  # another city, the same driver
    ):
        fold.step(record)
    (_, _, vector), *_ = world.read(fold.step(world.event("rides", 1_000, ride="r", city="Ulm", driver="ann", miles=1)))
    assert vector["features"]["rain"] == 2.0
    assert vector["features"]["late"] == 0.5
    assert (vector["features"]["ends_now"], vector["features"]["worst"]) == (2.0, 9.0)
    assert vector["features"]["driver_delay"] == 6.0


OWN = """      driver_rides: {count: rides, by: driver, window: 100ms}
      rides_before: {count: rides, window: 100ms}
      mean_miles: {mean: rides.miles, window: 100ms}
      miles_before: {last: rides.miles}
models:
"""
OWN_FEATURES = ("driver_rides", "rides_before", "mean_miles", "miles_before")


def test_a_feature_of_the_own_stream_holds_what_came_before_and_never_the_event_that_asks() -> None:
    world = made(SPEC.replace("models:\n", OWN))
    fold, seen = world.fold(), []
    for time_ms, city, driver, miles in (
        (1_000, "Ulm", "ann", 4),
        (1_010, "Ulm", "bob", 8),
        (1_010, "Ulm", "ann", 9),  # what came before at the same time has come before
        (1_020, "Köln", "ann", 7),  # another city, the same driver
        (1_005, "Ulm", "ann", 1),  # late: as of its own time
        (1_105, "Ulm", None, 1),  # the window has passed the first
    ):
        _, _, vector = world.read(fold.step(world.event("rides", time_ms, ride="r", city=city, driver=driver, miles=miles)))[0]
        seen.append(tuple(vector["features"][name] for name in OWN_FEATURES))
    assert seen == [
        (0.0, 0.0, None, None),
        (0.0, 1.0, 4.0, 4.0),
        (1.0, 2.0, 6.0, 8.0),
        (2.0, 0.0, None, None),
        (1.0, 1.0, 4.0, 4.0),
        (0.0, 2.0, 8.5, 9.0),
    ]


@given(data=st.data())
def test_what_an_event_says_of_itself_changes_no_feature_of_its_own_stream(data: st.DataObject) -> None:
    world = made(SPEC.replace("models:\n", OWN))
    before = data.draw(logs(world))
    asked = []
    for miles in (1, 1_000):
        fold = world.fold()
        for record in before:
            fold.step(record)
        world.offsets["rides"] = 10_000
        _, _, vector = world.read(fold.step(world.event("rides", 1_400, ride="r", city="Ulm", driver="ann", miles=miles)))[0]
        asked.append([vector["features"][name] for name in OWN_FEATURES])
    assert asked[0] == asked[1]


def test_an_event_of_before_a_field_was_declared_has_its_default_as_avro_resolves_it() -> None:
    wire = Wire(MemorySchemaRegistry())
    gained = ONE_MODEL.replace("miles: long", "miles: long, seats: {type: long, default: 4}").replace(
        "select: [miles", "select: [seats, miles"
    )
    old, new = asyncio.run(world_of(ONE_MODEL, wire)), asyncio.run(world_of(gained, wire))
    fold = new.fold()
    for world, fields, seats in ((old, {}, 4.0), (new, {"seats": 2}, 2.0)):
        record = world.event("rides", 1_000, ride="r", city="Ulm", miles=1, **fields)._replace(offset=len(fields))
        (_, _, vector), *_ = new.read(fold.step(record_after(record, len(fields), wire, world)))
        assert vector["features"]["seats"] == seats


def record_after(record: LogRecord, offset: int, wire: Wire, world: World) -> LogRecord:
    """The record with an origin at this offset: each world counts from 0."""
    value = wire.read(record.value)[1]
    return record._replace(value=world.writers["rides"](value | {"_origin": {**value["_origin"], "offset": offset}}))


def test_the_online_value_is_what_was_asked_with(world: World) -> None:
    outputs = list(world.fold().step(world.event("rides", 1_000, ride="r1", city="Ulm", miles=4)))
    (value,) = world.online(outputs)
    assert (value.view, value.entity, value.event_time_ms) == ("rides-basic", "Ulm", 1_000)
    assert value.features == world.read(outputs)[0][2]["features"]


def test_a_label_goes_to_every_model_that_waits_for_it(world: World) -> None:
    fold = world.fold()
    read = world.read(fold.step(world.event("ends", 2_000, ride="r1", city="Ulm", delay=6.0)))
    assert [(topic, name) for topic, name, _ in read] == [("learning.late-a", "Label"), ("learning.late-b", "Label")]
    assert [(value["event_id"], value["value"], value["event_time_ms"]) for *_, value in read] == [("r1", True, 2_000)] * 2
    assert fold.counts == {"ends.read": 1, "labels": 2}


def test_an_unknown_truth_is_no_label(world: World) -> None:
    fold = world.fold()
    assert world.read(fold.step(world.event("ends", 2_000, ride="r1", city="Ulm", delay=None))) == []
    assert fold.counts["label.null"] == 2


def test_one_stream_can_ask_and_answer() -> None:
    world = made(SPEC.replace('{from: ends, id: ride, positive: "delay > 5"', '{from: rides, id: ride, positive: "miles > 5"'))
    read = world.read(world.fold().step(world.event("rides", 1_000, ride="r1", city="Ulm", miles=9)))
    topics = ["features.late-a", "features.late-b", "learning.late-a", "learning.late-b"]
    assert [topic for topic, *_ in read] == topics


def test_every_tick_of_the_source_is_sent_on_with_the_watermark(world: World) -> None:
    fold = world.fold()
    fold.step(world.event("rides", 1_000, ride="a", city="Ulm", miles=1, origin_partition=0))
    fold.step(world.event("rides", 500, ride="b", city="Ulm", miles=1, origin_partition=1))
    read = world.read(fold.step(world.tick("rides", 2_000, partition=0)))
    assert [(topic, name) for topic, name, _ in read] == [("features.late-a", "Tick"), ("features.late-b", "Tick")]
    tick = read[0][2]
    assert (tick["event_time_ms"], tick["source"], tick["partition"], tick["idle"]) == (1_000, "validated.rides", 0, False)
    assert tick["origin"]["topic"] == "validated.rides"
    assert world.read(fold.step(world.tick("rides", 700, partition=1)))[0][2]["event_time_ms"] == 1_000
    assert world.read(fold.step(world.tick("rides", 1_500, partition=1)))[0][2]["event_time_ms"] == 1_500


def test_a_vector_says_how_far_every_partition_of_its_stream_has_come(wide: World) -> None:
    fold = wide.fold()
    said = []
    for time_ms, source in ((1_000, 0), (500, 1), (700, 1)):
        record = wide.event("rides", time_ms, ride=f"{time_ms}", city="Ulm", miles=1, partition=ULM, origin_partition=source)
        said.append(wide.read(fold.step(record))[0][2]["watermark_ms"])
    assert said == [BEGINNING_MS, 500, 700]


def test_a_partition_that_is_idle_again_is_lifted_to_where_the_others_are(wide: World) -> None:
    fold = wide.fold()
    moves = [(1_000, 0, False), (BEGINNING_MS, 1, True), (3_000, 0, False), (BEGINNING_MS, 1, True)]
    sent = [wide.read(fold.step(wide.tick("rides", time_ms, partition=source, idle=idle)))[0][2] for time_ms, source, idle in moves]
    assert [tick["event_time_ms"] for tick in sent] == [BEGINNING_MS, 1_000, 1_000, 3_000]


def test_a_partition_is_idle_only_when_all_that_feed_it_are(world: World) -> None:
    fold = world.fold()
    fold.step(world.event("rides", 1_000, ride="a", city="Ulm", miles=1, origin_partition=0))
    fold.step(world.event("rides", 500, ride="b", city="Ulm", miles=1, origin_partition=1))
    first = world.read(fold.step(world.tick("rides", 1_000, partition=1, idle=True)))[0][2]
    second = world.read(fold.step(world.tick("rides", 1_000, partition=0, idle=True)))[0][2]
    assert (first["idle"], second["idle"]) == (False, True)


@pytest.fixture(scope="module")
def wide() -> World:
    return made(TWO_PARTITIONS)


def test_a_partition_that_has_not_spoken_holds_the_clock(wide: World) -> None:
    fold = wide.fold()
    fold.step(wide.event("rides", 1_000, ride="a", city="Ulm", miles=1, partition=ULM, origin_partition=0))
    early = wide.read(fold.step(wide.tick("rides", 2_000, partition=0)))[0][2]
    fold = resume(wide, fold.snapshot())
    again = wide.read(fold.step(wide.tick("rides", 3_000, partition=0)))[0][2]
    assert [(tick["event_time_ms"], tick["idle"]) for tick in (early, again)] == [(BEGINNING_MS, False)] * 2
    fold.step(wide.event("rides", 500, ride="b", city="Ulm", miles=1, partition=ULM, origin_partition=1))
    assert wide.read(fold.step(wide.tick("rides", 3_000, partition=0)))[0][2]["event_time_ms"] == 500


def test_a_partition_that_is_idle_before_its_first_record_frees_the_clock(wide: World) -> None:
    fold = wide.fold()
    fold.step(wide.event("rides", 1_000, ride="a", city="Ulm", miles=1, partition=ULM, origin_partition=0))
    ticks = [wide.tick("rides", BEGINNING_MS, partition=1, idle=True), wide.tick("rides", 1_000, partition=0, idle=True)]
    sent = [wide.read(fold.step(tick))[0][2] for tick in ticks]
    assert [(tick["event_time_ms"], tick["idle"]) for tick in sent] == [(1_000, False), (1_000, True)]


def test_how_many_ticks_go_out_does_not_depend_on_who_has_spoken(wide: World) -> None:
    grown = wide.fold()
    for record in (
        wide.tick("rides", 2_000, partition=0),
        wide.tick("rides", BEGINNING_MS, partition=1, idle=True),
        wide.tick("rides", 2_000, partition=0, idle=True),
    ):
        assert len(shape(grown.step(record))) == len(shape(wide.fold().step(record))) == 2


def test_a_tick_of_another_stream_moves_nothing(wide: World, world: World) -> None:
    assert list(wide.fold().step(wide.tick("ends", BEGINNING_MS, idle=True))) == []
    fold = world.fold()
    assert list(fold.step(world.tick("ends", 5_000))) == []
    assert list(fold.step(world.tick("rain", 5_000, idle=True))) == []


@given(data=st.data())
def test_a_record_that_comes_again_is_an_echo(world: World, data: st.DataObject) -> None:
    records = [record for record in data.draw(logs(world)) if world.wire.read(record.value)[0] != "Tick"]
    once, twice = world.fold(), world.fold()
    outputs = [each for record in records for each in once.step(record)]
    again = [each for record in records for each in (*twice.step(record), *twice.step(record._replace(offset=record.offset + 1_000)))]
    assert outputs == again
    assert twice.counts["echoes"] == len(records)


@given(data=st.data())
def test_a_restored_fold_continues_as_if_nothing_had_happened(world: World, data: st.DataObject) -> None:
    straight, restarted = world.fold(), world.fold()
    for record in data.draw(logs(world)):
        if data.draw(st.booleans()):
            restarted = resume(world, restarted.snapshot())
        assert list(straight.step(record)) == list(restarted.step(record))
    assert straight.counts == restarted.counts


def test_a_restored_fold_still_drops_what_comes_again(world: World) -> None:
    fold = world.fold()
    ride = world.event("rides", 1_000, ride="a", city="Ulm", miles=1)
    fold.step(ride)
    fold = resume(world, fold.snapshot())
    assert list(fold.step(ride._replace(offset=1_000))) == []
    assert fold.counts["echoes"] == 1


def test_a_restored_fold_knows_where_its_clocks_stand(world: World) -> None:
    fold = world.fold()
    fold.step(world.event("rides", 5_000, ride="a", city="Ulm", miles=1))
    fold = resume(world, fold.snapshot())
    tick = world.read(fold.step(world.tick("rides", 2_000)))[0][2]
    assert tick["event_time_ms"] == 5_000


@given(data=st.data())
def test_how_many_outputs_and_which_depends_on_the_record_alone(world: World, data: st.DataObject) -> None:
    grown = world.fold()
    for record in data.draw(logs(world)):
        empty = world.fold()
        assert shape(grown.step(record)) == shape(empty.step(record))


def shape(outputs: object) -> list[tuple[str, int, bytes | None]]:
    assert isinstance(outputs, list | tuple)
    return [(each.topic, each.partition, each.key) for each in outputs if isinstance(each, Output)]


def resume(world: World, snapshot: Snapshot) -> ViewFold:
    fold = world.fold()
    fold.restore(snapshot)
    return fold


def test_a_snapshot_writes_only_what_changed(world: World) -> None:
    fold = world.fold()
    for number in range(2_000):
        fold.step(world.event("ends", 1_000, ride="r", city=f"city {number}", delay=1.0))
    before = {segment.id for segment in fold.snapshot().segments}
    fold.step(world.event("ends", 1_001, ride="r", city="city 1", delay=1.0))
    new = [segment for segment in fold.snapshot().segments if segment.id not in before]
    assert sum(len(segment.data) for segment in new) < 500


def test_what_an_entity_left_behind_goes_when_no_question_can_reach_it(world: World) -> None:
    fold = world.fold()
    for number in range(100):
        fold.step(world.event("rides", 10_000 * number, ride=f"r{number}", city=f"city {number}", miles=1))
    small = fold.snapshot()
    assert sum(len(segment.data) for segment in small.segments) < 1_000


def test_a_feature_that_means_something_else_starts_empty_and_the_others_keep_their_state(world: World) -> None:
    fold = world.fold()
    for record in (
        world.event("ends", 990, ride="a", city="Ulm", driver="ann", delay=9.0),
        world.event("rain", 990, city="Ulm", depth=2.0),
    ):
        fold.step(record)
    changed = made(SPEC.replace('share: "ends.delay > 5"', 'share: "ends.delay > 8"').replace("max_age: 100ms", "max_age: 200ms"))
    changed.offsets = world.offsets
    resumed = resume(changed, fold.snapshot())
    (_, _, vector), *_ = changed.read(resumed.step(changed.event("rides", 1_000, ride="r", city="Ulm", driver="ann", miles=1)))
    assert vector["features"]["late"] is None
    assert vector["features"]["driver_delay"] == 9.0
    assert vector["features"]["rain"] == 2.0
    assert resume(changed, resumed.snapshot()).counts["rides.read"] == 1


def test_another_model_on_the_view_changes_no_origin(world: World) -> None:
    alone = made(ONE_MODEL)
    record = world.event("rides", 5_000, ride="r", city="Ulm", miles=1)
    beside = [each for each in world.read(world.fold().step(record)) if each[0] == "features.late-b"]
    alone.offsets["rides"] = record.offset - 1
    assert alone.read(alone.fold().step(alone.event("rides", 5_000, ride="r", city="Ulm", miles=1))) == beside


def test_an_unknown_schema_is_missing_and_changes_nothing(world: World) -> None:
    fold = world.fold()
    with pytest.raises(Missing):
        fold.step(LogRecord("validated.rides", 0, 0, 0, b"Ulm", b"\x00\x00\x00\xff\xff\x02"))
    assert fold.counts == {}


def test_a_record_that_does_not_belong_to_the_stream_is_poison(world: World) -> None:
    stranger = world.event("rain", 1_000, city="Ulm", depth=1.0)._replace(topic="validated.rides")
    with pytest.raises(Poison, match="unexpected_record"):
        world.fold().step(stranger)


def test_a_record_older_than_a_field_has_null_there() -> None:
    before = made(ONE_MODEL.replace("driver: {type: string, nullable: true}, miles: long,", "").replace("[miles, city]", "[city]").replace(
        "      driver_delay: {mean: ends.delay, by: driver, window: 50ms, default: 0}\n", ""))  # fmt: skip
    now = asyncio.run(world_of(SPEC, before.wire))
    (_, _, vector), *_ = now.read(now.fold().step(before.event("rides", 1_000, ride="r", city="Ulm")))
    assert (vector["features"]["miles"], vector["features"]["driver_delay"]) == (None, 0.0)
