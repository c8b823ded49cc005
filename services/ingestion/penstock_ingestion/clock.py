"""The clock of one input partition: the highest event time so far, which no single record can throw far ahead."""

from penstock.fold.protocol import Poison

TICK_JUMPS_MAX = 10
"""A tick may jump this many times as far as an event: it is sent on purpose, and the last one has to close what is open."""


class Clock:
    """The highest event time seen (ms), None before the first record.

    An event may move it forward by at most `jump_ms_max`, a tick by ten times that: one record from 2099 must not expire the world. The
    first record sets it, and is held to the same distances from its append time: a replay lies in the past. Append time is the broker's
    own, so a clock that only append time has moved may follow it any distance (a stream without event times may be silent for long).

    >>> clock = Clock(jump_ms_max=100)
    >>> clock.check(7_000, append_time_ms=9_000), clock.advance(7_000), clock.check(7_100, 9_000), clock.check_tick(8_000, 9_000)
    (None, 7000, None, None)
    >>> clock.check(7_101, 9_000)
    Traceback (most recent call last):
    penstock.fold.protocol.Poison: time_jump: more than 100 ms ahead of every record before it. If that is right, send a tick first
    >>> Clock(jump_ms_max=100).check(9_101, append_time_ms=9_000)
    Traceback (most recent call last):
    penstock.fold.protocol.Poison: time_jump: more than 100 ms ahead of its append time. If that is right, raise max_jump
    """

    __slots__ = ("_append_time_only", "_jump_ms_max", "_late_ms_max", "highest_ms")

    def __init__(self, jump_ms_max: int, late_ms_max: int | None = None) -> None:
        self.highest_ms: int | None = None
        self._append_time_only = True
        self._jump_ms_max = jump_ms_max
        self._late_ms_max = late_ms_max

    def check(self, time_ms: int, append_time_ms: int, appended: bool = False) -> None:
        """Raises: Poison("time_jump") if an event of this time comes too soon, Poison("too_late") if it is too far behind.

        `appended`: the time is the record's append time.
        """
        if self._late_ms_max is not None and self.behind_ms(time_ms) > self._late_ms_max:
            raise Poison("too_late", f"more than {self._late_ms_max} ms behind the newest event of its partition")
        if not (appended and self._append_time_only):
            self._check(time_ms, append_time_ms, self._jump_ms_max)

    def check_tick(self, time_ms: int, append_time_ms: int) -> None:
        """Raises: Poison("time_jump") if a tick of this time comes too soon."""
        self._check(time_ms, append_time_ms, self._jump_ms_max * TICK_JUMPS_MAX)

    def behind_ms(self, time_ms: int) -> int:
        """How far an event of this time is behind the highest one; 0 if it is not."""
        return 0 if self.highest_ms is None else max(0, self.highest_ms - time_ms)

    def advance(self, time_ms: int, appended: bool = False) -> int:
        """Note that an event has this time; the clock never goes back. Returns the highest time."""
        self._append_time_only = self._append_time_only and appended
        return self.advance_tick(time_ms)

    def advance_tick(self, time_ms: int) -> int:
        """Note that a tick has this time; it says nothing about whose clock the events follow. Returns the highest time."""
        if self.highest_ms is None or time_ms > self.highest_ms:
            self.highest_ms = time_ms
        return self.highest_ms

    def dump(self) -> list[int | bool | None]:
        """The state as a plain list."""
        return [self.highest_ms, self._append_time_only]

    def load(self, state: list[int | None]) -> None:
        """Take back what `dump` gave."""
        self.highest_ms, self._append_time_only = state[0], bool(state[1])

    def _check(self, time_ms: int, append_time_ms: int, jump_ms_max: int) -> None:
        if time_ms < 0:
            raise Poison("out_of_range", "the event time is before 1970")
        if self.highest_ms is None and time_ms > append_time_ms + jump_ms_max:
            raise Poison("time_jump", f"more than {jump_ms_max} ms ahead of its append time. If that is right, raise max_jump")
        if self.highest_ms is not None and time_ms > self.highest_ms + jump_ms_max:
            reason = f"more than {jump_ms_max} ms ahead of every record before it. If that is right, send a tick first"
            raise Poison("time_jump", reason)
