"""What one feature remembers of each entity: series of values by key, bounded, with what changed since the last snapshot."""

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Protocol

from msgspec.msgpack import decode, encode

KEYS_MAX = 1_000_000
"""Entities that one feature may remember; beyond it those without news for the longest time are dropped and counted."""
SWEPT_PER_RECORD_MAX = 2


class Series(Protocol):
    """Values of one entity in event time: a window, or the last values."""

    def add(self, time_ms: int, value: Any, horizon_ms: int) -> int: ...
    def as_of(self, time_ms: int, horizon_ms: int) -> Any: ...
    def expired(self, horizon_ms: int) -> bool: ...
    def dump(self) -> list[Any]: ...
    def load(self, state: list[Any]) -> None: ...


class Table:
    """The series of one feature by entity, in the order of their last news; `definition` says what they hold.

    `horizon_ms` is the event time that the view's questions have reached: what only an older question could read may go.
    """

    def __init__(self, name: str, definition: str, make: Callable[[], Series], keys_max: int = KEYS_MAX) -> None:
        self.name = name
        self.definition = definition
        self._make = make
        self._keys_max = keys_max
        self._series: OrderedDict[str, Series] = OrderedDict()
        self._changed: set[str] = set()
        self._removed: set[str] = set()
        self._sequence = 0

    def contents(self) -> Iterator[tuple[str, list[Any]]]:
        """Every entity with its series as plain lists, those without news for the longest time first."""
        return ((key, series.dump()) for key, series in self._series.items())

    def add(self, key: str, time_ms: int, value: Any, horizon_ms: int, counts: Counter[str]) -> None:
        """Take one value of one entity in; what had to be dropped for want of room is counted."""
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = self._make()
        self._series.move_to_end(key)
        self._changed.add(key)
        self._removed.discard(key)
        dropped = series.add(time_ms, value, horizon_ms)
        if dropped:
            counts[f"{self.name}.entries.dropped"] += dropped
        self._sweep(horizon_ms, counts)

    def as_of(self, key: str, time_ms: int, horizon_ms: int) -> Any:
        """The feature of one entity at `time_ms`; None where nothing is known."""
        series = self._series.get(key)
        return None if series is None else series.as_of(time_ms, horizon_ms)

    def changes(self) -> list[tuple[str, bytes | None]]:
        """Each key that changed since the last call, with its state; None: it is gone."""
        gone: list[tuple[str, bytes | None]] = [(key, None) for key in sorted(self._removed)]
        # Those that changed are the last ones in the order of news; numbers keep that order across a restore.
        newest_first = list(islice(reversed(self._series), len(self._changed)))
        self._sequence += len(newest_first)
        numbers = range(self._sequence, 0, -1)
        there = [(key, encode([number, *self._series[key].dump()])) for number, key in zip(numbers, newest_first, strict=False)]
        self._changed.clear()
        self._removed.clear()
        return gone + there

    def load(self, states: list[tuple[str, bytes]]) -> None:
        """Take back every key that `changes` gave, in any order."""
        rows = sorted((number, key, state) for key, data in states for number, *state in (decode(data),))
        self._series.clear()
        for _, key, state in rows:
            self._series[key] = self._make()
            self._series[key].load(state)
        self._sequence = rows[-1][0] if rows else 0
        self._changed.clear()
        self._removed.clear()

    def _sweep(self, horizon_ms: int, counts: Counter[str]) -> None:
        for _ in range(SWEPT_PER_RECORD_MAX):
            key, series = next(iter(self._series.items()))
            if len(self._series) > self._keys_max:
                counts[f"{self.name}.keys.dropped"] += 1
            elif not series.expired(horizon_ms):
                return
            del self._series[key]
            self._changed.discard(key)
            self._removed.add(key)
            if not self._series:
                return
