"""The monitor's fold: every outcome is counted, its answers are scored, and the served loss is watched for drift."""

from collections import Counter, deque
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from penstock.drift import KIND, Change, Watches
from penstock.fold.origin import Origins, origin_of
from penstock.fold.protocol import Output, Poison, Record, Snapshot
from penstock.records import Wire, Writer
from penstock.records.generated import Outcome
from penstock.spec.model import Model
from penstock.tasks import TASKS, Task, answer_in
from penstock_monitor.quality import Quality

DRIFTS_MAX = 1_000


class Drift(NamedTuple):
    """A drift that was reported, as it is shown."""

    cause: str
    kind: str
    event_time_ms: int
    statistic: float
    baseline: float
    severity: float
    labels: int


class MonitorFold:
    """A function of one partition of outcomes.<model>; what drifts goes to `topic`, `partition` (by murmur2 of the model's name).

    Expired and quarantined outcomes are counted, no more: they have no truth to compare with. One that takes the place of another, after a
    rewind, is counted as revised: the world has not changed.
    """

    def __init__(self, model: Model, wire: Wire, write: Writer, topic: str, partition: int, generation: int = 1) -> None:
        self.model = model
        self.counts: Counter[str] = Counter()
        self.position = 0
        self._task = TASKS[model.task]
        self.quality = Quality(self._task)
        self.drifts: deque[Drift] = deque(maxlen=DRIFTS_MAX)
        self._watches = Watches(model.detectors, self._task.losses[model.promotion.metric])
        self._origins = Origins()
        self._wire = wire
        self._write = write
        self._topic = topic
        self._partition = partition
        self._generation = generation

    def step(self, record: Record) -> Iterable[Output]:
        """Fold one outcome; at most one output per detector."""
        name, value = self._wire.read(record.value)
        if name != "Outcome":
            raise Poison("unexpected_record", f"{name} on {record.topic}, expected Outcome")
        outcome: Outcome = value  # type: ignore[assignment]
        _check(outcome, self._task)
        self.position = record.offset + 1
        if not self._origins.accept(record.topic, record.partition, outcome["origin"]):
            self.counts["echoes"] += 1
            return ()
        if outcome.get("revision", 0):  # an outcome of before there were rewinds has no such field
            self.counts["revised"] += 1
            return ()
        self.counts[outcome["kind"]] += 1
        return self._labelled(record, outcome) if outcome["kind"] == "labelled" else ()

    def _labelled(self, record: Record, outcome: Outcome) -> Iterable[Output]:
        label, served = outcome["label"], answer_in(outcome, "served_")
        assert label is not None
        self.quality.update(label, served, [(each["version"], answer_in(each)) for each in outcome["scores"]], outcome["label_delay_ms"])
        if served is None:
            self.counts["unserved"] += 1
            return ()
        asked_at, position = outcome["prediction_position"], outcome["label_position"]
        assert position is not None
        changes = self._watches.update(outcome["served_version"], asked_at, position, label, served)
        return [self._drift(record, outcome["event_time_ms"], index, *change) for index, change in enumerate(changes)]

    def _drift(self, record: Record, event_time_ms: int, index: int, number: int, change: Change) -> Output:
        """The first detector's cause names the outcome; a further one that fires at the same outcome adds its number."""
        cause = f"drift:{self.model.name}:{self._generation}:{record.offset}" + (f":{number}" if number else "")
        origin = origin_of(record, self._generation, index)
        detected = {"event_time_ms": event_time_ms, "origin": origin, "cause": cause, "model": self.model.name, "kind": KIND}
        self.counts["drifts"] += 1
        self.drifts.append(Drift(cause, KIND, event_time_ms, change.statistic, change.baseline, change.severity, change.labels))
        return Output(self._topic, self._partition, self.model.name.encode(), self._write({**detected, **change._asdict()}))

    @property
    def coverage(self) -> float:
        """The share of ended predictions that got their label; 0 when none has ended."""
        ended = sum(self.counts[kind] for kind in ("labelled", "expired", "quarantined"))
        return self.counts["labelled"] / ended if ended else 0.0

    def snapshot(self) -> Snapshot:
        """The whole state: small, so there are no segments."""
        counts = sorted(self.counts.items())
        state = [self._origins.dump(), counts, self.position, self.quality.dump(), self._watches.dump(), list(self.drifts)]
        return Snapshot(msgspec.msgpack.encode(state))

    def restore(self, snapshot: Snapshot) -> None:
        """Take back what `snapshot` gave."""
        origins, counts, position, quality, watches, drifts = msgspec.msgpack.decode(snapshot.state)
        self._origins.load(origins)
        self.counts = Counter(dict(counts))
        self.position = position
        self.quality = Quality.load(self._task, quality)
        self._watches.load(watches)
        self.drifts = deque((Drift(*drift) for drift in drifts), maxlen=DRIFTS_MAX)


def _check(outcome: Outcome, task: Task) -> None:
    """One score that is no number would ruin every mean for good. Raises: Poison."""
    answers = [answer_in(outcome, "served_"), *map(answer_in, outcome["scores"])]
    problem = next((found for answer in answers if answer is not None and (found := task.problem(answer))), None)
    if problem:
        raise Poison("not_an_answer", f"an answer of {outcome['event_id']}: {problem}")
    if outcome["kind"] == "labelled" and (task.wrong_label(outcome["label"]) or outcome["label_position"] is None):
        raise Poison("no_label", f"{outcome['event_id']} is labelled, but carries no {task.label_type} label with its position")
