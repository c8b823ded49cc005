"""The clock of a fold: a watermark of event time, the minimum over sources of the highest event time seen."""

from typing import Any

Source = tuple[str, int]  # origin topic and partition
BEGINNING_MS = -62_135_596_800_000
"""0001-01-01T00:00:00Z, where the clock starts: RFC 3339 has nothing earlier, and it can still be shown as a date."""


class Watermark:
    """Event time that every source has reached, in ms; it never goes back.

    A source is an origin partition, and there are `sources` of them: until each has spoken or rested, the clock stands at BEGINNING_MS,
    since nobody knows where the others are. Events and ticks move it. An idle tick says that its source has had nothing up to here: it
    lifts the source to where the others are at this place of the log, and no further, so that one whose path is cut holds the clock
    (ADR 0016). Source: Akidau et al., The Dataflow Model (VLDB 2015), low watermark.

    >>> clock = Watermark(sources=2)
    >>> clock.advance(("a", 0), 100), clock.advance(("a", 1), 50), clock.value
    (False, True, 50)
    >>> clock.advance(("a", 1), 120), clock.advance(("a", 0), 130), clock.value
    (True, True, 120)
    >>> clock.rest(("a", 1)), clock.value
    (True, 130)
    >>> clock.advance(("a", 0), 150), clock.rest(("a", 1)), clock.value
    (False, True, 150)
    """

    __slots__ = ("_highest", "_idle", "sources", "value")

    def __init__(self, sources: int = 1) -> None:
        self.value = BEGINNING_MS
        self.sources = sources
        self._highest: dict[Source, int] = {}
        self._idle: set[Source] = set()

    @property
    def idle(self) -> bool:
        """Every source is idle now; False until each has spoken or rested."""
        return self._complete and len(self._idle) == len(self._highest)

    @property
    def _complete(self) -> bool:
        return len(self._highest) >= max(1, self.sources)

    def expect(self, sources: int) -> bool:
        """So many sources feed the clock from now on; True if the watermark moved."""
        self.sources = sources
        return self._recompute()

    def advance(self, source: Source, time_ms: int) -> bool:
        """Note that `source` has reached `time_ms`; True if the watermark moved."""
        self._idle.discard(source)
        self._highest[source] = max(time_ms, self._highest.get(source, time_ms))
        return self._recompute()

    def rest(self, source: Source) -> bool:
        """Note that `source` has had nothing up to here; True if the watermark moved."""
        self._highest.setdefault(source, BEGINNING_MS)
        self._idle.add(source)
        if self._complete:
            awake = [time for each, time in self._highest.items() if each not in self._idle]
            others_ms = min(awake) if awake else max(self._highest.values())
            self._highest[source] = max(self._highest[source], others_ms)
        return self._recompute()

    def _recompute(self) -> bool:
        if not self._complete:
            return False
        lowest = min(self._highest.values())
        if lowest <= self.value:
            return False
        self.value = lowest
        return True

    def dump(self) -> list[Any]:
        """The state as plain lists, in canonical order; how many sources there are is not a part of it."""
        return [self.value, [[*source, time, source in self._idle] for source, time in sorted(self._highest.items())]]

    def load(self, state: list[Any]) -> None:
        """Take back what `dump` gave."""
        self.value = state[0]
        self._highest = {(topic, partition): time for topic, partition, time, _ in state[1]}
        self._idle = {(topic, partition) for topic, partition, _, idle in state[1] if idle}
