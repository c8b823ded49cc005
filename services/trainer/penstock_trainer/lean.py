"""What a replay needs not do as the living fold does: the same learners, metrics and decisions, with less work for each record."""

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any

from river import metrics

from penstock.errors import PenstockError
from penstock.fold.protocol import Output, Segment
from penstock.fold.segments import SegmentedMap
from penstock.learning import FATAL
from penstock.records import Wire, Writer
from penstock_trainer.due import Due
from penstock_trainer.fold import TrainerFold
from penstock_trainer.outcomes import Outcomes
from penstock_trainer.pending import Entry, Pending, State
from penstock_trainer.versions import Call, Version

UNWRITTEN = Output("outcomes", 0, None, None)


class PlainPending(Pending):
    """Pending entries as they are: nothing is packed into bytes before somebody asks for a snapshot, which a replay seldom does."""

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

    def _due_of(self, event_id: str) -> Due | None:
        entry = self._plain.get(event_id)
        return None if entry is None else Due(entry.due_ms, entry.offset)

    def _forget(self, event_id: str) -> None:
        entry = self._plain.pop(event_id, None)
        self.open_count -= entry is not None and entry.state is State.OPEN

    def capture(self) -> tuple[Any, Sequence[Segment]]:
        """See Pending."""
        stored = SegmentedMap("pending")
        for event_id, entry in self._plain.items():
            stored.put(event_id, entry.pack())
        return stored.capture()

    def restore(self, manifest: Any, segments: Sequence[Segment]) -> None:
        """See Pending."""
        super().restore(manifest, segments)
        self._plain = {event_id: Entry.unpack(data) for event_id, data in self._entries.unordered()}
        self._entries = SegmentedMap("pending")


class CountedRocauc:
    """River's ROCAUC with one count for each answer in place of ten confusion matrices; `get` asks River.

    An answer lies behind so many of the thresholds; how many answers of each class lie where is all that the matrices hold.
    """

    bigger_is_better = True

    def __init__(self, origin: metrics.ROCAUC) -> None:
        self._thresholds = origin.thresholds
        self._counts = {True: _counts(origin, positive=True), False: _counts(origin, positive=False)}

    def update(self, label: bool, score: float) -> None:
        """See river.metrics.ROCAUC."""
        self._counts[label][bisect_left(self._thresholds, score)] += 1

    def get(self) -> float:
        """See river.metrics.ROCAUC."""
        return float(self.whole().get())

    def whole(self) -> metrics.ROCAUC:
        """River's own, as far as its value goes."""
        whole = metrics.ROCAUC(n_thresholds=len(self._thresholds))
        for index, matrix in enumerate(whole.cms):
            for label, counts in self._counts.items():
                matrix.update(label, True, float(sum(counts[index + 1 :])))
                matrix.update(label, False, float(sum(counts[: index + 1])))
        return whole


def _counts(origin: metrics.ROCAUC, *, positive: bool) -> list[int]:
    """How many answers of a class lie behind 0, 1, 2 … thresholds."""
    behind = [int(matrix.data[positive][True]) for matrix in origin.cms]
    everything = int(sum(origin.cms[0].data[positive].values()))
    edges = [everything, *behind, 0]
    return [edges[index] - edges[index + 1] for index in range(len(edges) - 1)]


def lean(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The same metrics, quicker to update."""
    return {name: CountedRocauc(metric) if type(metric) is metrics.ROCAUC else metric for name, metric in scores.items()}


class NoOutcomes(Outcomes):
    """Outcomes that nobody reads: each is told, for a fold's outputs are counted, but not written."""

    def __init__(self) -> None:
        super().__init__(_unread, "outcomes", 1)

    def _outcome(self, *_: Any) -> Output:
        return UNWRITTEN


def whole(scores: Mapping[str, Any]) -> dict[str, Any]:
    """The same metrics as River's own: what a snapshot holds."""
    return {name: metric.whole() if isinstance(metric, CountedRocauc) else metric for name, metric in scores.items()}


def _unread(_: Mapping[str, Any]) -> bytes:
    return b""


class NeedsRepair(PenstockError):
    """A learner has failed, and what its repair needs was not kept: the replay must be taken again by a fold that keeps it."""


class CarefulVersion(Version):
    """A version whose metrics are quicker to update."""

    def __post_init__(self) -> None:
        self.scores = lean(self.scores)

    def dump(self) -> list[Any]:
        """See Version."""
        kept, self.scores = self.scores, whole(self.scores)
        try:
            return super().dump()
        finally:
            self.scores = kept


class QuickVersion(CarefulVersion):
    """A version that keeps no calls since its mark: they are needed only where a learner fails, and few ever do."""

    def _note(self, call: Call) -> None:
        pass

    def _repair(self, error: BaseException) -> None:
        if isinstance(error, FATAL):
            raise error
        raise NeedsRepair(f"version {self.number} has failed: {error}") from error


class ReplayFold(TrainerFold):
    """The trainer's fold for replays: everything that decides is the fold's own.

    `ended` is given every outcome, as the writer of the living fold is. `careful`: learners that fail are repaired; else NeedsRepair is
    raised at the first one.
    """

    def __init__(self, name: str, wire: Wire, ended: Writer | None = None, runtime: str = "", *, careful: bool = False) -> None:
        super().__init__(name, wire, ended or _unread, "outcomes", runtime, pending=PlainPending())
        if ended is None:
            self._outcomes = NoOutcomes()
        self.cohort.version_type = CarefulVersion if careful else QuickVersion
