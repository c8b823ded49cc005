"""What a replay needs not do as the living fold does: the same learners, metrics and decisions, with less work for each record."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from river import metrics

from penstock.errors import PenstockError
from penstock.fold.protocol import Segment
from penstock.fold.segments import SegmentedMap
from penstock.learning import FATAL
from penstock.records import Wire, Writer
from penstock_trainer.fold import TrainerFold
from penstock_trainer.pending import Entry, Pending, State
from penstock_trainer.versions import Call, Version


class PlainPending(Pending):
    """Pending entries as they are: a replay takes no snapshots, so that nothing is packed into bytes or kept in segments."""

    def __init__(self) -> None:
        super().__init__()
        self._plain: dict[str, Entry] = {}

    def get(self, event_id: str) -> Entry | None:
        """See Pending."""
        return self._plain.get(event_id)

    def _store(self, event_id: str, entry: Entry) -> None:
        self._plain[event_id] = entry

    def _ids(self) -> list[str]:
        return sorted(self._plain)

    def _forget(self, event_id: str) -> None:
        entry = self._plain.pop(event_id, None)
        self.open_count -= entry is not None and entry.state is State.OPEN

    def capture(self) -> tuple[Any, Sequence[Segment]]:
        """A replay has nothing to store."""
        raise NotImplementedError("a replay takes no snapshot")

    def restore(self, manifest: Any, segments: Sequence[Segment]) -> None:
        """See Pending."""
        super().restore(manifest, segments)
        self._plain = {event_id: Entry.unpack(data) for event_id, data in self._entries.unordered()}
        self._entries = SegmentedMap("pending")


class CountedRocauc:
    """River's ROCAUC with one count for each answer in place of ten confusion matrices; `get` asks River.

    An answer lies behind so many of the thresholds; how many answers of each class lie where is all that the matrices hold.
    """

    def __init__(self, origin: metrics.ROCAUC) -> None:
        self._thresholds = origin.thresholds
        self._counts = {True: _counts(origin, positive=True), False: _counts(origin, positive=False)}

    def update(self, label: bool, score: float) -> None:
        """See river.metrics.ROCAUC."""
        self._counts[label][bisect_left(self._thresholds, score)] += 1

    def get(self) -> float:
        """See river.metrics.ROCAUC."""
        whole = metrics.ROCAUC(n_thresholds=len(self._thresholds))
        for index, matrix in enumerate(whole.cms):
            for label, counts in self._counts.items():
                matrix.update(label, True, sum(counts[index + 1 :]))
                matrix.update(label, False, sum(counts[: index + 1]))
        return float(whole.get())


def _counts(origin: metrics.ROCAUC, *, positive: bool) -> list[int]:
    """How many answers of a class lie behind 0, 1, 2 … thresholds."""
    behind = [int(matrix.data[positive][True]) for matrix in origin.cms]
    everything = int(sum(origin.cms[0].data[positive].values()))
    edges = [everything, *behind, 0]
    return [edges[index] - edges[index + 1] for index in range(len(edges) - 1)]


def lean(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The same metrics, quicker to update."""
    return {name: CountedRocauc(metric) if type(metric) is metrics.ROCAUC else metric for name, metric in scores.items()}


class NeedsRepair(PenstockError):
    """A learner has failed, and what its repair needs was not kept: the replay must be taken again by a fold that keeps it."""


class CarefulVersion(Version):
    """A version whose metrics are quicker to update."""

    def __post_init__(self) -> None:
        self.scores = lean(self.scores)


class QuickVersion(CarefulVersion):
    """A version that keeps no calls since its mark: they are needed only where a learner fails, and few ever do."""

    def _note(self, call: Call) -> None:
        pass

    def _repair(self, error: BaseException) -> None:
        if isinstance(error, FATAL):
            raise error
        raise NeedsRepair(f"version {self.number} has failed: {error}") from error


class ReplayFold(TrainerFold):
    """The trainer's fold for replays: everything that decides is the fold's own; it can be restored, but gives no snapshot.

    `careful`: learners that fail are repaired; else NeedsRepair is raised at the first one.
    """

    def __init__(self, name: str, wire: Wire, write_outcome: Writer, runtime: str = "", *, careful: bool = False) -> None:
        super().__init__(name, wire, write_outcome, "outcomes", runtime, pending=PlainPending())
        self.cohort.version_type = CarefulVersion if careful else QuickVersion
