"""The contract: types, bounds and presence of each field; the compiled validator agrees with a slow one that is easy to read."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from penstock.fold.protocol import Poison
from penstock.spec import Field
from penstock_ingestion.contract import compile_contract
from penstock_ingestion.timestamps import TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, parse_ms
from tests.unit.ingestion.streams import NOON_MS, fields, flight, flights


def check(field: Field, value: Any) -> Any:
    return compile_contract(flights(fields=fields(field)))({field.name: value})[field.name]


def code_of(field: Field, value: Any) -> str:
    with pytest.raises(Poison) as caught:
        check(field, value)
    return caught.value.code


def test_a_valid_event_comes_out_in_declared_order_without_what_is_not_declared() -> None:
    event = compile_contract(flights())({"gate": "B3", **dict(reversed(flight().items()))})
    assert list(event.items()) == list(flight().items())


def test_absent_and_null_are_the_same() -> None:
    x = Field("x", "long")
    assert code_of(x, None) == "missing_field"
    with pytest.raises(Poison, match="missing_field"):
        compile_contract(flights(fields=fields(x)))({})
    assert compile_contract(flights(fields=fields(Field("x", "long", nullable=True))))({}) == {"x": None}


@pytest.mark.parametrize(
    ("type", "value", "kept"),
    [
        ("double", 3, 3.0),
        ("double", -0.0, -0.0),
        ("long", 1.0, 1),
        ("long", 2**63 - 1, 2**63 - 1),
        ("boolean", False, False),
        ("string", "Zürich ✈", "Zürich ✈"),
        ("timestamp", "2013-01-01T07:00:00.000-05:00", NOON_MS),
        ("timestamp", NOON_MS, NOON_MS),
        ("timestamp", float(NOON_MS), NOON_MS),
        ("timestamp", datetime(2013, 1, 1, 12, tzinfo=UTC), NOON_MS),
        ("timestamp", "1969-12-31T23:59:59.999Z", -1),
    ],
)
def test_what_fits_is_kept_in_one_canonical_type(type: str, value: Any, kept: Any) -> None:
    got = check(Field("x", type), value)
    assert (got, got.__class__) == (kept, kept.__class__)


@pytest.mark.parametrize(
    ("type", "value"),
    [
        ("double", True),
        ("double", "1"),
        ("double", [1]),
        ("long", True),
        ("long", 1.5),
        ("long", "1"),
        ("boolean", 1),
        ("boolean", "true"),
        ("string", 1),
        ("string", b"bytes"),
        ("timestamp", True),
        ("timestamp", "2013-01-01"),
        ("timestamp", "2013-01-01T12:00:00"),
        ("timestamp", "2013-02-30T12:00:00Z"),
        ("timestamp", "2016-12-31T23:59:60Z"),
        ("timestamp", "٢٠١٣-01-01T12:00:00Z"),
        ("timestamp", datetime(2013, 1, 1)),
        ("timestamp", {"ms": 1}),
    ],
)
def test_what_does_not_fit_is_of_the_wrong_type(type: str, value: Any) -> None:
    assert code_of(Field("x", type), value) == "wrong_type"


@pytest.mark.parametrize(
    ("type", "value", "code"),
    [
        ("double", math.nan, "not_finite"),
        ("double", math.inf, "not_finite"),
        ("long", math.inf, "wrong_type"),
        ("double", 10**400, "out_of_range"),
        ("long", 2**63, "out_of_range"),
        ("long", 1e300, "out_of_range"),
        ("timestamp", TIMESTAMP_MS_MAX + 1, "out_of_range"),
        ("timestamp", TIMESTAMP_MS_MIN - 1, "out_of_range"),
        ("string", "a\0b", "not_text"),
        ("string", "\ud800", "not_text"),
    ],
)
def test_what_no_service_behind_could_hold_is_refused(type: str, value: Any, code: str) -> None:
    assert code_of(Field("x", type), value) == code


def test_ranges_are_inclusive_and_open_where_null() -> None:
    x = Field("x", "double", minimum=0, maximum=150)
    assert [check(x, 0), check(x, 150)] == [0.0, 150.0]
    assert code_of(x, 1048.36) == "out_of_range"
    assert code_of(x, -0.001) == "out_of_range"
    assert check(Field("x", "long", minimum=5), 2**62) == 2**62


def test_an_enum_lists_every_text() -> None:
    x = Field("x", "string", enum=("EWR", "JFK"), nullable=True)
    assert [check(x, "EWR"), check(x, None)] == ["EWR", None]
    assert code_of(x, "ewr") == "not_in_enum"


def test_reasons_name_field_and_rule_but_never_the_value() -> None:
    rules = [Field("x", "double", minimum=0, maximum=1), Field("x", "string", enum=("a",)), Field("x", "timestamp"), Field("x", "long")]
    for field, value in zip(rules, [4242.5, "4242", "4242", 4242.5], strict=True):
        with pytest.raises(Poison) as caught:
            check(field, value)
        assert caught.value.reason.startswith("x ")
        assert "4242" not in str(caught.value)


# --- the oracle: slow, and one rule a line -------------------------------------------------------------------------------------------


class Broken(Exception):
    """The code of a rule that is broken."""


def require(rule: bool, code: str) -> None:
    if not rule:
        raise Broken(code)


def oracle(declared: Mapping[str, Field], sent: Mapping[str, Any]) -> dict[str, Any] | str:
    """What the contract keeps, or the code of the first rule that is broken."""
    try:
        return {name: oracle_field(field, sent.get(name)) for name, field in declared.items()}
    except Broken as broken:
        return str(broken)


def oracle_field(field: Field, value: Any) -> Any:
    if value is None:
        require(field.nullable, "missing_field")
        return None
    kept: Any = {"string": text, "boolean": boolean, "double": double, "long": long, "timestamp": timestamp}[field.type](value)
    require(field.enum is None or kept in field.enum, "not_in_enum")
    require(field.minimum is None or kept >= field.minimum, "out_of_range")
    require(field.maximum is None or kept <= field.maximum, "out_of_range")
    return kept


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def text(value: Any) -> str:
    require(isinstance(value, str), "wrong_type")
    require(all(character != "\0" and not "\ud800" <= character <= "\udfff" for character in value), "not_text")
    return str(value)


def boolean(value: Any) -> bool:
    require(isinstance(value, bool), "wrong_type")
    return bool(value)


def double(value: Any) -> float:
    require(is_number(value), "wrong_type")
    require(math.isfinite(value), "not_finite")
    return float(value)


def long(value: Any) -> int:
    return integer(value, -(2**63), 2**63 - 1)


def timestamp(value: Any) -> int:
    if isinstance(value, str):
        try:
            return parse_ms(value)
        except ValueError:
            raise Broken("wrong_type") from None
    return integer(value, TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX)


def integer(value: Any, low: int, high: int) -> int:
    require(is_number(value) and math.isfinite(value) and value == int(value), "wrong_type")
    require(low <= value <= high, "out_of_range")
    return int(value)


NAMES = ("a", "b", "c", "d", "e")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-5, 5),
    st.floats(),
    st.sampled_from([1.0, -2.0, "x", "y", "2013-01-01T12:00:00Z", "2013-01-01", "\ud800", "\0"]),
    st.text("xyé✈\0\udfff", max_size=3),
    st.lists(st.integers(), max_size=2),
)


@st.composite
def declared_fields(draw: st.DrawFn) -> dict[str, Field]:
    types = draw(st.lists(st.sampled_from(["string", "double", "long", "boolean", "timestamp"]), min_size=1, max_size=5))
    declared = []
    for name, type in zip(NAMES, types, strict=False):
        enum = ("x", "y") if type == "string" and draw(st.booleans()) else None
        minimum, maximum = (-3.0, 4.0) if type in ("double", "long") and draw(st.booleans()) else (None, None)
        declared.append(Field(name, type, draw(st.booleans()), enum, minimum, maximum))
    return fields(*declared)


@settings(deadline=None)
@given(declared=declared_fields(), sent=st.dictionaries(st.sampled_from([*NAMES, "f"]), VALUES))
def test_the_compiled_contract_agrees_with_the_oracle(declared: dict[str, Field], sent: dict[str, Any]) -> None:
    expected = oracle(declared, sent)
    try:
        got: dict[str, Any] | str = compile_contract(flights(fields=declared))(sent)
    except Poison as poison:
        got = poison.code
    assert got == expected
    if isinstance(got, dict) and isinstance(expected, dict):
        assert [type(value) for value in got.values()] == [type(value) for value in expected.values()]
