"""The clock of a fold: a watermark of event time, the minimum over sources of the highest event time seen."""

from typing import Any

Source = tuple[str, int]  # origin topic and partition
BEGINNING_MS = -62_135_596_800_000
"""0001-01-01T00:00:00Z, where the clock starts: RFC 3339 has nothing earlier, and it can still be shown as a date."""


class Watermark:
    """Event time that every source which is not idle has reached, in ms; it never goes back.

    A source is an origin partition. Events and ticks move it; an idle tick takes it out of the minimum until it speaks again.
    Source: Akidau et al., The Dataflow Model (VLDB 2015), low watermark.

    >>> clock = Watermark()
    >>> clock.advance(("a", 0), 100), clock.advance(("a", 1), 50), clock.value
    (True, False, 100)
    >>> clock.advance(("a", 1), 120), clock.advance(("a", 0), 130), clock.value
    (False, True, 120)
    >>> clock.rest(("a", 1)), clock.value
    (True, 130)
    >>> clock.rest(("a", 0)), clock.idle
    (False, True)
    """

    __slots__ = ("_highest", "_idle", "value")

    def __init__(self) -> None:
        self.value = BEGINNING_MS
        self._highest: dict[Source, int] = {}
        self._idle: set[Source] = set()

    @property
    def idle(self) -> bool:
        """Every source that has spoken is idle now; False before the first."""
        return bool(self._highest) and len(self._idle) == len(self._highest)

    def advance(self, source: Source, time_ms: int) -> bool:
        """Note that `source` has reached `time_ms`; True if the watermark moved."""
        self._idle.discard(source)
        self._highest[source] = max(time_ms, self._highest.get(source, time_ms))
        return self._recompute()

    def rest(self, source: Source) -> bool:
        """Note that `source` is idle; True if the watermark moved."""
        self._highest.setdefault(source, BEGINNING_MS)
        self._idle.add(source)
        return self._recompute()

    def _recompute(self) -> bool:
        if len(self._highest) == 1:
            lowest = next(iter(self._highest.values()))
        else:
            awake = [time for source, time in self._highest.items() if source not in self._idle]
            lowest = min(awake) if awake else max(self._highest.values())
        if lowest <= self.value:
            return False
        self.value = lowest
        return True

    def dump(self) -> list[Any]:
        """The state as plain lists, in canonical order."""
        return [self.value, [[*source, time, source in self._idle] for source, time in sorted(self._highest.items())]]

    def load(self, state: list[Any]) -> None:
        """Take back what `dump` gave."""
        self.value = state[0]
        self._highest = {(topic, partition): time for topic, partition, time, _ in state[1]}
        self._idle = {(topic, partition) for topic, partition, _, idle in state[1] if idle}
