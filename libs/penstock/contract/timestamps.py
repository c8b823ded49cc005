"""Timestamps as producers write them: RFC 3339 text to milliseconds."""

import re
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
TIMESTAMP_MS_MIN = -62_135_596_800_000  # 0001-01-01T00:00:00Z
TIMESTAMP_MS_MAX = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z
_RFC_3339 = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)


def parse_ms(text: str) -> int:
    """Milliseconds since the epoch (UTC) of an RFC 3339 date and time; finer digits are cut off.

    The offset must be there: a local time without one is not a point in time. Leap seconds (:60) are refused, as POSIX time has none.
    Raises: ValueError for anything else.

    >>> parse_ms("2013-01-01T05:15:00-05:00"), parse_ms("1970-01-01t00:00:00.0019z")
    (1357035300000, 1)
    """
    upper = text.upper()
    if not _RFC_3339.fullmatch(upper):
        raise ValueError("not RFC 3339")
    return to_ms(datetime.fromisoformat(upper))


def to_ms(time: datetime) -> int:
    """Milliseconds since the epoch (UTC) of an aware date and time. Raises: ValueError if it is naive."""
    if time.tzinfo is None:
        raise ValueError("no offset")
    return (time - EPOCH) // MILLISECOND
