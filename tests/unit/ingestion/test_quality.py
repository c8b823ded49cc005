"""The quality of a stream: counts by rule and field, freshness and rate against what is expected, and no value of any event."""

import json
from typing import Any

import httpx
import pytest
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette

from penstock.cli.quality import lines_of
from penstock.fold.protocol import Poison
from penstock.spec import Field
from penstock.spec.expect import Expect
from penstock_ingestion.fold import IngestionFold
from penstock_ingestion.quality import FreshnessGauges, quality_of, route
from tests.unit.ingestion.streams import FLIGHT_FIELDS, NOON_MS, fields, flight, flights, house, record

CLIPPED = fields(*FLIGHT_FIELDS.values(), Field("fare", "double", minimum=0, maximum=100, default=1.0, on={"out_of_range": "clip"}))
MINUTE_MS = 60_000


async def folds(events: list[dict[str, Any]]) -> dict[int, IngestionFold]:
    home = await house(fields=CLIPPED)
    fold = home.fold()
    await home.outputs(fold, [record(event, offset) for offset, event in enumerate(events)])
    return {0: fold, 1: home.fold(1)}


async def test_every_event_is_told_by_its_end_its_rule_and_its_field() -> None:
    events = [flight(flight_id="a", fare=700.0), flight(flight_id="a", fare=700.0), flight(flight_id="b", origin="SFO"), flight(gate=1)]
    told = quality_of(flights(fields=CLIPPED), await folds(events), NOON_MS)
    assert told["counts"] == {
        "sent": 4, "validated": 2, "duplicates": 1, "rejected": 1, "late": 0, "extra_fields": 1, "ticks": 0, "commands": 0, "echoes": 0,
    }  # fmt: skip
    assert told["rejected"] == {"not_in_enum": 1}
    assert told["fields"] == [
        {"field": "fare", "rule": "out_of_range", "refused": 0, "nulled": 0, "clipped": 1, "warned": 0},
        {"field": "origin", "rule": "not_in_enum", "refused": 1, "nulled": 0, "clipped": 0, "warned": 0},
    ]


@pytest.mark.parametrize(
    ("expect", "later_ms", "is_stale", "is_slow"),
    [
        (Expect(), 0, None, None),
        (Expect(every_ms=10_000), 10_000, False, None),
        (Expect(every_ms=10_000), 10_001, True, None),
        (Expect(rate="2/m"), MINUTE_MS, None, False),
        (Expect(rate="3/m"), MINUTE_MS, None, True),
        (Expect(rate="2/m"), 2 * MINUTE_MS, None, True),
    ],
)
async def test_freshness_and_rate_are_compared_with_what_is_expected(
    expect: Expect, later_ms: int, is_stale: bool | None, is_slow: bool | None
) -> None:
    told = quality_of(flights(expect=expect), await folds([flight(flight_id="a"), flight(flight_id="b")]), NOON_MS + later_ms)
    assert (told["is_stale"], told["is_slow"]) == (is_stale, is_slow)


async def test_a_stream_without_events_is_stale() -> None:
    told = quality_of(flights(expect=Expect(every_ms=1)), await folds([]), NOON_MS)
    assert (told["age_s"], told["is_stale"]) == (None, True)


async def test_what_was_counted_survives_a_restart() -> None:
    before = (await folds([flight(flight_id="a", fare=700.0), flight(flight_id="b", origin="SFO")]))[0]
    after = (await house(fields=CLIPPED)).fold()
    after.restore(before.snapshot())
    now_ms = NOON_MS + MINUTE_MS
    assert quality_of(flights(), {0: after}, now_ms) == quality_of(flights(), {0: before}, now_ms)


async def test_it_is_asked_over_http_and_shown_in_words() -> None:
    living = await folds([flight(flight_id="a", fare=700.0), flight(flight_id="b", origin="SFO")])
    streams = {"flights": flights(expect=Expect(every_ms=1), fields={**CLIPPED, "seats": Field("seats", "long", True, personal=True)})}
    app = Starlette(routes=[route(lambda: streams, lambda _: living, lambda: NOON_MS + 5_000)])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://ingestion") as http:
        assert (await http.get("/streams/trains")).status_code == 404
        told = (await http.get("/streams/flights")).json()
    assert lines_of("flights", 3, told) == [
        "flights · specification 3",
        "sent 2  validated 1  rejected 1",
        "partitions 0, 1 of 3: the others are with other instances",
        "newest event 5.0 s ago (STALE), event time 2013-01-01T12:00:00+00:00; 0.0 events/s in the last minute",
        "  rejected         1  not_in_enum",
        "  fare: out_of_range: clipped 1",
        "  origin: not_in_enum: refused 1",
        "personal: seats",
        "what was rejected stands in dlq.events.flights",
    ]
    assert lines_of("flights", 3, None)[1] == "ingestion does not answer. Try: penstock status"


async def test_no_value_of_a_person_is_told_counted_or_written_on_a_dead_letter() -> None:
    secret = "jane@example.org"
    rules = Field("email", "string", length_max=5, pattern="[a-z]+", enum=("x",), personal=True, unique_ms=MINUTE_MS)
    stream = flights(id="email", key="email", fields={"email": rules, "scheduled_at": FLIGHT_FIELDS["scheduled_at"]})
    fold = (await house(id="email", key="email", fields=stream.fields)).fold()
    events: list[dict[str, Any]] = [{"email": secret}, {"email": [secret]}, {secret: 1}, {"email": f"{secret}\0"}, {"email": "x"}]
    for offset, event in enumerate(events):
        with pytest.raises(Poison) as caught:
            fold.step(record(event, offset))
        assert secret not in str(caught.value)
    assert secret not in json.dumps(quality_of(stream, {0: fold}, NOON_MS))


async def test_age_rate_and_what_is_expected_are_gauges() -> None:
    living, registry = await folds([flight(flight_id=str(number)) for number in range(120)]), CollectorRegistry()
    streams = {"flights": flights(expect=Expect(10_000, "5/s"))}
    registry.register(FreshnessGauges(lambda: streams, lambda _: living, lambda: NOON_MS + MINUTE_MS))
    labels = {"stream": "flights", "partition": "0"}
    assert registry.get_sample_value("penstock_stream_age_s", labels) == 60.0
    assert registry.get_sample_value("penstock_stream_per_s", labels) == 2.0
    assert registry.get_sample_value("penstock_stream_per_s", labels | {"partition": "1"}) == 0.0
    assert registry.get_sample_value("penstock_stream_expected_every_s", {"stream": "flights"}) == 10.0
    assert registry.get_sample_value("penstock_stream_expected_per_s", {"stream": "flights"}) == 5.0
