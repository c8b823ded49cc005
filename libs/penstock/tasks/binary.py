"""Binary classification: the probability that a condition holds."""

import math
from typing import Any, ClassVar

from penstock.tasks.task import Answer, Figure, Learner, Loss, Measure, Prior, Task, itself, number

DECISION_THRESHOLD = 0.5
LOSS_MAX_NATS = 5.0  # one confident mistake must not look like a change: ADWIN expects a bounded signal
PROBABILITY_MIN = 1e-15  # as river.metrics.LogLoss: one wrong certainty must not be infinite
UNDECIDED = 0.5  # the answer of a learner that has no opinion yet: River gives an empty mapping then


def log_loss(label: bool, score: float) -> float:
    """The negative log likelihood of `label` under `score`, in nats, clipped as in River.

    >>> round(log_loss(True, 0.5), 4)
    0.6931
    """
    return surprise(score if label else 1.0 - score)


def is_right(label: bool, score: float) -> float:
    """1 for an answer on its label's side of one half, else 0."""
    return float((score >= DECISION_THRESHOLD) == label)


def surprise(likelihood: float) -> float:
    """The negative logarithm of a likelihood, in nats, clipped as in River."""
    return -math.log(min(max(likelihood, PROBABILITY_MIN), 1.0 - PROBABILITY_MIN))


class BinaryClassification(Task):
    """An answer is the probability of the positive class, a label is a boolean."""

    name = "binary_classification"
    article = "a binary classification"
    label_type = "boolean"
    learners = "a classifier"
    example = "linear_model.LogisticRegression"
    rate_name = "positive"
    condition = True
    measures: ClassVar = {
        "log_loss": Measure("LogLoss", itself),
        "rocauc": Measure("ROCAUC", itself),
        "accuracy": Measure("Accuracy", lambda score, _: score >= DECISION_THRESHOLD),
    }
    losses: ClassVar = {"log_loss": Loss("log loss", log_loss, LOSS_MAX_NATS)}
    figures: ClassVar = {
        "log_loss": Figure("log loss", "nats a label", log_loss),
        "accuracy": Figure("accuracy", "share of labels", is_right, less=False),
    }
    ranked = True

    def ask(self, learner: Learner, x: dict[str, Any]) -> float:
        """See Task."""
        answer = learner.predict_proba_one(x)
        return number(answer.get(True, 0.0), "a probability") if answer else UNDECIDED

    def problem(self, answer: Answer) -> str | None:
        """See Task."""
        return None if isinstance(answer, float) and 0.0 <= answer <= 1.0 else f"score {answer} is no probability"  # nor is NaN

    def wrong_label(self, label: Any) -> str | None:
        """See Task."""
        return None if isinstance(label, bool) else f"a label of {self.article} is a boolean"

    def fits(self, learner: Learner) -> bool:
        """See Task."""
        from river.base import Classifier  # noqa: PLC0415 (River takes a second to import)

        return isinstance(learner, Classifier)

    def prior(self) -> Prior:
        """See Task."""
        return ShareOfPositives()


class ShareOfPositives:
    """The share of positive labels, by Laplace's rule: never certain, one half at first."""

    __slots__ = ("_labels", "_positives")

    def __init__(self) -> None:
        self._positives = self._labels = 0

    @property
    def rate(self) -> float:
        """The share of positive labels."""
        return self._positives / self._labels if self._labels else 0.0

    def answer(self) -> float:
        """See Prior."""
        return (self._positives + 1) / (self._labels + 2)

    def update(self, label: bool) -> None:
        """See Prior."""
        self._labels += 1
        self._positives += label

    def dump(self) -> int:
        """See Prior."""
        return self._positives

    def load(self, state: int, labels: int) -> None:
        """See Prior."""
        self._positives, self._labels = state, labels
