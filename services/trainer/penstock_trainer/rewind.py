"""Rewinds: what of a log a model must not have learned, or learned otherwise, and what the fold remembers of each (ADR 0018)."""

from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from typing import Any, NamedTuple

import msgspec

from penstock.fold.cuts import Cut, Cuts
from penstock.fold.protocol import Effect, Output, Poison, Record, Refold
from penstock_trainer.corrections import Correction, index
from penstock_trainer.pending import Entry

CUT_RECORDS_MAX = 250_000
"""Records that one rewind may cut: what they end is told at the command, about 1 kB of memory for each."""
WRONG = "wrong_rewind"
"""The code of a command that makes no sense, among the dead letters."""


@dataclass(frozen=True, slots=True)
class Rewind:
    """A change of what was learned, at `position`: what a command there cuts, or what corrections are due; and how things stood then.

    `versions`: the learner of every version there had been, by number; `champion` and `serving`: who served, by which Serve. A refold
    gives other versions under the same numbers, so it must be told which numbers the world knows.
    """

    position: int
    cause: str
    cuts: tuple[tuple[int, int], ...]
    versions: dict[int, str]
    champion: int
    serving: tuple[int, int]
    corrections: tuple[Correction, ...] = ()


class Revised(NamedTuple):
    """A prediction that ends otherwise than was told: with this label, or quarantined."""

    asked: Entry
    label: Any = None
    label_offset: int = -1


class Rewinds:
    """Every rewind of a log, oldest first, and the refold that is under way; `epoch` counts them."""

    def __init__(self) -> None:
        self.all: list[Rewind] = []
        self.cuts = Cuts()
        self.until: int | None = None
        self.began = 0  # where the last refold began; no part of the state
        self._revised: list[Revised] = []
        self.corrected: dict[int, tuple[int, Correction]] = {}  # by prediction: since which epoch, and its right label
        self._places: dict[int, Rewind] = {}  # where corrections are learned

    @property
    def epoch(self) -> int:
        """How many rewinds shape the state."""
        return len(self.all)

    def ask(self, rewind: Rewind, to: int, caused: Sequence[Output | Effect]) -> Refold:
        """The refold that a new command needs."""
        every = [*self.all, rewind]
        return Refold(to, rewind.position, _changes(every), msgspec.msgpack.encode(_rows(every)), caused)

    def begin(self, refold: Refold, position: int) -> None:
        """From this position on the log is folded again, up to the command that `refold` comes from."""
        self.load(msgspec.msgpack.decode(refold.memory))
        self.until, self.began, self._revised = refold.until, position, []

    def note(self, offset: int, asked: Entry) -> None:
        """A refold has ended a prediction because of the cut at this offset: told at the command, unless a command before has told it."""
        if self.cuts.brought(offset) == self.epoch:
            self._revised.append(Revised(asked))

    def correct(self, asked: Entry, label: Any, label_offset: int) -> Any:
        """The label as it is to be learned; what a refold changes is told at its end."""
        epoch, right = self.corrected.get(asked.offset, (0, None))
        if right is None:
            return label
        label = {**label, "value": right.value}
        if epoch == self.epoch:
            self._revised.append(Revised(asked, label, label_offset))
        return label

    def supersedes(self, asked: int, offset: int) -> bool:
        """Whether what a label at this offset says of a prediction is known: it, or a later one, is what was learned from the start."""
        return asked in self.corrected and self.corrected[asked][1].offset >= offset

    def of(self, cause: str) -> Rewind | None:
        """The rewind of a command; None if it is new."""
        return next((rewind for rewind in self.all if rewind.cause == cause), None)

    def at(self, offset: int) -> Rewind | None:
        """The corrections that are learned behind the record at this offset."""
        return self._places.get(offset)

    def finish(self, offset: int) -> list[Revised]:
        """At the record where the refold ends: the predictions whose end it has changed. Before it: none."""
        if offset != self.until:
            return []
        revised, self._revised, self.until = self._revised, [], None
        return revised

    def dump(self) -> list[Any]:
        """The state as plain lists; a refold that is under way is no part of it, since no snapshot is taken then."""
        return _rows(self.all)

    def load(self, rows: Sequence[Sequence[Any]]) -> None:
        """Take back what `dump` gave."""
        self.all = [
            Rewind(position, cause, tuple((start, end) for start, end in cuts), versions, champion, (serving[0], serving[1]), right)
            for position, cause, cuts, versions, champion, serving, corrections in rows
            for right in [tuple(Correction(*each) for each in corrections)]
        ]
        self.cuts, self.until = Cuts(_cuts(self.all)), None
        valid = (
            (epoch, each) for epoch, rewind in enumerate(self.all, 1) for each in rewind.corrections if not self.cuts.hold(each.offset)
        )
        self.corrected = index(valid)
        self._places = {rewind.position: rewind for rewind in self.all if rewind.corrections}


def cuts_of(value: Any, record: Record, spec_version: int) -> tuple[tuple[int, int], ...]:
    """What a Rewound at this place cuts: what it names, or everything from its `to` up to itself. Raises: Poison."""
    to, here = value["to"], record.offset
    cuts = tuple((cut["start"], cut["end"]) for cut in value["cuts"]) or ((to, here),)
    if spec_version == 0:
        raise Poison(WRONG, "there is no specification before it")
    if to < 0 or not all(to <= start < end <= here for start, end in cuts):
        raise Poison(WRONG, f"it cuts {cuts} of what stands from {to} up to {here}")
    return cuts


def _cuts(rewinds: Sequence[Rewind]) -> list[Cut]:
    return [Cut(start, end, epoch) for epoch, rewind in enumerate(rewinds, 1) for start, end in rewind.cuts]


def _changes(rewinds: Sequence[Rewind]) -> Iterator[Cut]:
    """Where each epoch has changed what is learned: what it cuts, what it corrects, and what was corrected by what it cuts."""
    cuts = _cuts(rewinds)
    yield from cuts
    for epoch, rewind in enumerate(rewinds, 1):
        for each in rewind.corrections:
            yield Cut(each.asked, each.asked + 1, epoch)
            yield from (Cut(each.asked, each.asked + 1, cut.epoch) for cut in cuts if cut.start <= each.offset < cut.end)


def _rows(rewinds: Sequence[Rewind]) -> list[Any]:
    return [list(astuple(rewind)) for rewind in rewinds]
