"""Crash points: named places between two steps at which a process kills itself, as kill -9 would, if it is asked to.

They are there for the fault campaign (tests/faults), which must hit gaps that last microseconds. Nothing happens at a place that was not
named.
"""

import os
import signal
from collections.abc import Mapping

from penstock.errors import UsageError

POINTS: Mapping[str, str] = {
    "round.folded": "a round is folded, nothing of it is sent",
    "round.sent": "its outputs are acknowledged, its effects are not delivered",
    "snapshot.captured": "a fold is captured, what it has caused may be on its way",
    "snapshot.flushed": "all that it has caused is acknowledged, the snapshot is not stored",
    "snapshot.written": "the snapshot is written, the transaction is not committed",
    "snapshot.stored": "the snapshot is committed, nobody has been told",
    "outbox.read": "the registry has read what waits in its outbox, nothing is sent",
    "outbox.sent": "it is acknowledged, and not marked as sent",
    "outbox.marked": "it is marked as sent, the transaction is not committed",
    "outbox.committed": "the mark is committed",
    "replay.sent": "dead letters are sent again and acknowledged, no note says so",
    "replay.noted": "the note is acknowledged",
}
"""Every crash point, and what is done and not done there."""


class CrashPoints:
    """Ends the process at one point: `asked` is its name and at the how-manieth passing, such as "snapshot.stored:3"; empty: never.

    >>> CrashPoints("").reach("round.sent")
    >>> CrashPoints("round.sent:2").reach("round.sent")
    """

    def __init__(self, asked: str = "") -> None:
        """Raises: UsageError for a point that does not exist: a campaign that never crashes would prove nothing."""
        self._point, _, passing = asked.partition(":")
        if asked and not (self._point in POINTS and (passing or "1").isdecimal() and int(passing or 1) > 0):
            raise UsageError(f"PENSTOCK_CRASH_AT={asked}: no such crash point. Try: one of {', '.join(POINTS)}, and :3 for the third time")
        self._left = int(passing or 1)

    def reach(self, point: str) -> None:
        """Come by a point; return, unless this is where to die."""
        if point != self._point:
            return
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
