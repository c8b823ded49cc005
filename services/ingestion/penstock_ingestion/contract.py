"""The contract of a stream: which fields an event has, of which type, within which bounds; compiled once, checked per event."""

from collections.abc import Callable, Mapping
from datetime import datetime
from sys import float_info
from typing import Any

from penstock.fold.protocol import Poison
from penstock.spec import Field, Stream
from penstock_ingestion.timestamps import TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, parse_ms, to_ms

Check = Callable[[Any], Any]
Contract = Callable[[Mapping[str, Any]], dict[str, Any]]

LONG_MIN, LONG_MAX = -(2**63), 2**63 - 1
IDENTIFIER_BYTES_MAX = 1_024  # every service behind keeps entities and event ids in memory


def compile_contract(stream: Stream) -> Contract:
    """A function that takes a producer's fields and gives the stream's own, in declared order, with canonical types.

    | type | takes | gives |
    |---|---|---|
    | string | text without U+0000 and lone surrogates | str |
    | double | a finite number | float |
    | long | an integer of 64 bits; 1.0, not 1.5 | int |
    | boolean | true, false (a boolean is not a number) | bool |
    | timestamp | RFC 3339 with an offset, epoch ms, or an Avro timestamp | int (ms) |

    A field that is absent and one that is null are the same: refused unless nullable. Fields that the stream does not declare are
    dropped. The function raises Poison at the first field that breaks a rule (missing_field, wrong_type, out_of_range, not_finite,
    not_in_enum, not_text); reasons name the field and the rule, never the value.
    """
    checks = compile_checks(stream)

    def validate(fields: Mapping[str, Any]) -> dict[str, Any]:
        get = fields.get
        return {name: check(get(name)) for name, check in checks}

    return validate


def compile_checks(stream: Stream) -> tuple[tuple[str, Check], ...]:
    """The check of each field by name: a function from what was sent (None: absent or null) to what is kept. It raises Poison."""
    return tuple((name, _check(field)) for name, field in stream.fields.items())


def identifier(code: str, name: str, value: str | int) -> str:
    """An entity or event id as text. Raises: Poison with `code` if it is empty, "too_large" above 1,024 bytes of UTF-8."""
    text = value if isinstance(value, str) else str(value)
    if not text:
        raise Poison(code, f"{name} is empty")
    if len(text) * 4 > IDENTIFIER_BYTES_MAX and len(text.encode()) > IDENTIFIER_BYTES_MAX:
        raise Poison("too_large", f"{name} is longer than {IDENTIFIER_BYTES_MAX} bytes")
    return text


def _check(field: Field) -> Check:
    check = _CHECKS[field.type](field)
    if field.enum:
        check = _member(field, check)
    return _nullable(check) if field.nullable else check


def _string(field: Field) -> Check:
    def check(value: Any) -> str:
        if type(value) is not str:
            raise _wrong_type(field, value)
        if not value.isascii() or "\0" in value:
            _assert_text(field, value)
        return value

    return check


def _double(field: Field) -> Check:
    low, high = _bounds(field, -float_info.max, float_info.max)

    def check(value: Any) -> float:
        number = value if type(value) is float else _as_double(field, value)
        if low <= number <= high:
            return number
        raise _outside(field, number)

    return check


def _long(field: Field) -> Check:
    low, high = _bounds(field, LONG_MIN, LONG_MAX)

    def check(value: Any) -> int:
        number = value if type(value) is int else _as_long(field, value)
        if low <= number <= high:
            return number
        raise _outside(field, number)

    return check


def _boolean(field: Field) -> Check:
    def check(value: Any) -> bool:
        if type(value) is not bool:
            raise _wrong_type(field, value)
        return value

    return check


def _timestamp(field: Field) -> Check:
    low, high = _bounds(field, TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX)

    def check(value: Any) -> int:
        time_ms = value if type(value) is int else _as_time_ms(field, value)
        if low <= time_ms <= high:
            return time_ms
        raise _outside(field, time_ms)

    return check


_CHECKS: Mapping[str, Callable[[Field], Check]] = {
    "string": _string,
    "double": _double,
    "long": _long,
    "boolean": _boolean,
    "timestamp": _timestamp,
}


def _nullable(check: Check) -> Check:
    return lambda value: None if value is None else check(value)


def _member(field: Field, check: Check) -> Check:
    members = frozenset(field.enum or ())

    def check_member(value: Any) -> Any:
        kept = check(value)
        if kept not in members:
            raise Poison("not_in_enum", f"{field.name} is not one of the values that the stream allows")
        return kept

    return check_member


def _bounds(field: Field, lowest: float, highest: float) -> tuple[float, float]:
    low = lowest if field.minimum is None else max(lowest, field.minimum)
    high = highest if field.maximum is None else min(highest, field.maximum)
    return low, high


def _as_double(field: Field, value: Any) -> float:
    if type(value) is not int:
        raise _wrong_type(field, value)
    try:
        return float(value)
    except OverflowError:
        raise _outside(field, value) from None


def _as_long(field: Field, value: Any) -> int:
    if type(value) is float and value.is_integer():
        return int(value)
    raise _wrong_type(field, value)


def _as_time_ms(field: Field, value: Any) -> int:
    try:
        match value:
            case str():
                return parse_ms(value)
            case datetime():
                return to_ms(value)
    except ValueError:
        raise Poison("wrong_type", f"{field.name} is not an RFC 3339 time with an offset") from None
    return _as_long(field, value)


def _assert_text(field: Field, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Poison("not_text", f"{field.name} holds a lone surrogate") from None
    if "\0" in value:
        raise Poison("not_text", f"{field.name} holds U+0000, which PostgreSQL cannot store")


def _wrong_type(field: Field, value: Any) -> Poison:
    if value is None:
        return Poison("missing_field", f"{field.name} is absent or null, and not nullable")
    return Poison("wrong_type", f"{field.name} is not a {field.type}")


def _outside(field: Field, number: float) -> Poison:
    if number - number != 0:  # true for NaN and the infinities
        return Poison("not_finite", f"{field.name} is not a finite number")
    low, high = ("…" if bound is None else f"{bound:g}" for bound in (field.minimum, field.maximum))
    return Poison("out_of_range", f"{field.name} is outside [{low}, {high}]")
