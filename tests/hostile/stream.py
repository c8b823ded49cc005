"""The stream that hostile input comes to: every type of field, and a rule of every kind."""

import json
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from penstock.spec import Stream, load

SPECIFICATION = """
streams:
  {name}:
    key: place
    id: sighting_id
    time: seen_at
    max_jump: 7d
    dedup_window: 3650d
    fields:
      sighting_id: string
      place:   string
      seen_at: timestamp
      size:    {{type: double, range: [0, 100]}}
      weight:  {{type: double, range: [0, 10], nullable: true, on: {{out_of_range: clip, not_finite: "null"}}}}
      count:   {{type: long, nullable: true, range: [0, 1000]}}
      wild:    {{type: boolean, default: false}}
      kind:    {{type: string, enum: [bird, fish, fox], on: {{not_in_enum: warn}}}}
      note:    {{type: string, nullable: true, length: [0, 2000]}}
"""
START = datetime(2013, 7, 1, tzinfo=UTC)


def specification(name: str) -> str:
    """The specification of such a stream."""
    return SPECIFICATION.format(name=name)


def stream(name: str) -> Stream:
    """The stream as ingestion knows it."""
    return load(specification(name), "hostile.yaml").streams[name]


def sighting(number: int, chance: Random) -> dict[str, Any]:
    """A good event, one a second; times in ms, as Avro has them."""
    return {
        "sighting_id": f"s{number}",
        "place": f"place {chance.randrange(20)}",
        "seen_at": int((START + timedelta(seconds=number)).timestamp() * 1_000),
        "size": round(chance.uniform(0, 100), 3),
        "weight": chance.choice([None, round(chance.uniform(0, 10), 3)]),
        "count": chance.choice([None, chance.randrange(1_000)]),
        "wild": chance.random() < 0.5,
        "kind": chance.choice(["bird", "fish", "fox"]),
        "note": chance.choice([None, "é ✈", "seen from the road"]),
    }


def as_json(event: Any) -> bytes:
    """JSON as a producer writes it."""
    return json.dumps(event, ensure_ascii=False).encode()
