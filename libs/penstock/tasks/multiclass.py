"""Multiclass classification: the probability of each class."""

from collections.abc import Mapping
from typing import Any, ClassVar

from penstock.tasks.binary import LOSS_MAX_NATS, surprise
from penstock.tasks.task import Answer, Figure, Learner, Loss, Measure, Prior, Task

ROUNDING = 1e-9  # sums of shares may exceed one by their last bits


def likeliest(answer: Mapping[str, float]) -> str:
    """The class of the highest probability; of equals the first by name, so that no order of a mapping matters.

    >>> likeliest({"b": 0.4, "a": 0.4, "c": 0.2})
    'a'
    """
    return min(answer, key=lambda name: (-answer[name], name))


def with_label(answer: Mapping[str, float], label: str) -> Mapping[str, float]:
    """The answer with a probability for its label: River's cross entropy calls a class that is not in it free.

    >>> with_label({"a": 1.0}, "b")
    {'a': 1.0, 'b': 0.0}
    """
    return answer if label in answer else {**answer, label: 0.0}


def log_loss(label: str, answer: Mapping[str, float]) -> float:
    """The negative log likelihood of `label`, in nats; a class that the learner does not know has probability 0, clipped."""
    return surprise(answer.get(label, 0.0))


def is_right(label: str, answer: Mapping[str, float]) -> float:
    """1 where the likeliest class is the label, else 0."""
    return float(likeliest(answer) == label)


class Multiclass(Task):
    """An answer is the probability of each class that is known so far, a label is the name of a class."""

    name = "multiclass"
    article = "a multiclass classification"
    label_type = "string"
    learners = "a classifier of several classes"
    example = "tree.HoeffdingTreeClassifier"
    rate_name = "of the commonest class"
    measures: ClassVar = {
        "log_loss": Measure("CrossEntropy", with_label),
        "macro_f1": Measure("MacroF1", lambda answer, _: likeliest(answer)),
        "accuracy": Measure("Accuracy", lambda answer, _: likeliest(answer)),
    }
    losses: ClassVar = {"log_loss": Loss("log loss", log_loss, LOSS_MAX_NATS)}
    figures: ClassVar = {
        "log_loss": Figure("log loss", "nats a label", log_loss),
        "accuracy": Figure("accuracy", "share of labels", is_right, less=False),
    }

    def ask(self, learner: Learner, x: dict[str, Any]) -> Mapping[str, float] | None:
        """See Task. Sorted by class: the order that River gives may hang on the hash seed."""
        given = learner.predict_proba_one(x)
        answer = {str(name): float(given[name]) for name in sorted(given, key=str)}
        if problem := self.problem(answer):
            raise ValueError(f"the learner answered: {problem}")
        return answer or None

    def problem(self, answer: Answer) -> str | None:
        """See Task."""
        if not isinstance(answer, Mapping):
            return f"{answer} is no probability of classes"
        wrong = next((name for name, share in answer.items() if not 0.0 <= share <= 1.0 + ROUNDING), None)
        return None if wrong is None else f"the score {answer[wrong]} of class {wrong!r:.100} is no probability"

    def wrong_label(self, label: Any) -> str | None:
        """See Task."""
        return None if isinstance(label, str) else f"a label of {self.article} is a text"

    def fits(self, learner: Learner) -> bool:
        """See Task."""
        from river.base import Classifier  # noqa: PLC0415 (River takes a second to import)

        return isinstance(learner, Classifier) and bool(learner._multiclass)

    def prior(self) -> Prior:
        """See Task."""
        return SharesOfClasses()


class SharesOfClasses:
    """The share of each class so far, by Laplace's rule with room for one that was not seen yet."""

    __slots__ = ("_counts", "_labels")

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._labels = 0

    @property
    def rate(self) -> float:
        """The share of the class that is seen most often."""
        return max(self._counts.values(), default=0) / self._labels if self._labels else 0.0

    def answer(self) -> Mapping[str, float] | None:
        """See Prior."""
        total = self._labels + len(self._counts) + 1
        return {name: (count + 1) / total for name, count in sorted(self._counts.items())} or None

    def update(self, label: str) -> None:
        """See Prior."""
        self._labels += 1
        self._counts[label] = self._counts.get(label, 0) + 1

    def dump(self) -> list[list[Any]]:
        """See Prior."""
        return [list(pair) for pair in sorted(self._counts.items())]

    def load(self, state: list[list[Any]], labels: int) -> None:
        """See Prior."""
        self._counts, self._labels = dict(state), labels
