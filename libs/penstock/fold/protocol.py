"""What a fold is, what it takes and what it gives back: the contract between every service and the runner."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol, runtime_checkable

from penstock.errors import PenstockError
from penstock.fold.cuts import Cut
from penstock.fold.pulse import Beat

Header = tuple[str, bytes | None]


class Record(Protocol):
    """One record of a Kafka partition; aiokafka's ConsumerRecord fits as it is.

    `timestamp` is the append time in ms since the epoch (the topics use LogAppendTime).
    """

    @property
    def topic(self) -> str: ...
    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Sequence[Header]: ...


class LogRecord(NamedTuple):
    """A record held in memory: in the twin of Kafka, in the simulation, in tests."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


class Output(NamedTuple):
    """A record that a step caused; only the runner sends it."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[Header] = ()


class Effect:
    """Something that a step caused outside Kafka (a checkpoint for the registry, an online value).

    Effects are delivered in order, at least once, before a snapshot that contains their step is stored: they must be idempotent.
    """

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Segment:
    """An immutable piece of bulk state; `id` is unique within one fold and partition, for ever."""

    id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A fold's whole state at one position: small state, and the segments it refers to (old ones are not stored twice)."""

    state: bytes
    segments: tuple[Segment, ...] = ()


class Fold(Protocol):
    """A deterministic function of one partition of a log, or of co-partitioned ones.

    A step is synchronous and reads nothing but the record and the fold's own state. It may raise `Missing` before it has changed
    anything (the runner brings what is missing and takes the step again), or `Poison`: then the record is consumed, and the runner
    sends it to the dead-letter topic. `counts` is part of the state: what happened, by name, exact across restarts.
    """

    counts: Counter[str]

    def step(self, record: Record) -> Iterable[Output | Effect]: ...
    def snapshot(self) -> Snapshot: ...
    def restore(self, snapshot: Snapshot) -> None: ...


class Pulsing(Protocol):
    """A fold that says now and then how far an input has come (ingestion's ticks)."""

    def pulse(self, topic: str, beat: Beat) -> Iterable[Output | Effect]: ...


@runtime_checkable
class Refolding(Protocol):
    """A fold whose log may say that what stands before is to be folded again: without some of its records, or with others in their place.

    `epoch` counts how often that has happened; it is part of the name of a snapshot. While `refolding` the fold is on its way back to the
    record that asked for it: no snapshot of it is stored, and it says nothing but what nobody has said before (`tells`).
    """

    @property
    def epoch(self) -> int: ...
    @property
    def refolding(self) -> bool: ...
    def tells(self, offset: int) -> bool:
        """Whether what the record at this offset causes is told: behind a refold always, on the way only what was not told before."""
        ...

    def begin(self, refold: "Refold") -> None:
        """After a restore, or new: the log is read from here on, up to `refold.until`, which ends the refold."""


class Refold(Exception):
    """A step cannot be taken from here: the fold must go back and come to this record again, in another epoch.

    It may start from any state below whose position nothing was changed by an epoch after its own: nothing of that has to be done again.
    `changes` says where each epoch has changed something. `to` is a bound: the start is not behind it. `memory` is what the fold wants to
    know then, for the one who restores it nothing but bytes. `caused` is what the epoch that ends here had still to say.

    Whoever drives the fold discards it, restores such a state (or makes a new one), calls `begin`, and folds the log from there. So the
    state behind the record is a function of the log alone, wherever the refold started (ADR 0018).
    """

    def __init__(self, to: int, until: int, changes: Iterable[Cut], memory: bytes, caused: "Sequence[Output | Effect]" = ()) -> None:
        super().__init__(f"to {to}, until {until}")
        self.to = to
        self.until = until
        self.changes = tuple(changes)
        self.memory = memory
        self.caused = caused

    def can_start(self, epoch: int, position: int) -> bool:
        """Whether a state of this epoch, in which every offset below `position` is folded, is one to start from."""
        return position <= self.to and all(change.start >= position for change in self.changes if change.epoch > epoch)


class Unfit(PenstockError):
    """This process cannot fold a log as it stands; others of its folds go on. It may be that the log itself says how (`Unit.again`)."""


class Poison(PenstockError):
    """A record that can never be folded: undecodable, unknown, out of contract. `code` is stable, for routing and counting."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")
        self.code = code
        self.reason = reason


class Missing(Exception):
    """A step needs a blob or a schema that is not here yet: `kind` is "schema" (id) or "blob" (digest)."""

    def __init__(self, kind: str, reference: str) -> None:
        super().__init__(f"{kind} {reference}")
        self.kind = kind
        self.reference = reference
