"""The rules of a field, one by one, each with its policy: the slow way to judge a value, for those that the quick one doubts."""

import math
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from penstock.contract.timestamps import TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, parse_ms, to_ms
from penstock.fold.protocol import Poison
from penstock.spec import Field
from penstock.spec.field import CLIP, NULL, REJECT
from penstock.spec.pattern import compile_pattern

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
VERBS = {NULL: "nulled", CLIP: "clipped", "warn": "warned"}

Note = Callable[[str], object]
Judge = Callable[[Any, Note], Any]


class Violation(Poison):
    """A field that breaks a rule of its stream. The reason names the field and the rule, never the value: it may be a person's."""

    def __init__(self, code: str, field: str, what: str) -> None:
        super().__init__(code, f"{field} {what}")
        self.field = field


class Bound(NamedTuple):
    """A rule about values that have the right type: whether one keeps it, what is said if not, and the nearest value that does."""

    rule: str
    holds: Callable[[Any], bool]
    says: str
    clip: Callable[[Any], Any]


def compile_judge(field: Field) -> Judge:
    """A function from what was sent (None: absent or null) to what is kept; it tells `note` what it had to do.

    Raises: Violation for what the policy of its rule refuses.
    """
    convert, bounds = _CONVERTERS[field.type], tuple(_bounds(field))

    def judge(value: Any, note: Note) -> Any:
        if value is None:
            return _absent(field)
        try:
            return _within(field, bounds, convert(field, value), note)
        except _Nulled as nulled:
            note(f"nulled.{field.name}.{nulled.rule}")
            return None

    return judge


class _Nulled(Exception):
    """The policy of a broken rule says null."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule


def _absent(field: Field) -> Any:
    if field.default is None and not field.nullable:
        raise Violation("missing_field", field.name, "is absent or null, and not nullable")
    return field.default


def _within(field: Field, bounds: tuple[Bound, ...], value: Any, note: Note) -> Any:
    for bound in bounds:
        if bound.holds(value):
            continue
        policy = field.policy(bound.rule)
        if policy == CLIP:
            value = bound.clip(value)
        if policy == REJECT or (policy == CLIP and not bound.holds(value)):
            raise Violation(bound.rule, field.name, bound.says)
        if policy == NULL:
            raise _Nulled(bound.rule)
        note(f"{VERBS[policy]}.{field.name}.{bound.rule}")
    return _fitting(field, value)


def _fitting(field: Field, value: Any) -> Any:
    """A number as its column holds it. What is too large for that no warning lets through."""
    if field.type == "double":
        return _float(field, value)
    if field.type == "long" and not LONG_MIN <= value <= LONG_MAX:
        raise Violation("out_of_range", field.name, "has more than 64 bits")
    return value


def _float(field: Field, value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        raise Violation("out_of_range", field.name, "is too large for a double") from None


def _bounds(field: Field) -> list[Bound]:
    if field.type == "string":
        return _bounds_of_text(field)
    bounds = [] if field.type != "double" else [Bound("negative_zero", _is_no_negative_zero, "is -0.0", abs)]
    if field.minimum is not None or field.maximum is not None:
        low, high = _ends(field)
        shown = ("…" if end is None else f"{end:g}" for end in (field.minimum, field.maximum))
        says = f"is outside [{', '.join(shown)}]"
        bounds.append(Bound("out_of_range", lambda number: low <= number <= high, says, lambda number: min(max(number, low), high)))
    return bounds


def _bounds_of_text(field: Field) -> list[Bound]:
    low, high = field.length_min, field.length_max
    bounds = []
    if low or high is not None:
        says = f"has not {low} to {'any number of' if high is None else high} characters"
        bounds.append(
            Bound("wrong_length", lambda text: low <= len(text) and (high is None or len(text) <= high), says, lambda text: text[:high])
        )
    if field.pattern is not None:
        bounds.append(Bound("wrong_pattern", compile_pattern(field.pattern), f"does not match {field.pattern}", str))
    if field.enum:
        bounds.append(Bound("not_in_enum", frozenset(field.enum).__contains__, "is not one of the values that the stream allows", str))
    return bounds


def _ends(field: Field) -> tuple[float, float]:
    """The lowest and the highest value; of integers, whole."""
    low, high = -math.inf if field.minimum is None else field.minimum, math.inf if field.maximum is None else field.maximum
    if field.type == "long":
        return low if math.isinf(low) else math.ceil(low), high if math.isinf(high) else math.floor(high)
    return low, high


def _is_no_negative_zero(number: float) -> bool:
    return bool(number) or math.copysign(1, number) > 0


def _text(field: Field, value: Any) -> str:
    if type(value) is not str:
        raise _broken(field, "wrong_type", f"is not a {field.type}")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise _broken(field, "not_text", "holds a lone surrogate") from None
    if "\0" in value:
        raise _broken(field, "not_text", "holds U+0000, which PostgreSQL cannot store")
    return value


def _number(field: Field, value: Any) -> float:
    """Any finite number as it came: an integer may be too large for a float, and still be clipped."""
    if type(value) not in (int, float):
        raise _broken(field, "wrong_type", f"is not a {field.type}")
    if type(value) is float and not math.isfinite(value):
        raise _broken(field, "not_finite", "is not a finite number")
    return value  # type: ignore[no-any-return]


def _whole(field: Field, value: Any) -> int:
    if type(value) is float and value.is_integer():
        return int(value)
    if type(value) is not int:
        raise _broken(field, "wrong_type", f"is not a {field.type}")
    return value


def _boolean(field: Field, value: Any) -> bool:
    if type(value) is not bool:
        raise _broken(field, "wrong_type", f"is not a {field.type}")
    return value


def _time_ms(field: Field, value: Any) -> int:
    try:
        match value:
            case str():
                return parse_ms(value)
            case datetime():
                return to_ms(value)
    except ValueError:
        raise _broken(field, "wrong_type", "is not an RFC 3339 time with an offset") from None
    time_ms = _whole(field, value)
    if not TIMESTAMP_MS_MIN <= time_ms <= TIMESTAMP_MS_MAX:
        raise Violation("out_of_range", field.name, "is outside of the years 1 to 9999")
    return time_ms


_CONVERTERS: Mapping[str, Callable[[Field, Any], Any]] = {
    "string": _text,
    "double": _number,
    "long": _whole,
    "boolean": _boolean,
    "timestamp": _time_ms,
}


def _broken(field: Field, rule: str, what: str) -> Exception:
    return _Nulled(rule) if field.policy(rule) == NULL else Violation(rule, field.name, what)
