"""The document says what the contract does."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, strategies as st
from jsonschema import Draft202012Validator, validate

from penstock.spec import Field
from penstock_ingestion.door import Door, Message
from penstock_ingestion.openapi import document, page, schema_of
from penstock_ingestion.requests import Sent
from tests.unit.ingestion.streams import fields, flights

EVERY = flights(
    name="every",
    key="s",
    id=None,
    time=None,
    fields=fields(
        Field("s", "string"),
        Field("e", "string", enum=("a", "b"), nullable=True),
        Field("d", "double", minimum=0.5, maximum=2),
        Field("l", "long", nullable=True, maximum=-3),
        Field("b", "boolean", nullable=True),
        Field("t", "timestamp", nullable=True),
        Field("p", "string", default="ab", length_min=2, length_max=3, pattern="[ab]+"),
        Field("c", "double", nullable=True, maximum=2, on={"out_of_range": "clip"}),
        Field("w", "long", nullable=True, on={"wrong_type": "null"}),
    ),
)
ODD = st.none() | st.booleans() | st.integers(-5, 3) | st.sampled_from(["", "c", 0.25, 1e300])
GOOD = {
    "s": st.just("x"),
    "e": st.sampled_from(["a", "b", None]),
    "d": st.sampled_from([0.5, 1, 2.0]),
    "l": st.sampled_from([-3, -4.0, None]),
    "b": st.sampled_from([True, None]),
    "t": st.sampled_from(["2026-01-01T00:00:00Z", 7, None]),
    "p": st.sampled_from(["ab", "bab", None]),
    "c": st.sampled_from([1.5, 3, None]),
    "w": st.sampled_from([7, "x", None]),
}


@st.composite
def events(draw: st.DrawFn) -> dict[str, Any]:
    """A good event, but for one field at most, which may be absent too."""
    event: dict[str, Any] = {name: draw(good) for name, good in GOOD.items()}
    name = draw(st.sampled_from([*GOOD, "other"]))
    event[name] = draw(ODD)
    if draw(st.booleans()):
        del event[name]
    return event


@given(events())
def test_whatever_the_contract_takes_the_schema_takes(event: dict[str, Any]) -> None:
    if isinstance(Door(EVERY).message(0, Sent(event)), Message):
        validate(event, schema_of(EVERY))


@given(events())
def test_whatever_the_schema_takes_the_contract_takes_but_for_texts(event: dict[str, Any]) -> None:
    """A schema cannot say that the entity is not empty and that a time has its form (formats only annotate)."""
    if Draft202012Validator(schema_of(EVERY)).is_valid(event):
        found = Door(EVERY).message(0, Sent(event))
        assert isinstance(found, Message) or {problem.field for problem in found} <= {"s", "t"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("d", 0.25), ("d", 3), ("l", -2), ("e", "c"), ("b", 1), ("s", None), ("d", "1"), ("l", -3.5), ("p", "a"), ("p", "abab"), ("p", "abc")],
)
def test_what_breaks_a_rule_both_refuse(name: str, value: Any) -> None:
    good = {"s": "x", "d": 1, "t": "2026-01-01T00:00:00Z"}
    for event, taken in ((good, True), ({**good, name: value}, False)):
        assert isinstance(Door(EVERY).message(0, Sent(event)), Message) == taken
        assert Draft202012Validator(schema_of(EVERY)).is_valid(event) == taken


def test_fields_that_are_not_declared_are_refused_by_both_where_the_stream_says_so() -> None:
    event = {"s": "x", "d": 1, "other": 1}
    for stream, taken in ((EVERY, True), (replace(EVERY, extra_fields="reject"), False)):
        found = Door(stream).message(0, Sent(event))
        assert isinstance(found, Message) == taken == Draft202012Validator(schema_of(stream)).is_valid(event)
    assert isinstance(found, tuple)
    assert [(problem.field, problem.code) for problem in found] == [("other", "extra_fields")]


@pytest.mark.parametrize("stream", [EVERY, flights()])
def test_the_examples_are_taken(stream: Any) -> None:
    paths = document({stream.name: stream})["paths"]
    example = paths[f"/events/{stream.name}"]["post"]["requestBody"]["content"]["application/json"]["example"]
    assert isinstance(Door(stream).message(0, Sent(example)), Message)


def test_every_reference_leads_somewhere_and_every_stream_is_there() -> None:
    found = document({"flights": flights(), "every": EVERY})
    assert found["openapi"].startswith("3.1")
    assert {"/", "/events/flights", "/events/flights/ticks", "/events/every"} <= found["paths"].keys()
    references = set(_references(found))
    assert references == {f"#/components/schemas/{name}" for name in found["components"]["schemas"]}


def _references(value: Any) -> Any:
    if isinstance(value, dict):
        yield from [value["$ref"]] if "$ref" in value else []
        value = list(value.values())
    if isinstance(value, list):
        for each in value:
            yield from _references(each)


def test_the_page_needs_nothing_from_elsewhere_and_takes_no_name_as_it_is() -> None:
    named = fields(Field("flight_id", "string", enum=("<script>", "a")), Field("origin", "string"), Field("scheduled_at", "timestamp"))
    hostile = flights(fields=named)
    text = page({"flights": hostile}, "http://here")
    assert "<script" not in text
    assert "&lt;script&gt;" in text
    assert [part for part in ("http:", "https:", "src=", "@import") if part in text.replace("http://here", "")] == []
    assert "penstock apply" in page({}, "http://here")
