"""Drift: a detector on the loss of the served answers, and the evidence for what it saw."""

import json
import math
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from river import stats

from penstock import codec
from penstock.spec.model import Detector
from penstock.tasks import Answer, Label, Loss

EVIDENCE_LABELS_MAX = 4_096
RECENT_LABELS = 100  # the window of evidence of a detector that has none of its own
SEED = 1
KIND = "concept"


class Change(NamedTuple):
    """A change of a signal: its means after and before, their difference in standard deviations, and the labels that show it.

    `severity` is positive when the signal rose. `window_from` and `window_to` are positions in the learning log, both inclusive.
    """

    signal: str
    detector: str
    statistic: float
    baseline: float
    severity: float
    window_from: int
    window_to: int
    labels: int


class Watch:
    """One detector on the loss of the version that serves.

    It starts anew when another version serves. Outcomes come in the order of their labels, not of their questions, so answers of the
    version before still arrive after that; they are not shown to the new detector.
    """

    __slots__ = ("_declared", "_detector", "_loss", "_recent", "_since_change", "_version_from", "labels", "version")

    def __init__(self, declared: Detector, loss: Loss) -> None:
        self._declared = declared
        self._loss = loss
        self._version_from = -1
        self._start(version=0)

    def _start(self, version: int) -> None:
        self.version = version
        self.labels = 0
        self._detector: Any = codec.build(self._declared.use, SEED)
        self._forget()

    def _forget(self) -> None:
        self._since_change = stats.Var(ddof=0)
        self._recent: deque[tuple[int, float]] = deque(maxlen=EVIDENCE_LABELS_MAX)

    def update(self, version: int, asked_at: int, position: int, label: Label, answer: Answer) -> Change | None:
        """Show one served answer and its label; the change it brought to light, if it did and enough labels were seen.

        `asked_at` and `position`: offsets of the prediction and of its label in the learning log.
        """
        if version != self.version:
            if asked_at < self._version_from:
                return None
            self._start(version)
        self._version_from = max(self._version_from, asked_at)
        return self._see(position, self._loss.signal(label, answer))

    def _see(self, position: int, signal: float) -> Change | None:
        self.labels += 1
        self._recent.append((position, signal))
        self._since_change.update(signal)
        self._detector.update(signal)
        if not self._detector.drift_detected:
            return None
        change = self._evidence()
        self._forget()  # as River's detectors do at their next update
        return change if self.labels >= self._declared.after_labels else None

    def _evidence(self) -> Change:
        window = int(getattr(self._detector, "width", RECENT_LABELS))  # ADWIN has just cut its window to what is new
        after = list(self._recent)[-max(window, 1) :]
        seen, mean = self._since_change.mean.n, self._since_change.mean.get()
        statistic = math.fsum(signal for _, signal in after) / len(after)
        before = seen - len(after)
        baseline = (mean * seen - statistic * len(after)) / before if before > 0 else mean
        deviation = math.sqrt(self._since_change.get())
        severity = (statistic - baseline) / deviation if deviation > 0 else 0.0
        return Change(self._declared.signal, self.text, statistic, baseline, severity, after[0][0], after[-1][0], self.labels)

    @property
    def text(self) -> str:
        """The detector with its parameters, as declared: `{"drift.ADWIN":{"delta":0.002}}`."""
        return json.dumps(self._declared.use, sort_keys=True, separators=(",", ":"))

    def dump(self) -> list[Any]:
        """The state as plain values; the declaration comes first, so that a state is never given to another detector."""
        state = [codec.encode(self._detector), codec.encode(self._since_change), list(self._recent)]
        return [self._identity(), self.version, self._version_from, self.labels, *state]

    def load(self, state: list[Any]) -> None:
        """Take back what `dump` gave; a detector that was declared otherwise, or that another River has written, starts anew."""
        identity, version, version_from, labels, detector, since_change, recent = state
        if identity != self._identity():
            return
        try:
            known = codec.decode_as(detector, codec.build(self._declared.use, SEED)), codec.decode_as(since_change, stats.Var(ddof=0))
        except codec.WrongVersion:
            return
        self.version, self._version_from, self.labels = version, version_from, labels
        self._detector, self._since_change = known
        self._recent.extend((position, signal) for position, signal in recent)

    def _identity(self) -> str:
        return f"{self._declared.signal} {self._loss.name} {self.text}"


class Watches:
    """The detectors of a model, in the order of its specification; none where one label has no loss."""

    __slots__ = ("_watches",)

    def __init__(self, declared: Iterable[Detector], loss: Loss | None) -> None:
        self._watches = [Watch(detector, loss) for detector in declared] if loss else []

    def update(self, version: int, asked_at: int, position: int, label: Label, answer: Answer) -> Iterator[tuple[int, Change]]:
        """Show one served answer to every detector; the changes, each with the number of its detector."""
        for number, watch in enumerate(self._watches):
            change = watch.update(version, asked_at, position, label, answer)
            if change is not None:
                yield number, change

    def dump(self) -> list[Any]:
        """The state as plain values."""
        return [watch.dump() for watch in self._watches]

    def load(self, states: list[Any]) -> None:
        """Take back what `dump` gave."""
        for watch, state in zip(self._watches, states, strict=False):  # the specification may have more or fewer by now
            watch.load(state)
