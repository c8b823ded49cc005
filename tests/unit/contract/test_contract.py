"""The contract: types, bounds and presence of each field; the compiled validator agrees with a slow one that is easy to read."""

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from penstock.contract.contract import compile_checks, compile_contract
from penstock.contract.timestamps import TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN
from penstock.fold.protocol import Poison
from penstock.spec import Field
from penstock.spec.field import RULES
from tests.unit.contract.oracle import oracle
from tests.unit.ingestion.streams import NOON_MS, fields, flight, flights


def check(field: Field, value: Any) -> Any:
    return compile_contract(flights(fields=fields(field)))({field.name: value})[0][field.name]


def code_of(field: Field, value: Any) -> str:
    with pytest.raises(Poison) as caught:
        check(field, value)
    return caught.value.code


def test_a_valid_event_comes_out_in_declared_order_without_what_is_not_declared() -> None:
    event, notes = compile_contract(flights())({"gate": "B3", **dict(reversed(flight().items()))})
    assert notes == ()
    assert list(event.items()) == list(flight().items())


def test_absent_and_null_are_the_same() -> None:
    x = Field("x", "long")
    assert code_of(x, None) == "missing_field"
    with pytest.raises(Poison, match="missing_field"):
        compile_contract(flights(fields=fields(x)))({})
    assert compile_contract(flights(fields=fields(Field("x", "long", nullable=True))))({}) == ({"x": None}, ())


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


# --- policies ------------------------------------------------------------------------------------------------------------------------


def judged(field: Field, value: Any) -> tuple[Any, tuple[str, ...]]:
    kept, notes = compile_contract(flights(fields=fields(field)))({field.name: value})
    return kept[field.name], notes


@pytest.mark.parametrize(
    ("field", "value", "kept", "notes"),
    [
        (Field("x", "double", minimum=0, maximum=9, on={"out_of_range": "clip"}), 10.5, 9.0, ("clipped.x.out_of_range",)),
        (Field("x", "double", minimum=0, maximum=9, on={"out_of_range": "clip"}), -(10**400), 0.0, ("clipped.x.out_of_range",)),
        (Field("x", "double", minimum=0, on={"out_of_range": "warn"}), -1, -1.0, ("warned.x.out_of_range",)),
        (Field("x", "double", True, minimum=0, on={"out_of_range": "null"}), -1.5, None, ("nulled.x.out_of_range",)),
        (Field("x", "long", minimum=0.5, maximum=9.5, on={"out_of_range": "clip"}), 10, 9, ("clipped.x.out_of_range",)),
        (Field("x", "long", minimum=0.5, maximum=9.5, on={"out_of_range": "clip"}), 0, 1, ("clipped.x.out_of_range",)),
        (Field("x", "double"), -0.0, 0.0, ("clipped.x.negative_zero",)),
        (Field("x", "double", on={"negative_zero": "warn"}), -0.0, -0.0, ("warned.x.negative_zero",)),
        (Field("x", "double", True, on={"not_finite": "null"}), math.nan, None, ("nulled.x.not_finite",)),
        (Field("x", "double", True, on={"wrong_type": "null"}), "far", None, ("nulled.x.wrong_type",)),
        (Field("x", "string", True, on={"not_text": "null"}), "\ud800", None, ("nulled.x.not_text",)),
        (Field("x", "string", length_max=3, on={"wrong_length": "clip"}), "abcd", "abc", ("clipped.x.wrong_length",)),
        (Field("x", "string", enum=("a",), on={"not_in_enum": "warn"}), "b", "b", ("warned.x.not_in_enum",)),
        (Field("x", "string", length_max=9, pattern="[a-z]+", on={"wrong_pattern": "warn"}), "B", "B", ("warned.x.wrong_pattern",)),
        (Field("x", "long", default=7), None, 7, ()),
    ],
)
def test_a_policy_says_what_becomes_of_a_value_that_breaks_a_rule(field: Field, value: Any, kept: Any, notes: tuple[str, ...]) -> None:
    got, told = judged(field, value)
    assert (repr(got), told) == (repr(kept), notes)


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        (Field("x", "double", on={"negative_zero": "reject"}), -0.0, "negative_zero"),
        (Field("x", "string", length_min=2, length_max=3, on={"wrong_length": "clip"}), "a", "wrong_length"),
        (Field("x", "string", length_max=2, pattern="[a-z]+", on={"wrong_length": "clip"}), "aBc", "wrong_pattern"),
        (Field("x", "string", length_max=2, pattern="[a-z]+", on={"wrong_length": "warn"}), "aBc", "wrong_pattern"),
        (Field("x", "long", maximum=9, on={"out_of_range": "warn"}), 2**63, "out_of_range"),
        (Field("x", "double", maximum=9, on={"out_of_range": "warn"}), 10**400, "out_of_range"),
        (Field("x", "double", maximum=9, on={"out_of_range": "clip"}), math.inf, "not_finite"),
        (Field("x", "long", minimum=0.2, maximum=0.8, on={"out_of_range": "clip"}), 5, "out_of_range"),
    ],
)
def test_what_no_policy_can_mend_is_refused(field: Field, value: Any, code: str) -> None:
    assert code_of(field, value) == code


def test_a_pattern_is_matched_by_the_whole_text_and_its_length_comes_first() -> None:
    x = Field("x", "string", length_max=6, pattern="[A-Z]{2}[0-9]+")
    assert check(x, "AA17") == "AA17"
    assert [code_of(x, value) for value in ("AA17 ", "xAA17", "AA17\n", "AA17777")] == [*["wrong_pattern"] * 3, "wrong_length"]
    assert code_of(Field("x", "string", pattern="[A-Z]+"), "a") == "wrong_pattern"


def test_extra_fields_are_refused_where_the_stream_says_so() -> None:
    with pytest.raises(Poison, match="extra_fields"):
        compile_contract(flights(extra_fields="reject"))(flight(gate="B3"))
    assert compile_contract(flights(extra_fields="reject"))(flight())[0] == flight()


def test_the_door_judges_as_the_contract_does() -> None:
    x = Field("x", "long", maximum=9, on={"out_of_range": "clip"})
    ((name, judge),) = compile_checks(flights(fields=fields(x)))
    assert (name, judge(10)) == ("x", 9)


SECRET = "jane@example.org 4242"


@pytest.mark.parametrize("policy", ["reject", "null", "clip", "warn"])
@pytest.mark.parametrize(
    "value", [SECRET, f"{SECRET}\ud800", f"{SECRET}\0", 4242.5, -4242, 4242 * 10**400, [SECRET], {SECRET: SECRET}, math.nan]
)
@pytest.mark.parametrize("type", ["string", "double", "long", "boolean", "timestamp"])
def test_no_rule_tells_a_personal_value(type: str, value: Any, policy: str) -> None:
    on = {rule: policy for rule, (types, _, policies) in RULES.items() if type in types and policy in policies and rule != "not_unique"}
    bounds: dict[str, Any] = {"minimum": 0, "maximum": 10} if type in ("double", "long") else {}
    bounds |= {"enum": ("a",), "length_max": 3, "pattern": "[a-z]+"} if type == "string" else {}
    told: tuple[str, ...]
    try:
        told = judged(Field("x", type, nullable=True, personal=True, on=on, **bounds), value)[1]
    except Poison as poison:
        told = (str(poison), repr(poison.__cause__), repr(None if poison.__suppress_context__ else poison.__context__))
    assert not any(secret in text for text in told for secret in ("jane", "4242"))


# --- the oracle ------------------------------------------------------------------------------------------------------------------------

NAMES = ("a", "b", "c", "d", "e")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-5, 5),
    st.floats(),
    st.sampled_from([1.0, -2.0, 0.0, -0.0, 10**400, -(10**400), 2**63, "x", "y", "2013-01-01T12:00:00Z", "2013-01-01", "\ud800", "\0"]),
    st.text("xyé✈\0\udfff", max_size=5),
    st.lists(st.integers(), max_size=2),
)


@st.composite
def declared_fields(draw: st.DrawFn) -> dict[str, Field]:
    types = draw(st.lists(st.sampled_from(["string", "double", "long", "boolean", "timestamp"]), min_size=1, max_size=5))
    return fields(*(draw(declared_field(name, type)) for name, type in zip(NAMES, types, strict=False)))


@st.composite
def declared_field(draw: st.DrawFn, name: str, type: str) -> Field:
    nullable = draw(st.booleans())
    bounds: dict[str, Any] = {}
    if type in ("double", "long") and draw(st.booleans()):
        bounds = {"minimum": draw(st.sampled_from([None, -3.0, -0.5])), "maximum": draw(st.sampled_from([None, 4.0, 2.5]))}
    if type == "string":
        bounds = {"enum": draw(st.sampled_from([None, ("x", "y", "xy")])), "length_min": draw(st.sampled_from([0, 2]))}
        bounds |= {"length_max": draw(st.sampled_from([None, 2, 3])), "pattern": draw(st.sampled_from([None, "x[xyé]*", ".?y"]))}
    rules = {rule: policies for rule, (types, _, policies) in RULES.items() if type in types and rule != "not_unique"}
    on = {rule: draw(st.sampled_from([each for each in policies if nullable or each != "null"])) for rule, policies in rules.items()}
    default: Any = {"string": "xy", "double": 1.0, "long": 1, "boolean": True}.get(type) if not nullable and draw(st.booleans()) else None
    return Field(name, type, nullable, default=default, on=on if draw(st.booleans()) else {}, **bounds)


@settings(deadline=None)
@given(declared=declared_fields(), sent=st.dictionaries(st.sampled_from([*NAMES, "f"]), VALUES))
def test_the_compiled_contract_agrees_with_the_oracle(declared: dict[str, Field], sent: dict[str, Any]) -> None:
    expected = oracle(declared, sent)
    try:
        got: tuple[dict[str, Any], tuple[str, ...]] | str = compile_contract(flights(fields=declared))(sent)
    except Poison as poison:
        got = poison.code
    assert repr(got) == repr(expected)
