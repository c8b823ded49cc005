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

    A rebuild changes under which `runtime` the whole log is folded; below `told` everything was told under the one before (ADR 0022).
    """

    position: int
    cause: str
    cuts: tuple[tuple[int, int], ...]
    versions: dict[int, str]
    champion: int
    serving: tuple[int, int]
    corrections: tuple[Correction, ...] = ()
    runtime: str = ""
    told: int = 0


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
        self._told = 0  # of a refold that is under way: what stands below it was told before
        self._told_epochs = 0
        self._known_until = -1  # up to here everything that changes what is learned is known
        self._revised: list[Revised] = []
        self.corrected: dict[int, tuple[int, Correction]] = {}  # by prediction: since which epoch, and its right label
        self._places: dict[int, Rewind] = {}  # where corrections are learned

    @property
    def epoch(self) -> int:
        """How many rewinds shape the state."""
        return len(self.all)

    def ask(self, rewind: Rewind, to: int, caused: Sequence[Output | Effect]) -> Refold:
        """The refold that a new command needs; one that is met on the way to a rebuild has the whole log folded again."""
        every = _in_order([*self.all, rewind])
        if self.until is not None:
            to, caused = 0, ()
        return Refold(to, max(rewind.position, self.until or 0), _changes(every), msgspec.msgpack.encode(_rows(every)), caused)

    def begin(self, refold: Refold, position: int) -> None:
        """From this position on the log is folded again, up to the command that `refold` comes from."""
        self.load(msgspec.msgpack.decode(refold.memory))
        self.until, self.began, self._revised = refold.until, position, []
        rebuild = next((each for each in self.all if each.runtime and each.position == refold.until), None)
        self._told = rebuild.told if rebuild else refold.until
        self._told_epochs = sum(each.position < self._told for each in self.all)
        self._known_until = max((each.position for each in self.all if each is not rebuild), default=-1)

    def meet(self, rebuild: Rewind) -> None:
        """A rebuild is met: how things stand at it is known only now."""
        self._set([*(each for each in self.all if each.cause != rebuild.cause), rebuild])

    def tells(self, offset: int) -> bool:
        """Whether what the record at this offset causes is told: on the way back to a command only what was not told before."""
        return self.until is None or offset >= self._told

    def knew(self, version: int, offset: int) -> bool:
        """Whether a version that was named here, before a rebuild, is one that the world knew, though another runtime gives none."""
        return any(version in each.versions for each in self.all if each.runtime and each.position > offset)

    def knows(self, offset: int) -> bool:
        """Whether a refold passes a record of which it knows all that can come of it."""
        return self.until is not None and offset <= self._known_until

    def note(self, offset: int, asked: Entry) -> None:
        """A refold has ended a prediction because of the cut at this offset: told at the command, unless a command before has told it."""
        if self.until is not None and self.cuts.brought(offset) > self._told_epochs:
            self._revised.append(Revised(asked))

    def correct(self, asked: Entry, label: Any, label_offset: int) -> Any:
        """The label as it is to be learned; what a refold changes is told at its end."""
        epoch, right = self.corrected.get(asked.offset, (0, None))
        if right is None:
            return label
        label = {**label, "value": right.value}
        if self.until is not None and epoch > self._told_epochs:
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
        self._set([_rewind_of(row) for row in rows])
        self.until = None

    def _set(self, rewinds: Sequence[Rewind]) -> None:
        self.all = _in_order(rewinds)
        self.cuts = Cuts(_cuts(self.all))
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


def _in_order(rewinds: Sequence[Rewind]) -> list[Rewind]:
    return sorted(rewinds, key=lambda each: each.position)


def _cuts(rewinds: Sequence[Rewind]) -> list[Cut]:
    return [Cut(start, end, epoch) for epoch, rewind in enumerate(rewinds, 1) for start, end in rewind.cuts]


def _changes(rewinds: Sequence[Rewind]) -> Iterator[Cut]:
    """Where each epoch has changed what is learned: what it cuts or corrects, what was corrected by what it cuts; a rebuild all."""
    cuts = _cuts(rewinds)
    yield from cuts
    for epoch, rewind in enumerate(rewinds, 1):
        if rewind.runtime:
            yield Cut(0, rewind.position, epoch)
        for each in rewind.corrections:
            yield Cut(each.asked, each.asked + 1, epoch)
            yield from (Cut(each.asked, each.asked + 1, cut.epoch) for cut in cuts if cut.start <= each.offset < cut.end)


def _rewind_of(row: Sequence[Any]) -> Rewind:
    position, cause, cuts, versions, champion, serving, corrections, *rebuild = row  # one of before there were rebuilds has no more
    right = tuple(Correction(*each) for each in corrections)
    return Rewind(
        position, cause, tuple((start, end) for start, end in cuts), versions, champion, (serving[0], serving[1]), right, *rebuild
    )


def _rows(rewinds: Sequence[Rewind]) -> list[Any]:
    return [list(astuple(rewind)) for rewind in rewinds]
