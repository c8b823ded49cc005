"""Typed cells of a table as values of a stream's fields, with nothing lost that JSON and the field's type can hold."""

import math
import sys
from datetime import UTC, date, datetime
from decimal import Decimal

from penstock.contract import timestamps
from penstock.spec.values import Value, parse_time_ms, parse_value

Cell = str | int | float | bool | Decimal | date | datetime | None
NUMBER_MAX = sys.float_info.max


def fit_value(cell: Cell, type: str) -> Value:
    """The value of a typed cell; what does not fit the type stays as it is, or is text, for the contract to refuse.

    A time without a zone is in UTC, and is cut to ms; NaN is null. A text is itself in a field of texts, elsewhere what parse_value reads.

    >>> fit_value(Decimal("12.50"), "double"), fit_value(Decimal("12.50"), "string"), fit_value(True, "long"), fit_value("", "string")
    (12.5, '12.50', True, '')
    >>> fit_value(datetime(1970, 1, 1, 0, 0, 1, 999_999), "timestamp"), fit_value(date(1970, 1, 2), "string")
    (1999, '1970-01-02')
    """
    if isinstance(cell, str):
        return cell if type == "string" else parse_value(cell, type)
    if isinstance(cell, float | Decimal) and math.isnan(cell):
        return None
    if type == "string":
        return text_of(cell)
    if isinstance(cell, date):
        return to_ms(cell) if type == "timestamp" else text_of(cell)
    if isinstance(cell, bool):
        return text_of(cell) if type == "timestamp" else cell
    if cell is None:
        return None
    if type == "timestamp":
        return parse_time_ms(str(cell))
    return _number(cell)


def text_of(cell: Cell) -> str | None:
    """A cell as text: exact, and such that parse_value reads it again; None for null.

    >>> text_of(True), text_of(Decimal("1E+3")), text_of(0.1), text_of(datetime(2013, 1, 1, 5, tzinfo=UTC))
    ('true', '1000', '0.1', '2013-01-01T05:00:00+00:00')
    """
    if cell is None or isinstance(cell, str):
        return cell
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, datetime):
        return (cell if cell.tzinfo else cell.replace(tzinfo=UTC)).isoformat()
    if isinstance(cell, Decimal):
        return format(cell, "f")
    return cell.isoformat() if isinstance(cell, date) else str(cell)


def to_ms(moment: date) -> int:
    """Epoch ms of a time, or of a date's midnight; UTC where it names no zone."""
    if not isinstance(moment, datetime):
        moment = datetime(moment.year, moment.month, moment.day, tzinfo=UTC)
    return timestamps.to_ms(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _number(cell: int | float | Decimal) -> Value:
    """A number for JSON: a whole decimal as integer, another one as the nearest double; as text what no double holds."""
    if not -NUMBER_MAX <= cell <= NUMBER_MAX:
        return str(cell)
    if isinstance(cell, Decimal):
        return int(cell) if cell == cell.to_integral_value() else float(cell)
    return cell
