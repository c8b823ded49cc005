import json
from typing import Any

import pytest

from penstock.records import platform_schema, with_features
from penstock_registry.compatibility import FIELDS_MAX, LEVELS, InvalidSchema, Level, canonical, check_new, default_level, problems

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


RECURSIVE = '{"type":"record","name":"Node","fields":[{"name":"next","type":["null","Node"]}]}'


@pytest.mark.parametrize(
    "schema", ['{"type":"record","name":"R"}', '"doubel"', "{", "[" * 100_000, '{"type":"record","name":"R","fields":[{"name":"x"}]}']
)
def test_a_malformed_schema_is_refused(schema: str) -> None:
    with pytest.raises(InvalidSchema, match="not an Avro schema"):
        canonical(schema)


@pytest.mark.parametrize("subject", ["events.s-value", "validated.s-a.R", "learning.m-penstock.Label", "registry-x", "dlq.events.s-value"])
def test_what_could_crash_a_decoder_is_refused_for_the_topics_of_the_platform_and_for_no_others(subject: str) -> None:
    for name in (subject, f"team.{subject}"):
        with pytest.raises(InvalidSchema, match=f"{name}: Node contains itself"):
            check_new(name, RECURSIVE, name.removesuffix(subject))
    check_new("comments-value", RECURSIVE)
    check_new(f"other.{subject}", RECURSIVE, "team.")


@pytest.mark.parametrize(
    ("type", "right", "wrong"),
    [
        ("null", None, 0),
        ("boolean", True, 1),
        ("int", -(2**31), 2**31),
        ("long", 2**63 - 1, 2**63),
        ("double", 1, "1"),
        ("bytes", "\u00ff", "\u0100"),
        ("string", "", None),
        (["null", "int"], None, "x"),
        (["null", "int"], 7, True),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, "A", "B"),
        ({"type": "fixed", "name": "F", "size": 2}, "ab", "abc"),
        ({"type": "array", "items": "int"}, [1], ["x"]),
        ({"type": "map", "values": "int"}, {"x": 1}, {"x": "x"}),
        ({"type": "long", "logicalType": "timestamp-millis"}, 0, "today"),
        ({"type": "record", "name": "P", "fields": [field("x"), field("y", default=0)]}, {"x": 1}, {"y": 1}),
    ],
)
def test_a_default_that_is_not_of_its_type_is_refused_by_name(type: Any, right: Any, wrong: Any) -> None:
    check_new("orders-value", record(field("a", type, default=right)))
    with pytest.raises(InvalidSchema, match=r"default is not of the field's type: penstock\.streams\.Flights\.a"):
        check_new("orders-value", record(field("a", type, default=wrong)))


def test_a_default_of_a_type_that_is_used_by_its_name_is_looked_at() -> None:
    kind = {"type": "enum", "name": "E", "symbols": ["A"]}
    with pytest.raises(InvalidSchema, match=r"Flights\.b"):
        check_new("orders-value", record(field("a", kind, default="A"), field("b", "E", default="B")))


def test_a_default_that_could_be_tried_in_endless_ways_is_tried_once_each() -> None:
    """Each level may be a record, or a map of such records one level further down: 1.6 to the power of 60 ways."""
    node = {"type": "record", "name": "A", "fields": [field("next", ["A", {"type": "map", "values": "A"}, "string"])]}
    default: Any = 7
    for _ in range(60):
        default = {"next": default}
    with pytest.raises(InvalidSchema, match=r"Flights\.b"):
        check_new("orders-value", record(field("a", node), field("b", "A", default=default)))


def test_a_schema_with_more_fields_than_can_be_compared_in_seconds_is_refused() -> None:
    check_new("orders-value", record(*(field(f"f{number}") for number in range(FIELDS_MAX))))
    with pytest.raises(InvalidSchema, match="more than 1,000 fields"):
        check_new("orders-value", record(*(field(f"f{number}") for number in range(FIELDS_MAX + 1))))


def test_an_alias_without_a_namespace_is_in_that_of_its_type() -> None:
    before = '{"type":"record","name":"a.Old","fields":[]}'
    after = '{"type":"record","name":"a.New","aliases":["Old"],"fields":[]}'
    assert problems(after, [before], "BACKWARD") == []


def test_a_record_used_twice_is_not_recursive() -> None:
    point = {"type": "record", "name": "Point", "fields": [field("x")]}
    check_new("events.s-value", record(field("a", point), field("b", "Point")))


def test_the_same_schema_is_one_text_however_it_is_written() -> None:
    assert canonical('{"type": "record", "name": "R", "fields": []}') == canonical('{"fields":[],"name":"R","type":"record"}')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"type": "string"}', '"string"'),
        ('{"type": "array", "items": {"type": "int"}}', '{"type": "array", "items": "int"}'),
        (
            '{"type":"record","namespace":"a","name":"R","fields":[{"name":"f","type":{"type":"fixed","name":"F","size":2}},{"name":"g","type":"F"}]}',
            '{"type":"record","name":"a.R","fields":[{"name":"f","type":{"type":"fixed","name":"a.F","size":2}},{"name":"g","type":"a.F"}]}',
        ),
        (record(field("a", order="ascending")), record(field("a"))),
    ],
)
def test_the_same_schema_is_one_text_however_it_is_spelled(one: str, other: str) -> None:
    assert canonical(one) == canonical(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (record(field("a", doc="km")), record(field("a", doc="miles"))),
        (record(field("a", default=1)), record(field("a", default=2))),
        ('{"type": "long", "logicalType": "timestamp-millis"}', '"long"'),
        ('{"type":"fixed","name":"a.F","size":2}', '{"type":"fixed","name":"b.F","size":2}'),
    ],
)
def test_what_says_something_else_is_another_schema(one: str, other: str) -> None:
    assert canonical(one) != canonical(other)


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
    text = json.dumps(platform_schema("Outcome"))
    check_new("outcomes.m-penstock.Outcome", text)
    assert canonical(text)
