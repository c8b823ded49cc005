"""Calendar parts of an instant in a time zone: hour, minute, weekday, day, month."""

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

HOUR_MS = 3_600_000
DAY_MS = 86_400_000
EPOCH_DAY = date(1970, 1, 1).toordinal()
OFFSETS_CACHED_MAX = 4_096

Part = Callable[[int], int | None]

_PARTS: dict[str, Callable[[int], int]] = {
    "minute": lambda local_ms: local_ms // 60_000 % 60,
    "hour": lambda local_ms: local_ms // HOUR_MS % 24,
    "weekday": lambda local_ms: (local_ms // DAY_MS + 3) % 7,
    "day": lambda local_ms: _date(local_ms).day,
    "month": lambda local_ms: _date(local_ms).month,
}
PARTS = tuple(_PARTS)


def calendar_part(part: str, zone: str) -> Part:
    """A function from ms since the epoch to one calendar part in `zone`; weekday 0 is Monday; None beyond the years 1 to 9999.

    Raises: zoneinfo.ZoneInfoNotFoundError for a zone that the tz database does not know.

    >>> hour = calendar_part("hour", "America/New_York")
    >>> hour(1_362_898_740_000), hour(1_362_898_800_000)  # 2013-03-10: the clock goes from 01:59 to 03:00
    (1, 3)
    """
    of_local = _PARTS[part]
    offset_ms = _offsets(ZoneInfo(zone))

    def read(time_ms: int) -> int | None:
        try:
            return of_local(time_ms + offset_ms(time_ms))
        except (ValueError, OverflowError, OSError):
            return None

    return read


def _offsets(zone: ZoneInfo) -> Callable[[int], int]:
    """The zone's offset from UTC in ms, looked up once per hour: transitions inside an hour are rare, and are looked up each time."""

    def exact(time_ms: int) -> int:
        offset = datetime.fromtimestamp(time_ms // 1_000, zone).utcoffset()
        assert offset is not None
        return round(offset.total_seconds() * 1_000)

    @lru_cache(maxsize=OFFSETS_CACHED_MAX)
    def of_hour(hour: int) -> int | None:
        first, last = exact(hour * HOUR_MS), exact(hour * HOUR_MS + HOUR_MS - 1)
        return first if first == last else None

    def offset_ms(time_ms: int) -> int:
        offset = of_hour(time_ms // HOUR_MS)
        return exact(time_ms) if offset is None else offset

    return offset_ms


def _date(local_ms: int) -> date:
    return date.fromordinal(local_ms // DAY_MS + EPOCH_DAY)
