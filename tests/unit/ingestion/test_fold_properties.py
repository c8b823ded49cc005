"""Properties of the ingestion fold over random streams: counts add up, restore changes nothing, hostile bytes are only ever poison."""

import json
from random import Random
from typing import Any

from hypothesis import given, settings, strategies as st

from penstock.fold.protocol import LogRecord, Missing, Output, Poison, Snapshot
from penstock.fold.pulse import Beat
from penstock.framing.decoder import SINGLE_OBJECT, fingerprint_of
from penstock.records.wire import HEADER
from penstock.spec.avro import producer_schema
from penstock_ingestion.fold import IngestionFold
from tests.unit.ingestion.streams import HOUR_MS, NOON_MS, House, flight, house, record

MUTATED = 2_000

EVENTS = st.builds(
    flight,
    flight_id=st.sampled_from("abcdef"),
    origin=st.sampled_from(["EWR", "JFK", "LGA", "SFO"]),
    distance=st.sampled_from([1, 700.5, 9_999]),
    scheduled_at=st.integers(-3, 60).map(lambda halves: NOON_MS + halves * HOUR_MS // 2),
)
TICKS = st.sampled_from(["2013-01-01T15:00:00Z", "2013-01-03T15:00:00Z", "2099-01-01T00:00:00Z", "soon"]).map(
    lambda time: {"penstock.tick": time}
)
BROKEN = st.sampled_from([None, b"", b"?", b"{", b"{}", b"\x00\x00\x00\x00\x63abc"])
STREAMS = st.lists(st.one_of(EVENTS, EVENTS, EVENTS, TICKS, BROKEN), max_size=40)


def records(values: list[Any]) -> list[LogRecord]:
    return [record(value, offset) for offset, value in enumerate(values)]


def restored(home: House, snapshot: Snapshot) -> IngestionFold:
    fold = home.fold()
    fold.restore(snapshot)
    return fold


@settings(deadline=None)
@given(values=STREAMS)
async def test_sent_is_validated_and_rejected_and_duplicates(values: list[Any]) -> None:
    home = await house()
    fold = home.fold()
    outputs = await home.outputs(fold, records(values))
    counts, ticks = fold.counts, sum(home.wire.read(output.value)[0] == "Tick" for output in outputs)
    assert counts["sent"] == counts["validated"] + counts["rejected"] + counts["duplicates"]
    assert counts["sent"] + counts["ticks"] == len(values)
    assert (counts["validated"], counts["ticks"] * 3) == (len(outputs) - ticks, ticks)


@settings(deadline=None)
@given(values=STREAMS, cuts=st.sets(st.integers(0, 40), max_size=4))
async def test_a_fold_restored_at_any_point_goes_on_as_if_nothing_had_happened(values: list[Any], cuts: set[int]) -> None:
    home = await house()
    whole, parts = home.fold(), home.fold()
    expected = await home.outputs(whole, records(values))
    outputs: list[Output] = []
    for each in records(values):
        if each.offset in cuts:
            parts = restored(home, parts.snapshot())
        outputs += await home.outputs(parts, [each])
    assert outputs == expected
    assert parts.counts == whole.counts
    assert list(parts.pulse("events.flights", Beat.IDLE)) == list(whole.pulse("events.flights", Beat.IDLE))


@settings(deadline=None)
@given(values=STREAMS)
async def test_equal_histories_give_equal_snapshots_and_a_restored_fold_gives_the_same_one(values: list[Any]) -> None:
    home = await house()
    one, two = home.fold(), home.fold()
    await home.outputs(one, records(values))
    await home.outputs(two, records(values))
    snapshot = one.snapshot()
    assert snapshot == two.snapshot()
    assert restored(home, snapshot).snapshot() == snapshot


async def test_hostile_bytes_are_only_ever_poison_or_missing() -> None:
    home = await house()
    write = await home.wire.writer("events.flights", producer_schema(home.stream))
    random, fold, own = Random(20130101), home.fold(), fingerprint_of(producer_schema(home.stream))
    for offset in range(MUTATED):
        event = flight(flight_id=str(offset), note="é")
        framed = (json.dumps(event).encode(), write(event), SINGLE_OBJECT + own + write(event)[HEADER.size :], structured(event))[
            offset % 4
        ]
        headers = [("content-type", b"application/cloudevents+json")] if offset % 4 == 3 else []
        try:
            fold.step(record(mutated(framed, random), offset, headers))
        except (Poison, Missing):
            continue
    assert fold.counts["sent"] > fold.counts["validated"] > 0


def structured(event: dict[str, Any]) -> bytes:
    envelope = {"specversion": "1.0", "id": event["flight_id"], "source": "s", "type": "t", "time": "2013-01-01T12:00:00Z", "data": event}
    return json.dumps(envelope).encode()


def mutated(data: bytes, random: Random) -> bytes:
    """A few bytes changed, taken out, put in or doubled."""
    changed = bytearray(data)
    for _ in range(random.randint(1, 4)):
        start = random.randrange(len(changed) + 1)
        end = min(len(changed), start + random.randint(0, 8))
        replacement = random.choice([random.randbytes(end - start), b"", random.randbytes(3), bytes(changed[start:end]) * 2, b"\xff" * 9])
        changed[start:end] = replacement
    return bytes(changed)
