"""How far in event time a record reaches through the computed features of a view."""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from penstock.spec import Aggregate, Last, Stream

Windowed = Last | Aggregate
FOR_EVER_MS = 1 << 62


class Reach:
    """The times at which one computed feature shows touched events of its stream.

    Conservative: a window shows an event from its time on for the length of the window, whatever the aggregate makes of it; a last value
    until an event that is not touched takes its place, or until it is too old.

    >>> reach = Reach(Aggregate("mean", "rides", "delay", window_ms=100), "city")
    >>> reach.touched({"city": "Ulm"}, 1_000)
    >>> reach.shows({"city": "Ulm"}, 1_100), reach.shows({"city": "Ulm"}, 1_101), reach.shows({"city": "Köln"}, 1_050)
    (True, False, False)
    """

    def __init__(self, compute: Windowed, key: str) -> None:
        self._by = compute.by or key
        self._lasts = isinstance(compute, Last)
        self._for_ms = _window_ms(compute)
        self._touched: defaultdict[Any, list[int]] = defaultdict(list)
        self._others: defaultdict[Any, list[int]] = defaultdict(list)

    def touched(self, event: Mapping[str, Any], time_ms: int) -> None:
        """A touched event of the stream that the feature reads."""
        insort(self._touched[event[self._by]], time_ms)

    def untouched(self, event: Mapping[str, Any], time_ms: int) -> None:
        """Another event of that stream; those before the first touched one of their value are of no account."""
        if self._lasts and event[self._by] in self._touched:
            insort(self._others[event[self._by]], time_ms)

    def shows(self, event: Mapping[str, Any], time_ms: int) -> bool:
        """Whether the feature of an event that asks may show a touched one."""
        value = event[self._by]
        times = self._touched.get(value, ())
        before = bisect_right(times, time_ms)
        if not before or time_ms - times[before - 1] > self._for_ms:
            return False
        others = self._others.get(value, ())
        return bisect_right(others, time_ms) == bisect_right(others, times[before - 1])


def reaches(computes: Mapping[str, Any], stream: Stream) -> list[Reach]:
    """The reach of every computed feature of a view that reads `stream`."""
    return [Reach(each, stream.key) for each in computes.values() if isinstance(each, Windowed) and each.stream == stream.name]


def _window_ms(compute: Windowed) -> int:
    if isinstance(compute, Aggregate):
        return compute.window_ms
    return FOR_EVER_MS if compute.max_age_ms is None else compute.max_age_ms
