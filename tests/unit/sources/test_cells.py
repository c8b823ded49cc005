"""Typed cells become the values of fields with nothing lost that the field's type can hold."""

from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given, strategies as st

from penstock.sources.cells import Cell, fit_value, text_of
from penstock.spec.field import TYPES
from penstock.spec.values import Value, parse_value

NOON = datetime(2026, 11, 21, 12, 0, 0, 999_999, timezone(timedelta(hours=5, minutes=30)))


@pytest.mark.parametrize(
    ("cell", "type", "expected"),
    [
        (NOON, "timestamp", 1_795_242_600_999),
        (NOON, "string", "2026-11-21T12:00:00.999999+05:30"),
        (datetime(1969, 12, 31, 23, 59, 59, 999_999), "timestamp", -1),  # without a zone: UTC
        (Decimal("1E+30"), "double", 10**30),
        (Decimal("0.1"), "double", 0.1),
        (Decimal("1E+400"), "double", "1E+400"),
        (Decimal("NaN"), "string", None),
        (float("-inf"), "double", "-inf"),
        (2**70, "long", 2**70),
        (1.0, "long", 1.0),
        (7, "string", "7"),
        (7, "boolean", 7),
        (True, "timestamp", "true"),
        (True, "string", "true"),
        ("yes", "boolean", True),
        ("", "double", None),
        ("", "string", ""),
        (None, "string", None),
    ],
)
def test_a_cell_becomes_the_value_of_its_field(cell: Cell, type: str, expected: Value) -> None:
    value = fit_value(cell, type)
    assert (value, value.__class__) == (expected, expected.__class__)


numbers = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # hypothesis wants it so


@given(numbers | moments | st.booleans(), st.sampled_from(TYPES))
def test_a_cell_as_text_reads_as_the_cell_itself_wherever_it_fits(cell: Cell, type: str) -> None:
    own = {bool: "boolean", int: "long", float: "double", datetime: "timestamp"}[cell.__class__]
    if isinstance(cell, datetime):
        cell = cell.replace(microsecond=cell.microsecond // 1_000 * 1_000)
    text = text_of(cell)
    assert text is not None
    assert parse_value(text, own) == fit_value(cell, own)
    assert fit_value(cell, type) in (parse_value(text, type), cell), "what does not fit stays as it is"
