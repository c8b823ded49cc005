"""Durations as people write them: 7d, 48h, 15m, 30s, 200ms."""

import re

UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
DURATION_MS_MAX = 36_500 * UNITS_MS["d"]
PATTERN = re.compile(r"([0-9]{1,15})(ms|s|m|h|d)")


def parse_duration(text: str) -> int | None:
    """The duration in ms, or None when `text` is none or longer than a century.

    >>> parse_duration("48h")
    172800000
    """
    match = PATTERN.fullmatch(text)
    if not match:
        return None
    duration_ms = int(match[1]) * UNITS_MS[match[2]]
    return duration_ms if duration_ms <= DURATION_MS_MAX else None


def format_duration(duration_ms: int) -> str:
    """The shortest exact text.

    >>> format_duration(172800000), format_duration(1500)
    ('2d', '1500ms')
    """
    unit = next(unit for unit, size_ms in UNITS_MS.items() if duration_ms % size_ms == 0)
    return f"{duration_ms // UNITS_MS[unit]}{unit}" if duration_ms else "0s"
