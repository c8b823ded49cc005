"""When an input is to say how far it has come: now and then while it moves, at once when it falls silent, then less and less often."""

from enum import Enum

from penstock.fold.limits import Limits


class Beat(Enum):
    """What there is to say of an input."""

    MOVING = "it has moved since the last beat"
    IDLE = "it has been at its end for a while"
    STILL_IDLE = "it still is"


class Pulse:
    """The beats of one input.

    Silence counts only while somebody looks: after a pause of the process nobody knows what has come meanwhile, and it begins anew.
    """

    __slots__ = ("_limits", "_looked_s", "_moved", "_said_s", "_silent_s", "_wait_s")

    def __init__(self, limits: Limits, now_s: float) -> None:
        self._limits = limits
        self._silent_s = self._looked_s = self._said_s = now_s
        self._wait_s = 0.0  # before the next idle beat; 0: none has been given since it last moved
        self._moved = False

    def move(self, now_s: float) -> None:
        """A record of this input has been folded."""
        self._silent_s = now_s
        self._wait_s = 0.0
        self._moved = True

    def beat(self, at_end: bool, now_s: float) -> Beat | None:
        """What is to be said now. `at_end`: all that its log holds has been folded."""
        after_s = self._limits.idle_after_s
        if not at_end or now_s - self._looked_s > after_s + self._limits.poll_ms / 1000:
            self._silent_s = now_s
        self._looked_s = now_s
        if now_s - self._silent_s >= after_s:
            return self._idle(now_s)
        if self._moved and now_s - self._said_s >= after_s:
            self._moved, self._said_s = False, now_s
            return Beat.MOVING
        return None

    def _idle(self, now_s: float) -> Beat | None:
        if self._wait_s and now_s - self._said_s < self._wait_s:
            return None
        beat = Beat.STILL_IDLE if self._wait_s else Beat.IDLE
        self._wait_s = min(max(self._limits.idle_after_s, 2 * self._wait_s), self._limits.idle_again_max_s)
        self._moved, self._said_s = False, now_s
        return beat
