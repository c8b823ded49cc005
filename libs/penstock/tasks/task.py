"""What every task has: how its learners are asked and taught, what an answer and a label are, and how the two are compared."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

Answer = float | Mapping[str, float]
"""A number (a probability, a value, an anomaly score), or the probability of each class, sorted by class."""

Label = bool | float | str
"""The truth; its type is the task's."""

Learner = Any
"""A River model, or a pipeline that ends in one."""

LABELLED, PREDICTIONS = "labelled", "predictions"


@dataclass(frozen=True, slots=True)
class Measure:
    """A metric: River's class, and what of an answer (and of its label) River's `update(label, …)` is shown.

    River is imported when one is made: a specification is read without it.
    """

    river: str
    shown: Callable[[Any, Any], Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)

    def fresh(self) -> Any:
        """A new metric that has seen nothing."""
        from river import metrics  # noqa: PLC0415 (River takes a second to import)

        return getattr(metrics, self.river)(**self.arguments)


@dataclass(frozen=True, slots=True)
class Loss:
    """What one answer costs once its label is known: versions are paired by it, and a detector watches it, up to `signal_max`."""

    name: str
    of: Callable[[Any, Any], float]
    signal_max: float = math.inf

    def signal(self, label: Label, answer: Answer) -> float:
        """The loss as a detector is shown it."""
        return min(self.of(label, answer), self.signal_max)


@dataclass(frozen=True, slots=True)
class Figure:
    """What one answer is worth once its label is known; the metric is its mean over labels, or the root of that.

    `less`: less of it is better.
    """

    title: str
    unit: str
    of: Callable[[Any, Any], float]
    less: bool = True
    root: bool = False


class Prior(Protocol):
    """What somebody would answer who knows no features, only the labels so far."""

    @property
    def rate(self) -> float:
        """One number about the labels so far; 0 when there are none."""

    def answer(self) -> Answer | None:
        """The answer before the next label; None while there can be none."""

    def update(self, label: Any) -> None:
        """Take the next label."""

    def dump(self) -> Any:
        """The state as plain values."""

    def load(self, state: Any, labels: int) -> None:
        """Take back what `dump` gave after so many labels."""


class Task(ABC):
    """One kind of question. The objects have no state: there is one for each task, in `penstock.tasks.TASKS`.

    `measures`: the metrics by name, in the order in which they are shown. `losses`: the metrics by which a promotion can be decided, the
    first of them unless the specification says otherwise, each with what it makes of one label; None where there is no such thing.
    `figures`: the metrics that are means over labels, by which a backtest compares. `ranked`: a ROC curve says how good answers are.
    `condition`: a label is whether a condition holds (`positive`), not a `value`. `paced_by`: the fold's count at which versions learn and
    checkpoints fall due: labels, or predictions where nothing has to be known. `in_order`: labels are learned in the order of the
    questions' event times, and one that comes after a later one is not learned.
    """

    name: ClassVar[str]
    article: ClassVar[str]  # "a regression"
    label_type: ClassVar[str]  # what an expression of the specification must give: boolean, number, string
    learners: ClassVar[str]  # what fits, in words
    example: ClassVar[str]  # a learner that fits
    measures: ClassVar[Mapping[str, Measure]]
    losses: ClassVar[Mapping[str, Loss | None]]
    figures: ClassVar[Mapping[str, Figure]] = {}
    ranked: ClassVar[bool] = False
    rate_name: ClassVar[str]  # what `Prior.rate` is, in words
    condition: ClassVar[bool] = False
    paced_by: ClassVar[str] = LABELLED
    in_order: ClassVar[bool] = False

    @abstractmethod
    def ask(self, learner: Learner, x: dict[str, Any]) -> Answer | None:
        """The learner's answer for the present features `x`; None while it has no opinion. Raises: ValueError for what is no answer."""

    def teach(self, learner: Learner, x: dict[str, Any], label: Any) -> None:
        """Let the learner learn one example. Raises: whatever it raises."""
        learner.learn_one(x, label)

    @abstractmethod
    def problem(self, answer: Answer) -> str | None:
        """Why this cannot be an answer of this task, or None."""

    @abstractmethod
    def wrong_label(self, label: Any) -> str | None:
        """Why this cannot be a label of this task, or None."""

    def label(self, value: Any) -> Label:
        """What an expression over an event gave, as a label."""
        label: Label = value
        return label

    @abstractmethod
    def fits(self, learner: Learner) -> bool:
        """Whether this River model does this task."""

    @abstractmethod
    def prior(self) -> Prior:
        """A prior that knows nothing yet."""

    def fresh_metrics(self, names: tuple[str, ...]) -> dict[str, Any]:
        """New metrics by name; those that a promotion may be decided by are always among them."""
        return {name: self.measures[name].fresh() for name in dict.fromkeys((*self.losses, *names))}

    def measure(self, metrics: Mapping[str, Any], label: Any, answer: Any) -> None:
        """Show an answer and its label to metrics of this task."""
        for name, metric in metrics.items():
            metric.update(label, self.measures[name].shown(answer, label))


def number(value: Any, what: str) -> float:
    """The value as a finite float. Raises: ValueError."""
    found = float(value)
    if not math.isfinite(found):
        raise ValueError(f"the learner answered {what} that is not finite")
    return found


def itself(answer: Any, _: Any) -> Any:
    """A metric is shown the answer as it is."""
    return answer
