"""The view of the flights example, as declared."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from penstock.fold.protocol import LogRecord
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec import load
from penstock.spec.avro import stream_schema
from penstock_feature_store.fold import ViewFold
from penstock_feature_store.plan import make_plan

SPEC = Path(__file__).parents[3] / "examples" / "flights" / "penstock.yaml"
HOUR_MS = 3_600_000
NOON_MS = 1_357_059_600_000  # 2013-01-01 12:00 in New York


def events() -> Iterator[tuple[str, int, dict[str, Any]]]:
    landed = {"flight_id": "one", "carrier": "UA", "tailnum": "N1", "landed_at": 0}
    yield "weather", NOON_MS - 7 * HOUR_MS, {"origin": "JFK", "wind_speed": 30.0}
    yield "weather", NOON_MS - HOUR_MS, {"origin": "EWR", "wind_speed": 20.0}
    yield "arrivals", NOON_MS - 2 * HOUR_MS, {**landed, "origin": "EWR", "arr_delay": 40.0}
    yield "arrivals", NOON_MS - HOUR_MS, {**landed, "origin": "EWR", "arr_delay": 0.0, "tailnum": None}
    yield "arrivals", NOON_MS - HOUR_MS, {**landed, "origin": "JFK", "arr_delay": 50.0, "tailnum": "N2"}
    yield "flights", NOON_MS, {"flight_id": "two", "origin": "EWR", "carrier": "UA", "dest": "LAX", "tailnum": "N1", "distance": 2_454.0}
    yield "flights", NOON_MS, {"flight_id": "three", "origin": "JFK", "carrier": "AA", "dest": "LAX", "tailnum": None, "distance": 2_475.0}


async def vectors() -> list[dict[str, Any]]:
    spec, wire = load(SPEC.read_text()), Wire(MemorySchemaRegistry())
    plan = await make_plan("flights-basic", spec, wire, lambda family, name: f"{family}.{name}")
    fold, outputs = ViewFold(plan, wire), []
    for offset, (name, time_ms, given) in enumerate(events()):
        stream = spec.streams[name]
        origin = {"topic": f"events.{name}", "generation": 0, "partition": 0, "offset": offset, "index": 0}
        envelope = {"event_time_ms": time_ms, "_origin": origin, "event_id": "x"}
        fields: dict[str, Any] = dict.fromkeys(stream.fields) | given | {str(stream.time): time_ms} | envelope
        write = await wire.writer(f"validated.{name}", stream_schema(stream))
        outputs += list(fold.step(LogRecord(f"validated.{name}", 0, offset, 0, given["origin"].encode(), write(fields))))
    read = [wire.read(output.value) for output in outputs if hasattr(output, "value")]
    return [value["features"] for name, value in read if name == "FeatureVector"]


def test_the_features_of_the_flights_are_those_known_at_departure() -> None:
    first, second = asyncio.run(vectors())
    assert {name: first[name] for name in ("hour", "weekday", "wind", "delay_3h", "late_3h", "carrier_3h", "previous_delay")} == {
        "hour": 12, "weekday": 1, "wind": 20.0, "delay_3h": 20.0, "late_3h": 0.5, "carrier_3h": 30.0, "previous_delay": 40.0,
    }  # fmt: skip
    assert (second["wind"], second["carrier_3h"], second["previous_delay"], second["late_3h"]) == (10.0, 0.0, 0.0, 1.0)
