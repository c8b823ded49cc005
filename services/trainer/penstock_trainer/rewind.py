"""Rewinds: what of a log a model must not have learned, and what the fold remembers of each command that says so (ADR 0017)."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass
from typing import Any

import msgspec

from penstock.fold.cuts import Cut, Cuts
from penstock.fold.protocol import Effect, Output, Poison, Record, Refold
from penstock_trainer.pending import Entry

CUT_RECORDS_MAX = 250_000
"""Records that one rewind may cut: what they end is told at the command, about 1 kB of memory for each."""
WRONG = "wrong_rewind"
"""The code of a command that makes no sense, among the dead letters."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """One command, at `position`: what it cuts, and how things stood when it was first read.

    `versions`: the learner of every version there had been, by number; `champion` and `serving`: who served, by which Serve. A refold
    gives other versions under the same numbers, so it must be told which numbers the world knows.
    """

    position: int
    cause: str
    cuts: tuple[tuple[int, int], ...]
    versions: dict[int, str]
    champion: int
    serving: tuple[int, int]


class Rewinds:
    """Every rewind of a log, oldest first, and the refold that is under way; `epoch` counts them."""

    def __init__(self) -> None:
        self.all: list[Rewind] = []
        self.cuts = Cuts()
        self.until: int | None = None
        self.began = 0  # where the last refold began; no part of the state
        self._revised: list[Entry] = []

    @property
    def epoch(self) -> int:
        """How many rewinds shape the state."""
        return len(self.all)

    def ask(self, rewind: Rewind, to: int, caused: Sequence[Output | Effect]) -> Refold:
        """The refold that a new command needs."""
        every = [*self.all, rewind]
        return Refold(to, rewind.position, _cuts(every), msgspec.msgpack.encode([astuple(each) for each in every]), caused)

    def begin(self, refold: Refold, position: int) -> None:
        """From this position on the log is folded again, up to the command that `refold` comes from."""
        self.load(msgspec.msgpack.decode(refold.memory))
        self.until, self.began, self._revised = refold.until, position, []

    def note(self, offset: int, asked: Entry) -> None:
        """A refold has ended a prediction because of the cut at this offset: told at the command, unless a command before has told it."""
        if self.cuts.brought(offset) == self.epoch:
            self._revised.append(asked)

    def reach(self, cause: str, offset: int) -> tuple[Rewind | None, list[Entry]]:
        """The command of this cause, None if it is new; and, where it ends the refold, the predictions whose end it has changed."""
        found = next((rewind for rewind in self.all if rewind.cause == cause), None)
        if offset != self.until:
            return found, []
        revised, self._revised, self.until = self._revised, [], None
        return found, revised

    def dump(self) -> list[Any]:
        """The state as plain lists; a refold that is under way is no part of it, since no snapshot is taken then."""
        return [list(astuple(rewind)) for rewind in self.all]

    def load(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take back what `dump` gave."""
        self.all = [
            Rewind(position, cause, tuple((start, end) for start, end in cuts), dict(versions), champion, (serving[0], serving[1]))
            for position, cause, cuts, versions, champion, serving in rows
        ]
        self.cuts, self.until = _cuts(self.all), None


def cuts_of(value: Any, record: Record, spec_version: int) -> tuple[tuple[int, int], ...]:
    """What a Rewound at this place cuts: what it names, or everything from its `to` up to itself. Raises: Poison."""
    to, here = value["to"], record.offset
    cuts = tuple((cut["start"], cut["end"]) for cut in value["cuts"]) or ((to, here),)
    if spec_version == 0:
        raise Poison(WRONG, "there is no specification before it")
    if to < 0 or not all(to <= start < end <= here for start, end in cuts):
        raise Poison(WRONG, f"it cuts {cuts} of what stands from {to} up to {here}")
    return cuts


def _cuts(rewinds: Sequence[Rewind]) -> Cuts:
    return Cuts(Cut(start, end, epoch) for epoch, rewind in enumerate(rewinds, 1) for start, end in rewind.cuts)
