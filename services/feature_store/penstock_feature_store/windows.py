"""Sliding windows of event time, (t - window, t]: count, share, mean, sum, minimum, maximum, exact and as of any time."""

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

ENTRIES_MAX = 10_000
"""Entries that one window of one entity may hold; beyond it the oldest are dropped and counted."""
GRACE_WINDOWS = 1
"""A question may be late by this many windows and is still answered from all of its records."""
PRUNE_ENTRIES_MIN = 64

SCALE_BITS = 1_074  # every finite double is a multiple of 2 ** -1074 (IEEE 754)
SCALE = 1 << SCALE_BITS

NEVER_MS = -(1 << 62)

Number = float | int


class Window:
    """The records of one entity in event-time order, and a running aggregate over those that the last question covered.

    The running part moves both ways: a question may be older than the one before. It is exact (see `Sum`), so an answer depends on
    the records alone, never on the order of questions, and a restored window gives the same bits. Times in ms since the epoch.
    """

    __slots__ = ("_high", "_low", "_prune_at", "times", "values", "window_ms")

    def __init__(self, window_ms: int) -> None:
        self.window_ms = window_ms
        self.times: list[int] = []
        self.values: list[Any] = []
        self._prune_at = PRUNE_ENTRIES_MIN
        self._low = self._high = 0

    @property
    def newest_ms(self) -> int:
        """Event time of the newest record; NEVER_MS when there is none."""
        return self.times[-1] if self.times else NEVER_MS

    def add(self, time_ms: int, value: Any, horizon_ms: int) -> int:
        """Take one record in, late ones at their place; `horizon_ms` is the event time that questions have reached.

        Gives how many records were dropped because the window was full.
        """
        if time_ms >= self.newest_ms:
            self.times.append(time_ms)
            self.values.append(value)
        elif time_ms > self._floor(horizon_ms):
            self._insert(time_ms, value)
        return self._prune(horizon_ms) if len(self.times) >= self._prune_at else 0

    def as_of(self, time_ms: int, horizon_ms: int) -> Number | None:
        """The aggregate over (time_ms - window, time_ms]; None where no record is in it."""
        low = bisect_right(self.times, max(time_ms - self.window_ms, self._floor(horizon_ms)))
        high = bisect_right(self.times, time_ms, low)
        self._move(low, high)
        return self.result(high - low) if high > low else None

    def result(self, count: int) -> Number | None:
        """The aggregate over the `count` ≥ 1 records covered."""
        return count

    def enter(self, value: Any) -> None:
        """A record is now covered."""

    def leave(self, value: Any) -> None:
        """A record is no longer covered."""

    def clear(self) -> None:
        """No record is covered."""

    def dump(self) -> list[Any]:
        """The state as plain lists."""
        return [self.times, self.values, self._prune_at]

    def load(self, state: list[Any]) -> None:
        """Take back what `dump` gave."""
        self.times, self.values, self._prune_at = state
        self._forget()

    def expired(self, horizon_ms: int) -> bool:
        """True when no question that is still answered exactly can reach any record."""
        return self.newest_ms <= self._floor(horizon_ms)

    def _floor(self, horizon_ms: int) -> int:
        # Nothing at or below it is ever read again: an answer does not depend on when it was removed.
        return horizon_ms - (1 + GRACE_WINDOWS) * self.window_ms

    def _insert(self, time_ms: int, value: Any) -> None:
        index = bisect_right(self.times, time_ms)
        self.times.insert(index, time_ms)
        self.values.insert(index, value)
        if index < self._low:
            self._low += 1
            self._high += 1
        elif index < self._high:
            self._high += 1
            self.enter(value)

    def _move(self, low: int, high: int) -> None:
        values = self.values
        if low >= self._high or high <= self._low:
            self._forget(low)
        for index in range(self._high, high):
            self.enter(values[index])
        for index in range(low, self._low):
            self.enter(values[index])
        for index in range(high, self._high):
            self.leave(values[index])
        for index in range(self._low, low):
            self.leave(values[index])
        self._low, self._high = low, high

    def _prune(self, horizon_ms: int) -> int:
        unread = bisect_right(self.times, self._floor(horizon_ms))
        dropped = max(0, len(self.times) - unread - ENTRIES_MAX)
        self._remove_oldest(unread + dropped)
        self._prune_at = min(max(PRUNE_ENTRIES_MIN, 2 * len(self.times)), ENTRIES_MAX + 1)
        return dropped

    def _remove_oldest(self, count: int) -> None:
        for index in range(self._low, min(count, self._high)):
            self.leave(self.values[index])
        del self.times[:count], self.values[:count]
        self._low, self._high = max(0, self._low - count), max(0, self._high - count)

    def _forget(self, index: int = 0) -> None:
        self._low = self._high = index
        self.clear()


class Sum(Window):
    """The sum, correctly rounded: a fixed-point integer holds it exactly, so nothing drifts and any order gives the same bits."""

    __slots__ = ("_total",)

    def clear(self) -> None:
        """No record is covered."""
        self._total = 0

    def __init__(self, window_ms: int) -> None:
        super().__init__(window_ms)
        self._total = 0

    def enter(self, value: Number) -> None:
        """A record is now covered."""
        self._total += fixed_point(value)

    def leave(self, value: Number) -> None:
        """A record is no longer covered."""
        self._total -= fixed_point(value)

    def result(self, count: int) -> Number | None:
        """The sum of the values; None beyond the largest double."""
        return _ratio(self._total, 1)


class Mean(Sum):
    """The mean of the values, correctly rounded."""

    __slots__ = ()

    def result(self, count: int) -> Number | None:
        """The mean over the records covered."""
        return _ratio(self._total, count)


class Share(Window):
    """The share of records of which an expression was true; `values` are booleans."""

    __slots__ = ("_true",)

    def __init__(self, window_ms: int) -> None:
        super().__init__(window_ms)
        self._true = 0

    def clear(self) -> None:
        """No record is covered."""
        self._true = 0

    def enter(self, value: bool) -> None:
        """A record is now covered."""
        self._true += value

    def leave(self, value: bool) -> None:
        """A record is no longer covered."""
        self._true -= value

    def result(self, count: int) -> Number | None:
        """The share over the records covered, 0 to 1."""
        return self._true / count


class Extreme(Window):
    """The minimum or the maximum: found anew only when the extreme itself left."""

    __slots__ = ("_best", "_choose")

    def __init__(self, window_ms: int, choose: Callable[..., Number]) -> None:
        super().__init__(window_ms)
        self._choose = choose
        self._best: Number | None = None

    def clear(self) -> None:
        """No record is covered; the extreme is unknown."""
        self._best = None

    def enter(self, value: Number) -> None:
        """A record is now covered."""
        if self._best is not None:
            self._best = self._choose(self._best, value)

    def leave(self, value: Number) -> None:
        """A record is no longer covered."""
        if value == self._best:
            self._best = None

    def result(self, count: int) -> Number | None:
        """The extreme of the values covered."""
        if self._best is None:
            self._best = self._choose(self.values[self._low : self._high])
        return self._best


AGGREGATES: dict[str, Callable[[int], Window]] = {
    "count": Window,
    "share": Share,
    "mean": Mean,
    "sum": Sum,
    "min": lambda window_ms: Extreme(window_ms, min),
    "max": lambda window_ms: Extreme(window_ms, max),
}


def fixed_point(value: Number) -> int:
    """A finite number as a multiple of 2 ** -1074, exactly.

    >>> fixed_point(0.5) + fixed_point(0.25) == fixed_point(0.75)
    True
    """
    numerator, denominator = value.as_integer_ratio()
    return numerator << (SCALE_BITS + 1 - denominator.bit_length())


def _ratio(total: int, count: int) -> float | None:
    try:
        return total / (count * SCALE)  # int / int is correctly rounded
    except OverflowError:
        return None
