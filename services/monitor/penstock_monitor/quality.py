"""How good the answers were: proper scores and ranking of what was served, of each version, of the base rate; delay of labels."""

import copy
import math
from dataclasses import dataclass, field
from typing import Any

from river import metrics

from penstock import codec

DECISION_THRESHOLD = 0.5
DELAY_ERROR = 0.01  # of a quantile, relative
GROWTH = (1 + DELAY_ERROR) / (1 - DELAY_ERROR)


class Scores:
    """Log loss, ROC AUC and accuracy of one sequence of answers.

    They are River's own metrics. River's ROCAUC bins its thresholds (ten of them), so it is an approximation from below.

    >>> scores = Scores()
    >>> for label, score in ((True, 0.9), (False, 0.2), (True, 0.4)):
    ...     scores.update(label, score)
    >>> scores.labels, round(scores.get()["log_loss"], 4), scores.get()["rocauc"], round(scores.get()["accuracy"], 4)
    (3, 0.4149, 1.0, 0.6667)
    """

    __slots__ = ("_accuracy", "_log_loss", "_rocauc", "labels")

    def __init__(self) -> None:
        self.labels = 0
        self._log_loss = metrics.LogLoss()
        self._rocauc = metrics.ROCAUC()
        self._accuracy = metrics.Accuracy()

    def update(self, label: bool, score: float) -> None:
        """Add one answer, a probability of the positive class, and the truth. A tie at one half is a positive answer, as in the trainer."""
        self.labels += 1
        self._log_loss.update(label, score)
        self._rocauc.update(label, score)
        self._accuracy.update(label, score >= DECISION_THRESHOLD)

    def get(self) -> dict[str, float]:
        """The metrics by name."""
        rocauc = copy.deepcopy(self._rocauc)  # reading it writes zeros into its tables: the state must not know who asked
        return {"log_loss": float(self._log_loss.get()), "rocauc": float(rocauc.get()), "accuracy": float(self._accuracy.get())}

    def dump(self) -> list[Any]:
        """The state as plain values."""
        return [self.labels, codec.encode(self._log_loss), codec.encode(self._rocauc), codec.encode(self._accuracy)]

    @classmethod
    def load(cls, state: list[Any]) -> "Scores":
        """Take back what `dump` gave."""
        scores = cls()
        scores.labels = state[0]
        scores._log_loss, scores._rocauc, scores._accuracy = (codec.decode(data) for data in state[1:])
        return scores


class Delays:
    """The distribution of label delays in ms: a histogram whose bins grow by 2 %, so every quantile is within 1 % of a value seen.

    Source: Masson, Rim, Lee, DDSketch (VLDB 2019).

    >>> delays = Delays()
    >>> for delay_ms in range(1, 1001):
    ...     delays.update(delay_ms)
    >>> abs(delays.quantile(0.5) / 500 - 1) < 0.01, abs(delays.quantile(0.99) / 990 - 1) < 0.01
    (True, True)
    """

    __slots__ = ("_bins",)

    def __init__(self) -> None:
        self._bins: dict[int, int] = {}

    def update(self, delay_ms: int) -> None:
        """Add one delay; a label that was known before the question counts as no delay."""
        bin = math.ceil(math.log(delay_ms) / math.log(GROWTH)) if delay_ms > 0 else -1
        self._bins[bin] = self._bins.get(bin, 0) + 1

    def quantile(self, q: float) -> float:
        """The delay in ms that a share `q` of the labels did not exceed; 0 when there are none."""
        rank, seen = q * sum(self._bins.values()), 0
        for bin, count in sorted(self._bins.items()):
            seen += count
            if seen >= rank:
                return 2 * GROWTH**bin / (GROWTH + 1) if bin >= 0 else 0.0
        return 0.0

    def dump(self) -> list[list[int]]:
        """The state as plain lists, in canonical order."""
        return [list(pair) for pair in sorted(self._bins.items())]

    def load(self, rows: list[list[int]]) -> None:
        """Take back what `dump` gave."""
        self._bins = {row[0]: row[1] for row in rows}


@dataclass(slots=True)
class Quality:
    """Everything measured about one model's answers since the beginning of its outcomes."""

    positives: int = 0
    labels: int = 0
    served: Scores = field(default_factory=Scores)
    prior: Scores = field(default_factory=Scores)
    versions: dict[int, Scores] = field(default_factory=dict)
    delays: Delays = field(default_factory=Delays)

    def update(self, label: bool, served: float | None, scores: list[tuple[int, float]], delay_ms: int | None) -> None:
        """Add one labelled outcome; `served` is None when nothing served yet."""
        self.prior.update(label, (self.positives + 1) / (self.labels + 2))  # Laplace's rule: never certain, one half at first
        self.labels += 1
        self.positives += label
        if served is not None:
            self.served.update(label, served)
        for version, score in scores:
            if version not in self.versions:
                self.versions[version] = Scores()
            self.versions[version].update(label, score)
        if delay_ms is not None:
            self.delays.update(delay_ms)

    @property
    def base_rate(self) -> float:
        """The share of positive labels; 0 when there are none."""
        return self.positives / self.labels if self.labels else 0.0

    def dump(self) -> list[Any]:
        """The state as plain values, in canonical order."""
        versions = [[version, scores.dump()] for version, scores in sorted(self.versions.items())]
        return [self.positives, self.labels, self.served.dump(), self.prior.dump(), versions, self.delays.dump()]

    @classmethod
    def load(cls, state: list[Any]) -> "Quality":
        """Take back what `dump` gave."""
        positives, labels, served, prior, versions, delays = state
        quality = cls(positives, labels, Scores.load(served), Scores.load(prior))
        quality.versions = {version: Scores.load(scores) for version, scores in versions}
        quality.delays.load(delays)
        return quality
