"""What a runner is given: the unit it runs, and the world it runs in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Protocol

from structlog.typing import FilteringBoundLogger

from penstock.crashpoint import CrashPoints
from penstock.fold.limits import Limits
from penstock.fold.protocol import Effect, Fold, Missing, Refold
from penstock.fold.snapshots import SnapshotStore
from penstock.kafka.ports import Kafka

Deliver = Callable[[Sequence[Effect]], Awaitable[None]]
Resolve = Callable[[Missing], Awaitable[None]]
Again = Callable[[int], Awaitable[Refold | None]]


@dataclass(frozen=True, slots=True)
class Unit:
    """One kind of fold and the co-partitioned topics it reads, e.g. "trainer/flights-late".

    `topics` are in the order that breaks ties of event time. `generation` is raised when an input is made anew. A fold may also have
    `resting(record) -> bool`, which says that a folded record was an idle tick, and `pulse(topic, beat)` (see Pulsing).
    `again` looks into the log of a fold that is Unfit at a position: the refold that the log demands from there on, or None.
    """

    name: str
    topics: tuple[str, ...]
    make_fold: Callable[[int], Fold]
    generation: int = 1
    group: str = ""
    again: Again | None = None

    @property
    def consumer_group(self) -> str:
        """The group whose members share the partitions."""
        return self.group or f"penstock.{self.name}"


class Metrics(Protocol):
    """Where the runner counts. Names: see `METRICS`."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None: ...
    def gauge(self, name: str, value: float, **labels: str) -> None: ...


METRICS = {
    "rejected": "counter: records sent to the dead-letter topic, by fold, topic and code",
    "refused": "counter: records of a partition that was not restored yet, by fold",
    "restarts": "counter: lives ended by weather, by fold and kind of error",
    "restored": "counter: folds brought back, by fold",
    "refolds": "counter: folds that went back because their log said so, by fold",
    "bad_snapshots": "counter: snapshots whose digest did not hold, by fold",
    "snapshots": "counter: snapshots stored, by fold",
    "snapshots_failed": "counter: snapshots that could not be stored, by fold",
    "capture_s": "gauge: what the last capture took, by fold",
    "store_s": "gauge: what the last store took, by fold",
    "lag": "gauge: records between what is folded and the end of the log, by fold, topic and partition",
}


class NoMetrics:
    """Counts nothing."""

    def count(self, name: str, amount: float = 1, **labels: str) -> None:
        """See Metrics."""

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """See Metrics."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """Everything that the parts of a runner share."""

    unit: Unit
    kafka: Kafka
    snapshots: SnapshotStore
    deliver: Deliver
    resolve: Resolve
    dlq_topic: Callable[[str], str]
    clock: Callable[[], float]
    wall_ms: Callable[[], int]
    random: Random
    limits: Limits
    instance: str
    service: str
    metrics: Metrics
    log: FilteringBoundLogger
    crash_points: CrashPoints
