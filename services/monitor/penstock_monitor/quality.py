"""How good the answers were: the task's metrics of what was served, of each version, of the base rate; delay of labels."""

import contextlib
import copy
import math
from typing import Any

from river import metrics  # noqa: F401  # a task imports it when it makes the first metric: not in the middle of a fold

from penstock import codec
from penstock.tasks import Answer, Label, Prior, Task

DELAY_ERROR = 0.01  # of a quantile, relative
GROWTH = (1 + DELAY_ERROR) / (1 - DELAY_ERROR)


class Scores:
    """All metrics of a task over one sequence of answers.

    They are River's own metrics. River's ROCAUC bins its thresholds (ten of them), so it is an approximation from below.

    >>> from penstock.tasks import TASKS
    >>> scores = Scores(TASKS["binary_classification"])
    >>> for label, score in ((True, 0.9), (False, 0.2), (True, 0.4)):
    ...     scores.update(label, score)
    >>> scores.labels, round(scores.get()["log_loss"], 4), scores.get()["rocauc"], round(scores.get()["accuracy"], 4)
    (3, 0.4149, 1.0, 0.6667)
    """

    __slots__ = ("_metrics", "_task", "labels")

    def __init__(self, task: Task) -> None:
        self.labels = 0
        self._task = task
        self._metrics = task.fresh_metrics(tuple(task.measures))

    def update(self, label: Label, answer: Answer) -> None:
        """Add one answer and the truth, as the trainer does."""
        self.labels += 1
        self._task.measure(self._metrics, label, answer)

    def get(self) -> dict[str, float]:
        """The metrics by name, read from copies: River's ROCAUC writes into its tables when it is read."""
        return {name: float(copy.deepcopy(metric).get()) for name, metric in self._metrics.items()}

    def dump(self) -> list[Any]:
        """The state as plain values."""
        return [self.labels, *map(codec.encode, self._metrics.values())]

    @classmethod
    def load(cls, task: Task, state: list[Any]) -> "Scores":
        """Take back what `dump` gave; what another River has written begins anew."""
        scores = cls(task)
        with contextlib.suppress(codec.WrongVersion):
            scores._metrics = dict(zip(scores._metrics, map(codec.decode, state[1:]), strict=True))
            scores.labels = state[0]
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


class Quality:
    """Everything measured about one model's answers since the beginning of its outcomes; `prior` scores what knows only the labels."""

    __slots__ = ("_prior", "_task", "delays", "labels", "prior", "served", "versions")

    def __init__(self, task: Task) -> None:
        self.labels = 0
        self.served, self.prior = Scores(task), Scores(task)
        self.versions: dict[int, Scores] = {}
        self.delays = Delays()
        self._prior: Prior = task.prior()
        self._task = task

    def update(self, label: Label, served: Answer | None, scores: list[tuple[int, Answer | None]], delay_ms: int | None) -> None:
        """Add one labelled outcome; `served` is None when nothing served yet."""
        self._score(self.prior, label, self._prior.answer())
        self._prior.update(label)
        self.labels += 1
        self._score(self.served, label, served)
        for version, answer in scores:
            if version not in self.versions:
                self.versions[version] = Scores(self._task)
            self._score(self.versions[version], label, answer)
        if delay_ms is not None:
            self.delays.update(delay_ms)

    def _score(self, scores: Scores, label: Label, answer: Answer | None) -> None:
        if answer is not None:
            scores.update(label, answer)

    @property
    def base_rate(self) -> float:
        """What the task says of all labels together, such as the share of positive ones; 0 when there are none."""
        return self._prior.rate

    def dump(self) -> list[Any]:
        """The state as plain values, in canonical order."""
        versions = [[version, scores.dump()] for version, scores in sorted(self.versions.items())]
        return [self._prior.dump(), self.labels, self.served.dump(), self.prior.dump(), versions, self.delays.dump()]

    @classmethod
    def load(cls, task: Task, state: list[Any]) -> "Quality":
        """Take back what `dump` gave."""
        quality = cls(task)
        known, quality.labels, served, prior, versions, delays = state
        quality._prior.load(known, quality.labels)
        quality.served, quality.prior = Scores.load(task, served), Scores.load(task, prior)
        quality.versions = {version: Scores.load(task, scores) for version, scores in versions}
        quality.delays.load(delays)
        return quality
