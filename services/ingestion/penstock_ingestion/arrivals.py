"""When the newest event of a partition was appended, and how many come in a minute: what freshness and rate are told from."""

MINUTE_MS = 60_000


class Arrivals:
    """Events by the minute of their append: this minute's, and those of the minute before it.

    Append time comes with the record, so that two folds of one log say the same.

    >>> arrivals = Arrivals()
    >>> for second in range(90):
    ...     arrivals.note(second * 1_000)
    >>> arrivals.newest_ms, arrivals.per_s(now_ms=90_000), arrivals.per_s(now_ms=150_000), arrivals.per_s(now_ms=210_000)
    (89000, 1.0, 0.5, 0.0)
    """

    __slots__ = ("_before", "_in_minute", "_minute", "newest_ms")

    def __init__(self) -> None:
        self.newest_ms: int | None = None
        self._minute = self._in_minute = self._before = 0

    def note(self, append_time_ms: int) -> None:
        """Count an event."""
        self.newest_ms = append_time_ms
        minute = append_time_ms // MINUTE_MS
        if minute != self._minute:
            self._before = self._in_minute if minute == self._minute + 1 else 0
            self._minute, self._in_minute = minute, 0
        self._in_minute += 1

    def per_s(self, now_ms: int) -> float:
        """Events per second in the last whole minute before now."""
        return {self._minute: self._before, self._minute + 1: self._in_minute}.get(now_ms // MINUTE_MS, 0) / 60

    def dump(self) -> list[int | None]:
        """The state as a plain list."""
        return [self.newest_ms, self._minute, self._in_minute, self._before]

    def load(self, state: list[int]) -> None:
        """Take back what `dump` gave."""
        self.newest_ms, self._minute, self._in_minute, self._before = state
