"""Schemas made from a specification: what stands first, what may be null, and that fastavro takes them."""

import json
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from hypothesis import given

from penstock.records import with_features
from penstock.spec import load
from penstock.spec.avro import EVENT_ID, EVENT_TIME_MS, ORIGIN, feature_fields, producer_schema, stream_schema
from penstock.spec.specification import from_json
from tests.unit.spec.strategies import documents
from tests.unit.spec.test_load import TEXT


def test_event_time_stands_first_then_origin_and_id_then_the_streams_own_fields() -> None:
    schema = stream_schema(load(TEXT).streams["flights"])
    names = [field["name"] for field in schema["fields"]]
    assert (schema["namespace"], schema["name"]) == ("penstock.streams", "Flights")
    assert names[:3] == [EVENT_TIME_MS, ORIGIN, EVENT_ID]
    assert "origin" in names[3:]  # the airport, and the platform's origin beside it
    assert next(field["type"] for field in schema["fields"] if field["name"] == "tailnum") == ["null", "string"]


def test_a_producers_record_has_no_envelope() -> None:
    names = [field["name"] for field in producer_schema(load(TEXT).streams["weather"])["fields"]]
    assert names == ["observed_at", "origin", "precipitation", "visibility", "wind_speed"]


def test_a_timestamp_stays_a_number() -> None:
    schema = parse_schema(producer_schema(load(TEXT).streams["weather"]))
    buffer = BytesIO()
    schemaless_writer(buffer, schema, {"origin": "JFK", "observed_at": 1_357_016_400_000})
    buffer.seek(0)
    record: Any = schemaless_reader(buffer, schema, None)
    assert record["observed_at"] == 1_357_016_400_000
    assert record["wind_speed"] is None


def test_features_are_nullable_and_in_the_order_of_the_view() -> None:
    spec = load(TEXT)
    view = spec.views["flights-basic"]
    fields = feature_fields(view, spec)
    assert tuple(field["name"] for field in fields) == view.features
    assert all(field["type"][0] == "null" and field["default"] is None for field in fields)
    types = {field["name"]: field["type"][1] for field in fields}
    assert (types["hour"], types["distance"], types["carrier"], types["late_3h"]) == ("long", "double", "string", "double")


@given(documents())
def test_fastavro_takes_every_schema(document: dict[str, Any]) -> None:
    spec = from_json(json.dumps(document))
    for stream in spec.streams.values():
        parse_schema(stream_schema(stream))
        parse_schema(producer_schema(stream))
    for view in spec.views.values():
        parse_schema(with_features("FeatureVector", feature_fields(view, spec)))
