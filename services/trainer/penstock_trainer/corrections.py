"""Corrections: labels that contradict what was learned, gathered for a while of event time, and then learned together by a refold."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

NEVER_MS = 1 << 62
GATHERED_MAX = 10_000
"""Corrections that wait; when so many do, they wait no longer."""


class Correction(NamedTuple):
    """The right label of the prediction at offset `asked`, as the label at `offset` says it."""

    asked: int
    value: Any
    offset: int


class Corrections:
    """What waits to be learned; of several for one prediction the last one counts. `due_ms`: the watermark at which it is due.

    >>> waiting = Corrections()
    >>> waiting.gather(Correction(7, True, 90), now_ms=1_000, wait_ms=500)
    >>> waiting.gather(Correction(8, True, 95), now_ms=1_400, wait_ms=500)
    >>> waiting.gather(Correction(7, False, 99), now_ms=1_400, wait_ms=500)
    >>> waiting.due_ms, [(each.asked, each.value) for each in waiting.all()]
    (1500, [(7, False), (8, True)])
    >>> waiting.withdraw(7); waiting.withdraw(8); waiting.due_ms == NEVER_MS
    True
    """

    def __init__(self) -> None:
        self.due_ms = NEVER_MS
        self._waiting: dict[int, Correction] = {}

    def gather(self, correction: Correction, now_ms: int, wait_ms: int) -> None:
        """Let a correction wait for others; the first one says how long."""
        if not self._waiting:
            self.due_ms = now_ms + wait_ms
        self._waiting[correction.asked] = correction
        if len(self._waiting) >= GATHERED_MAX:
            self.due_ms = -NEVER_MS

    def withdraw(self, asked: int) -> None:
        """What was learned was said again."""
        self._waiting.pop(asked, None)
        if not self._waiting:
            self.due_ms = NEVER_MS

    def all(self) -> list[Correction]:
        """What waits, in the order of the log."""
        return sorted(self._waiting.values(), key=lambda each: each.asked)

    def dump(self) -> list[Any]:
        """The state as plain lists."""
        return [self.due_ms, [list(each) for each in self.all()]]

    def load(self, state: Sequence[Any]) -> None:
        """Take back what `dump` gave."""
        due_ms, rows = state
        self.due_ms, self._waiting = due_ms, {row[0]: Correction(*row) for row in rows}


def index(corrections: Iterable[tuple[int, Correction]]) -> dict[int, tuple[int, Correction]]:
    """By prediction the epoch and the correction that count: of several the last label."""
    found: dict[int, tuple[int, Correction]] = {}
    for epoch, correction in corrections:
        if correction.asked not in found or found[correction.asked][1].offset < correction.offset:
            found[correction.asked] = epoch, correction
    return found
