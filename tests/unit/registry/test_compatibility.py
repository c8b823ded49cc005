import json
from typing import Any

import pytest

from penstock.records import platform_schema, with_features
from penstock_registry.compatibility import LEVELS, InvalidSchema, Level, canonical, default_level, problems

NULLABLE_DOUBLE = {"name": "wind", "type": ["null", "double"], "default": None}


def record(*fields: dict[str, Any]) -> str:
    return json.dumps({"type": "record", "name": "Flights", "namespace": "penstock.streams", "fields": list(fields)})


def field(name: str, type: Any = "double", **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, **more}


def feature(name: str, type: str) -> dict[str, Any]:
    return {"name": name, "type": ["null", type], "default": None}


@pytest.mark.parametrize(
    ("subject", "level"),
    [
        ("validated.flights-penstock.streams.Flights", "BACKWARD_TRANSITIVE"),
        ("events.flights-value", "BACKWARD_TRANSITIVE"),
        ("learning.flights-late-penstock.Label", "FULL_TRANSITIVE"),
        ("registry-penstock.RegistryEntry", "FULL_TRANSITIVE"),
        ("validated.flights-penstock.Tick", "FULL_TRANSITIVE"),
        ("features.flights-late-penstock.FeatureVector", "BACKWARD"),
        ("predictions.flights-late-penstock.Prediction", "BACKWARD"),
        ("orders-value", "BACKWARD"),
    ],
)
def test_the_default_level_follows_from_topic_and_record(subject: str, level: Level) -> None:
    assert default_level(subject) == level
    assert default_level(f"team-a.{subject}", "team-a.") == level


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("contains itself", '{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}'),
        ("contains itself", '{"type":"record","name":"a.Node","fields":[{"name":"next","type":{"type":"array","items":"a.Node"}}]}'),
        (
            "contains itself",
            '{"type":"record","name":"Node","namespace":"a","fields":[{"name":"next","type":{"type":"map","values":"Node"}}]}',
        ),
        ("take no bytes", '{"type":"array","items":"null"}'),
        ("take no bytes", '{"type":"array","items":{"type":"record","name":"Empty","fields":[]}}'),
        ("take no bytes", '{"type":"record","name":"R","fields":[{"name":"x","type":{"type":"array","items":{"type":"null"}}}]}'),
        ("not an Avro schema", '{"type":"record","name":"R"}'),
        ("not an Avro schema", '"doubel"'),
        ("not an Avro schema", "{"),
        ("nested deeper", json.dumps("null")),
    ],
)
def test_a_malformed_or_unsafe_schema_is_refused_with_the_reason(name: str, schema: str) -> None:
    if name == "nested deeper":
        for _ in range(40):
            schema = '{"type":"array","items":' + schema.replace("null", "int") + "}"
    with pytest.raises(InvalidSchema, match=name):
        canonical(schema)


def test_a_record_used_twice_is_not_recursive() -> None:
    point = {"type": "record", "name": "Point", "fields": [field("x")]}
    assert canonical(record(field("a", point), field("b", "Point")))


def test_the_same_schema_is_one_text_however_it_is_written() -> None:
    assert canonical('{"type": "record", "name": "R", "fields": []}') == canonical('{"fields":[],"name":"R","type":"record"}')


def test_the_order_of_fields_makes_another_schema() -> None:
    assert canonical(record(field("a"), field("b"))) != canonical(record(field("b"), field("a")))


def test_backward_lets_a_stream_gain_a_nullable_field_and_lose_any() -> None:
    before = record(field("distance"))
    assert problems(record(field("distance"), NULLABLE_DOUBLE), [before], "BACKWARD_TRANSITIVE") == []
    assert problems(record(NULLABLE_DOUBLE), [before], "BACKWARD_TRANSITIVE") == []


def test_backward_refuses_a_new_field_without_a_default_and_says_which() -> None:
    (reason,) = problems(record(field("distance"), field("wind")), [record(field("distance"))], "BACKWARD")
    assert "cannot read what was written before" in reason
    assert "wind" in reason


def test_transitive_looks_at_every_version_and_not_at_the_last_alone() -> None:
    earlier = [record(field("x", "string")), record(NULLABLE_DOUBLE)]
    new = record(NULLABLE_DOUBLE, field("x", "long", default=0))
    assert problems(new, earlier, "BACKWARD") == []
    assert problems(new, earlier, "BACKWARD_TRANSITIVE")


def test_forward_is_backward_seen_from_the_other_side() -> None:
    short, long = record(field("a")), record(field("a"), field("b"))
    assert problems(long, [short], "FORWARD") == []
    assert problems(short, [long], "FORWARD")
    assert problems(long, [short], "FULL")


def test_none_takes_anything() -> None:
    assert problems('"int"', ['"string"'], "NONE") == []


@pytest.mark.parametrize("name", ["FeatureVector", "Prediction"])
def test_a_view_may_gain_lose_and_widen_features_under_every_level(name: str) -> None:
    before = json.dumps(with_features(name, [feature("hour", "long"), feature("wind", "double")]))
    gained = json.dumps(with_features(name, [feature("hour", "long"), feature("wind", "double"), feature("late", "double")]))
    lost = json.dumps(with_features(name, [feature("hour", "long")]))
    widened = json.dumps(with_features(name, [feature("hour", "double"), feature("wind", "double")]))
    assert [problems(new, [before], level) for new in (gained, lost) for level in LEVELS] == [[]] * 2 * len(LEVELS)
    assert problems(widened, [before], default_level(f"features.m-penstock.{name}")) == []


def test_a_feature_that_becomes_another_type_is_refused_until_it_has_been_out() -> None:
    number = json.dumps(with_features("FeatureVector", [feature("hour", "double")]))
    text = json.dumps(with_features("FeatureVector", [feature("hour", "string")]))
    without = json.dumps(with_features("FeatureVector", []))
    level = default_level("features.m-penstock.FeatureVector")
    assert problems(text, [number], level)
    assert problems(text, [number, without], level) == []


def test_every_platform_record_is_accepted_as_it_is() -> None:
    assert canonical(json.dumps(platform_schema("Outcome")))
