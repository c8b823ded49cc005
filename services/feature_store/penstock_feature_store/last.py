"""The last value of another stream as of an event time, no older than a limit."""

from bisect import bisect_right
from typing import Any

from penstock_feature_store.windows import NEVER_MS

VALUES_MAX = 16
"""Newest values kept per entity: a question may be older than so many records and is still answered as of its time."""


class LastValues:
    """The newest values of one entity in event-time order; of two at the same time the later record counts. Times in ms."""

    __slots__ = ("max_age_ms", "times", "values")

    def __init__(self, max_age_ms: int | None) -> None:
        self.max_age_ms = max_age_ms
        self.times: list[int] = []
        self.values: list[Any] = []

    @property
    def newest_ms(self) -> int:
        """Event time of the newest value; NEVER_MS when there is none."""
        return self.times[-1] if self.times else NEVER_MS

    def add(self, time_ms: int, value: Any, horizon_ms: int) -> int:
        """Take one value in, late ones at their place; gives 0: the oldest one leaves, and no recent question can miss it."""
        index = bisect_right(self.times, time_ms)
        self.times.insert(index, time_ms)
        self.values.insert(index, value)
        if len(self.times) > VALUES_MAX:
            del self.times[0], self.values[0]
        return 0

    def as_of(self, time_ms: int, horizon_ms: int) -> Any:
        """The newest value whose time is in [time_ms - max_age, time_ms]; None if there is none."""
        index = bisect_right(self.times, time_ms) - 1
        if index < 0 or (self.max_age_ms is not None and self.times[index] < time_ms - self.max_age_ms):
            return None
        return self.values[index]

    def dump(self) -> list[Any]:
        """The state as plain lists."""
        return [self.times, self.values]

    def load(self, state: list[Any]) -> None:
        """Take back what `dump` gave."""
        self.times, self.values = state

    def expired(self, horizon_ms: int) -> bool:
        """True when every value is too old for any question from the horizon on."""
        return self.max_age_ms is not None and self.newest_ms < horizon_ms - self.max_age_ms
