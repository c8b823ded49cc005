"""The contract once more, slow, one rule a line: what the compiled one is compared with."""

import math
import re
from collections.abc import Mapping
from typing import Any

from penstock.contract.timestamps import TIMESTAMP_MS_MAX, TIMESTAMP_MS_MIN, parse_ms
from penstock.spec import Field

DEFAULTS = {"negative_zero": "clip"}


class Broken(Exception):
    """The code of a rule that is broken, and refused."""


class Null(Exception):
    """The rule that says null."""


def oracle(declared: Mapping[str, Field], sent: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[str, ...]] | str:
    """What the contract keeps and notes, or the code of the first rule that refuses."""
    notes: list[str] = []
    try:
        return {name: oracle_field(field, sent.get(name), notes) for name, field in declared.items()}, tuple(notes)
    except Broken as broken:
        return str(broken)


def oracle_field(field: Field, value: Any, notes: list[str]) -> Any:
    if value is None and field.nullable:
        return None
    if value is None and field.default is not None:
        return field.default
    if value is None:
        raise Broken("missing_field")
    try:
        return {"string": text, "boolean": boolean, "double": double, "long": long, "timestamp": timestamp}[field.type](field, value, notes)
    except Null as null:
        notes.append(f"nulled.{field.name}.{null}")
        return None


def judge(field: Field, rule: str, notes: list[str], value: Any, is_kept: bool, clipped: Any = None) -> Any:
    """The value, or what the policy of the rule makes of it."""
    if is_kept:
        return value
    policy = field.on.get(rule, DEFAULTS.get(rule, "reject"))
    if policy == "null":
        raise Null(rule)
    if policy == "reject" or (policy == "clip" and clipped is None):
        raise Broken(rule)
    notes.append(f"{'clipped' if policy == 'clip' else 'warned'}.{field.name}.{rule}")
    return clipped if policy == "clip" else value


def text(field: Field, value: Any, notes: list[str]) -> Any:
    judge(field, "wrong_type", notes, value, isinstance(value, str))
    judge(field, "not_text", notes, value, all(sign != "\0" and not "\ud800" <= sign <= "\udfff" for sign in value))
    low, high = field.length_min, math.inf if field.length_max is None else field.length_max
    cut = value[: field.length_max]
    value = judge(field, "wrong_length", notes, value, low <= len(value) <= high, cut if low <= len(cut) else None)
    value = judge(field, "wrong_pattern", notes, value, field.pattern is None or re.fullmatch(field.pattern, value) is not None)
    return judge(field, "not_in_enum", notes, value, field.enum is None or value in field.enum)


def boolean(field: Field, value: Any, notes: list[str]) -> Any:
    return judge(field, "wrong_type", notes, value, isinstance(value, bool))


def double(field: Field, value: Any, notes: list[str]) -> Any:
    judge(field, "wrong_type", notes, value, is_number(value))
    judge(field, "not_finite", notes, value, not isinstance(value, float) or math.isfinite(value))
    value = judge(field, "negative_zero", notes, value, str(value) != "-0.0", 0.0)
    value = ranged(field, value, notes, field.minimum, field.maximum)
    try:
        return float(value)
    except OverflowError:
        raise Broken("out_of_range") from None


def long(field: Field, value: Any, notes: list[str]) -> Any:
    judge(field, "wrong_type", notes, value, is_whole(value))
    low = None if field.minimum is None else math.ceil(field.minimum)
    high = None if field.maximum is None else math.floor(field.maximum)
    value = ranged(field, int(value), notes, low, high)
    if not -(2**63) <= value < 2**63:
        raise Broken("out_of_range")
    return value


def ranged(field: Field, value: Any, notes: list[str], low: float | None, high: float | None) -> Any:
    is_low, is_high = low is not None and value < low, high is not None and value > high
    return judge(field, "out_of_range", notes, value, not is_low and not is_high, low if is_low else high)


def timestamp(field: Field, value: Any, notes: list[str]) -> Any:
    if isinstance(value, str):
        try:
            return parse_ms(value)
        except ValueError:
            return judge(field, "wrong_type", notes, value, False)
    judge(field, "wrong_type", notes, value, is_whole(value))
    if not TIMESTAMP_MS_MIN <= value <= TIMESTAMP_MS_MAX:
        raise Broken("out_of_range")
    return int(value)


def is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_whole(value: Any) -> bool:
    return is_number(value) and (isinstance(value, int) or value.is_integer())
