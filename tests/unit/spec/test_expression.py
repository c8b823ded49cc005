"""Expressions: an allow-list, typed, compiled, and harmless whatever is written or read."""

import math
import timeit
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from penstock.spec import SpecError
from penstock.spec.expression import compile_expression, stream_of

TYPES = {"a": "double", "b": "long", "late": "boolean", "carrier": "string", "at": "timestamp", "class": "long"}
EVERYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)

numbers: st.SearchStrategy[str] = st.deferred(
    lambda: (
        st.sampled_from(["a", "b", "1", "2.5", "-3", "0"])
        | st.tuples(numbers, st.sampled_from(["+", "-", "*", "/"]), numbers).map(lambda parts: f"({' '.join(parts)})")
        | numbers.map(lambda inner: f"(- {inner})")
    )
)
conditions: st.SearchStrategy[str] = st.deferred(
    lambda: (
        st.tuples(numbers, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), numbers).map(lambda parts: f"({' '.join(parts)})")
        | st.sampled_from(["late", "true", "false", "carrier == 'UA'", 'carrier != "x y"'])
        | st.tuples(conditions, st.sampled_from(["and", "or"]), conditions).map(lambda parts: f"({' '.join(parts)})")
        | conditions.map(lambda inner: f"(not {inner})")
    )
)


@pytest.mark.parametrize(
    ("text", "record", "expected"),
    [
        ("a > 15", {"a": 15.1}, True),
        ("a > 15", {"a": 15}, False),
        ("arrivals.a > 15", {"a": 16}, True),
        ("flight-arrivals.a-1 > 15", {"a": 17}, True),
        ("class == 1", {"class": 1}, True),
        ("carrier == 'UA' and not late", {"carrier": "UA", "late": False}, True),
        ("a + b * 2", {"a": 1.5, "b": 2}, 5.5),
        ("-(a - b) / 2", {"a": 1.0, "b": 2}, 0.5),
        ("b == 0 or a / b > 1", {"a": 1.0, "b": 0}, True),
        ("a / b", {"a": 1.0, "b": 0}, None),
        ("a * a", {"a": 1e200}, None),
        ("a > 15", {"a": None}, None),
        ("a > 15", {}, None),
        ("carrier == 'UA'", {"carrier": None}, None),
        ("late or a > 1", {"late": True, "a": None}, None),
        ("a > 15", {"a": "text"}, None),
        ("true", {}, True),
        ("late", {"late": "yes"}, None),
    ],
)
def test_an_expression_gives_its_value_or_none(text: str, record: dict[str, Any], expected: object) -> None:
    found = compile_expression(text, TYPES).evaluate(record)
    assert found == expected
    assert type(found) is type(expected)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("delay > 15", '"delay" is not a field here'),
        ("carier == 'UA'", "Try: carrier"),
        ("a = 15", "Try: =="),
        ("a > '15'", "a number cannot be compared with a string"),
        ("late > true", "> does not fit booleans"),
        ("a and late", "and needs a boolean, not a number"),
        ("carrier + 1 > 2", "+ needs a number, not a string"),
        ("1 < a < 3", "one comparison at a time"),
        ("a ** 2", "is not an expression"),
        ("a // 2", "is not an expression"),
        ("a % 2", "is not allowed"),
        ("a[0]", "is not allowed"),
        ("__import__('os')", "is not allowed"),
        ("a(1)", "Call is not allowed"),
        ("late.real", "is not a field here"),
        ("x.a > y.b", "one stream"),
        ("x.a > b", "one stream"),
        ("lambda", "is not a field here"),
        ("1e999 > a", "too large"),
        ("9223372036854775808 > b", "too large"),
        ("'\\x41' == carrier", "is not allowed"),
        ("1_000 > a", "is not allowed"),
        ("", "is not an expression"),
        ("a >", "is not an expression"),
        ("a # b", "is not allowed"),
        ("not " * 200 + "late", "nested deeper"),
        ("(" * 400 + "a" + ")" * 400, ""),
        ("a" * 1001, "longer than 1000"),
    ],
)
def test_what_is_not_on_the_list_is_refused(text: str, reason: str) -> None:
    with pytest.raises(SpecError) as refused:
        compile_expression(text, TYPES)
    assert reason in str(refused.value)


@given(numbers, st.floats(-1e6, 1e6), st.integers(-100, 100))
def test_arithmetic_agrees_with_python(text: str, a: float, b: int) -> None:
    check(text, {"a": a, "b": b, "late": True, "carrier": "UA"})


@given(conditions, st.floats(-1e6, 1e6), st.integers(-100, 100), st.booleans())
def test_conditions_agree_with_python(text: str, a: float, b: int, late: bool) -> None:
    check(text, {"a": a, "b": b, "late": late, "carrier": "UA"})


def check(text: str, record: dict[str, Any]) -> None:
    try:
        expression = compile_expression(text, TYPES)
    except SpecError as error:
        assume("nested deeper" not in str(error) and "longer than" not in str(error))
        raise
    try:
        expected = eval(text, {"__builtins__": {}, "true": True, "false": False}, record)
        expected = expected if math.isfinite(expected) else None
    except ArithmeticError:
        expected = None
    assert expression.evaluate(record) == expected


@given(
    st.text()
    | st.lists(st.sampled_from(["a", "b", "late", "(", ")", "and", "not", "-", "1", "'x'", "s.a", "==", ".", "1.", "e5", "\n"])).map(
        " ".join
    )
)
def test_compiling_raises_only_spec_errors(text: str) -> None:
    try:
        compile_expression(text, TYPES)
        stream_of(text)
    except SpecError:
        pass


@given(numbers | conditions, st.dictionaries(st.sampled_from(sorted(TYPES)), EVERYTHING))
def test_evaluating_never_raises(text: str, record: dict[str, Any]) -> None:
    try:
        expression = compile_expression(text, TYPES)
    except SpecError:
        return
    value = expression.evaluate(record)
    assert value is None or isinstance(value, bool if expression.type == "boolean" else int | float)


def test_the_fields_are_named_once_in_the_order_of_use() -> None:
    expression = compile_expression("late and a > 1 or a < b", TYPES)
    assert (expression.fields, expression.type, expression.stream) == (("late", "a", "b"), "boolean", None)
    assert compile_expression("arrivals.a", TYPES).stream == "arrivals"
    assert stream_of("1 - flight-arrivals.a") == "flight-arrivals"


def test_a_comparison_costs_no_more_than_a_few_plain_calls() -> None:
    evaluate = compile_expression("a > 15", TYPES).evaluate
    record = {"a": 16.0}

    def plain(record: dict[str, float]) -> bool:
        return record["a"] > 15

    def best_s(function: Callable[[dict[str, float]], object]) -> float:
        return min(timeit.repeat(lambda: function(record), number=20_000, repeat=7))

    assert best_s(evaluate) < 10 * best_s(plain)
