"""CSV text as typed JSON values: how it is read, and which type fits it."""

import math
import re
from collections.abc import Sequence
from datetime import UTC, datetime

from penstock.spec.expression import WORDS
from penstock.spec.stream import ENVELOPE

TRUE, FALSE = ("true", "yes"), ("false", "no")
SECONDS_BELOW = 100_000_000_000  # an epoch below it is in seconds (until the year 5138), from it on in ms (since 1973)
EPOCH_GUESS = (400_000_000, 5_000_000_000_000)  # 1982 in s to 2128 in ms: other numbers are not taken for times unasked
NULLS = ("", "na", "n/a", "null", "none", "nan")
MONTH = re.compile(r"[0-9]{4}-[0-9]{2}", re.ASCII)  # ISO 8601, of reduced precision: its first day
INTEGER = re.compile(r"[-+]?[0-9]{1,19}", re.ASCII)
Value = str | int | float | bool | None


def parse_value(text: str, type: str) -> Value:
    """The value of a CSV cell; what is empty is null, and what does not fit stays text, for the contract to refuse.

    >>> parse_value("1.5", "double"), parse_value("yes", "boolean"), parse_value("", "long"), parse_value("2013-01-01T05Z", "timestamp")
    (1.5, True, None, 1357016400000)
    """
    word = text.strip()
    if word.lower() in NULLS if type != "string" else not word:
        return None
    parsed = {"double": _double, "long": _long, "boolean": _boolean, "timestamp": parse_time_ms}[type](word) if type != "string" else text
    return text if parsed is None else parsed


def parse_time_ms(text: str) -> int | None:
    """Epoch ms of an ISO 8601 time (UTC where it names no zone) or of an epoch in s or ms; None for anything else."""
    number = _double(text)
    text = f"{text}-01" if MONTH.fullmatch(text) else text
    try:
        if number is not None:
            return round(number * 1_000) if abs(number) < SECONDS_BELOW else round(number)
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1_000)
    except (ValueError, OverflowError):
        return None


def guess_type(texts: Sequence[str], name: str = "") -> str:
    """The narrowest type that fits every text of a column (none of them empty)."""
    if not texts:
        return "string"
    words = [text.strip() for text in texts]
    if all(_boolean(word) is not None for word in words):
        return "boolean"
    numbers = [_double(word) for word in words]
    if all(number is not None for number in numbers):
        whole = all(_long(word) is not None for word in words)
        timely = re.search(r"time|date|stamp|(^|_)(ts|at)$", name, re.IGNORECASE) is not None
        low, high = EPOCH_GUESS
        if timely and all(number is not None and low <= number <= high for number in numbers):
            return "timestamp"
        return "long" if whole else "double"
    return "timestamp" if all(parse_time_ms(word) is not None for word in words) else "string"


def field_name(header: str) -> str:
    """The name of a field for the header of a column: letters, digits and underscores, no reserved word.

    >>> field_name("Unit price (€)"), field_name("event_id"), field_name("2nd")
    ('Unit_price', 'event_id_', 'x2nd')
    """
    name = re.sub(r"[^A-Za-z0-9]+", "_", header).strip("_")[:90] or "x"
    name = name if name[0].isalpha() else f"x{name}"
    return f"{name}_" if name in ENVELOPE or name in WORDS else name


def _double(word: str) -> float | None:
    try:
        number = float(word) if "_" not in word else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _long(word: str) -> int | None:
    number = int(word) if INTEGER.fullmatch(word) else None
    return number if number is not None and -(2**63) <= number < 2**63 else None


def _boolean(word: str) -> bool | None:
    lower = word.lower()
    return True if lower in TRUE else False if lower in FALSE else None
