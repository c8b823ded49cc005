"""What the columns of a table look like: type, range, how many different values."""

import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from penstock.spec.values import NULLS, Value, field_name, guess_type, parse_value

ENUM_VALUES_MAX = 20
ENUM_ROWS_EACH = 50
RANGE_SPANS = 10
CATEGORIES_MAX = 100
ID_NAME = re.compile(r"(^|_)(id|uuid|guid|key|number|no)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Column:
    """One column of the sample; `values` are the typed values in the order of the rows, without nulls."""

    name: str
    type: str
    nullable: bool
    values: Sequence[Value]
    counts: Mapping[Value, int]

    @property
    def constant(self) -> bool:
        """The column has one value, or none."""
        return len(self.counts) < 2

    @property
    def unique(self) -> bool:
        """No value stands twice, and none is missing."""
        return not self.nullable and len(self.counts) == len(self.values)

    @property
    def identifying(self) -> bool:
        """Its values name rows instead of describing them: texts by the hundreds, or numbers that only count up."""
        if self.type == "string":
            return len(self.counts) > CATEGORIES_MAX
        numbers = [value for value in self.values if isinstance(value, int)]
        rising = all(one < other for one, other in pairwise(numbers))
        return self.type == "long" and self.unique and (rising or ID_NAME.search(self.name) is not None)

    @property
    def enum(self) -> tuple[str, ...] | None:
        """Every text, if they are few and each is seen often."""
        if self.type != "string" or not 0 < len(self.counts) <= ENUM_VALUES_MAX or min(self.counts.values()) < ENUM_ROWS_EACH:
            return None
        texts = sorted(str(value) for value in self.counts)
        return tuple(texts) if all(text.isprintable() for text in texts) else None

    @property
    def range(self) -> tuple[float, float] | None:
        """Lowest and highest number, each ten spans further out: it stops what is absurd, not what is new."""
        numbers = [float(value) for value in self.values if isinstance(value, int | float)]
        if self.type not in ("double", "long") or not numbers:
            return None
        span = (max(numbers) - min(numbers)) or max(abs(max(numbers)), 1.0)
        low, high = min(numbers) - RANGE_SPANS * span, max(numbers) + RANGE_SPANS * span
        return (_outward(low, math.floor), _outward(high, math.ceil)) if math.isfinite(low) and math.isfinite(high) else None


def read_columns(rows: Sequence[Mapping[str, str]]) -> dict[str, Column]:
    """The columns of a sample, by the name of their field, in the order of the file."""
    headers = [header for header in rows[0] if header is not None]
    return {field_name(header): _column(field_name(header), [row.get(header) or "" for row in rows]) for header in headers}


def as_text(rows: Sequence[Mapping[str, str]], name: str) -> Column:
    """A column read as texts, whatever they look like: numbers that name classes."""
    header = next(header for header in rows[0] if header is not None and field_name(header) == name)
    return _column(name, [row.get(header) or "" for row in rows], "string")


def _column(name: str, texts: Sequence[str], type: str = "") -> Column:
    type = type or guess_type([text for text in texts if text.strip().lower() not in NULLS], name)
    parsed = [parse_value(text, type) for text in texts]
    values = [value for value in parsed if value is not None]
    return Column(name, type, len(values) < len(parsed), values, Counter(values))


def _outward(number: float, rounding: Callable[[float], int]) -> float:
    """The number with two digits, rounded away from the data."""
    if number == 0:
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(number))) - 1)
    return float(f"{rounding(number / unit) * unit:.6g}") if unit else number
