"""Quick checks of a whole event: they keep what is right beyond doubt, and leave everything else to the rules."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from sys import float_info
from typing import Any, NamedTuple

from penstock.contract.timestamps import TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, parse_ms, to_ms
from penstock.spec import Field
from penstock.spec.pattern import compile_pattern

Quick = Callable[[Mapping[str, Any]], dict[str, Any] | None]
Test = Callable[[Any], Any]


class _Doubt(Exception):
    """A value that may be wrong, or right in a rarer form."""


class _Row(NamedTuple):
    """How a field is tried: a value of this very type (object: none is), not zero and within the ends, is right; else the test is asked."""

    name: str
    type: type
    low: Any
    high: Any
    test: Test


def compile_quick(fields: Mapping[str, Field]) -> Quick:
    """A function that gives the fields as the contract keeps them, or None where it takes the rules to say."""
    rows = [tuple(_row(field)) for field in fields.values()]

    def quick(sent: Mapping[str, Any]) -> dict[str, Any] | None:
        get, kept = sent.get, {}
        try:
            for name, kind, low, high, test in rows:
                value = get(name)
                kept[name] = value if type(value) is kind and low <= value <= high and value else test(value)
        except _Doubt:
            return None
        return kept

    return quick


def _row(field: Field) -> _Row:
    test = _TESTS[field.type](field)
    low, high = _ends(field) if field.type in _INLINE else (0, 0)
    may_be_absent = field.nullable or field.default is not None
    return _Row(field.name, _INLINE.get(field.type, object), low, high, _or(field.default, test) if may_be_absent else test)


def _or(default: Any, test: Test) -> Test:
    return lambda value: default if value is None else test(value)


def _text(field: Field) -> Test:
    members = None if field.enum is None else frozenset(field.enum)
    low, high = field.length_min, math.inf if field.length_max is None else field.length_max
    matches = None if field.pattern is None else compile_pattern(field.pattern)
    bounded = field.length_min or field.length_max is not None or matches is not None

    def plain(value: Any) -> str:
        if type(value) is str and value.isascii() and "\0" not in value:
            return value
        raise _Doubt

    def member(value: Any) -> str:
        if type(value) is str and value in members:  # type: ignore[operator]
            return value
        raise _Doubt

    anything = plain if members is None else member

    def within(value: Any) -> str:
        text = anything(value)
        if low <= len(text) <= high and (matches is None or matches(text)):
            return text
        raise _Doubt

    return within if bounded else anything


def _double(field: Field) -> Test:
    low, high = _ends(field)

    def double(value: Any) -> float:
        if type(value) in (int, float) and low <= value <= high and (value or math.copysign(1.0, value) > 0):
            return float(value)
        raise _Doubt

    return double


def _long(field: Field) -> Test:
    low, high = _ends(field)

    def long(value: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        raise _Doubt

    return long


def _boolean(_: Field) -> Test:
    def boolean(value: Any) -> bool:
        if type(value) is bool:
            return value
        raise _Doubt

    return boolean


def _timestamp(field: Field) -> Test:
    whole = _long(field)

    def timestamp(value: Any) -> int:
        try:
            match value:
                case str():
                    return parse_ms(value)
                case datetime():
                    return to_ms(value)
        except ValueError:
            raise _Doubt from None
        return int(whole(value))

    return timestamp


def _ends(field: Field) -> tuple[float, float]:
    """The lowest and the highest value of a number, both allowed: the field's own, or its type's."""
    low, high = _ENDS[field.type]
    return low if field.minimum is None else max(low, field.minimum), high if field.maximum is None else min(high, field.maximum)


_ENDS: Mapping[str, tuple[float, float]] = {
    "double": (-float_info.max, float_info.max),
    "long": (-(2**63), 2**63 - 1),
    "timestamp": (TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX),
}
_INLINE: Mapping[str, type] = {"double": float, "long": int, "timestamp": int}
_TESTS: Mapping[str, Callable[[Field], Test]] = {
    "string": _text,
    "double": _double,
    "long": _long,
    "boolean": _boolean,
    "timestamp": _timestamp,
}
