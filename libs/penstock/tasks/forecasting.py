"""One-step forecasting: the next value of one series."""

from typing import Any

from penstock.tasks.regression import Mean, Regression
from penstock.tasks.task import Learner, Prior, number


class Forecasting(Regression):
    """An answer is the value that follows the last one that was learned; the label is the value of the series at the question.

    A model has one series. Its values are learned in the order of their questions' event times, whatever the order in which they become
    known: one that comes after a later one is scored, and not learned (a series has no place for it any more). One that never comes is
    left out. So a forecast is one step ahead when the value before it is known by then, and else as good as what is known.
    """

    name = "forecasting"
    article = "a forecast"
    learners = "a forecaster"
    example = "time_series.SNARIMAX"
    in_order = True

    def ask(self, learner: Learner, x: dict[str, Any]) -> float | None:
        """See Task. River's forecasters raise IndexError until they have learned as many values as they look back."""
        try:
            answer = learner.forecast(horizon=1, xs=[x])[0]
        except IndexError:
            return None
        return number(answer, "a forecast")

    def teach(self, learner: Learner, x: dict[str, Any], label: Any) -> None:
        """See Task. By name: a forecaster takes the value first, a pipeline the features."""
        learner.learn_one(x=x, y=label)

    def fits(self, learner: Learner) -> bool:
        """See Task."""
        from river.time_series.base import Forecaster  # noqa: PLC0415 (River takes a second to import)

        return isinstance(learner, Forecaster)

    def prior(self) -> Prior:
        """See Task."""
        return LastValue()


class LastValue:
    """The value before: what every forecast has to beat."""

    __slots__ = ("_last", "_mean")

    def __init__(self) -> None:
        self._mean = Mean()
        self._last: float | None = None

    @property
    def rate(self) -> float:
        """The mean of the labels."""
        return self._mean.rate

    def answer(self) -> float | None:
        """See Prior."""
        return self._last

    def update(self, label: float) -> None:
        """See Prior."""
        self._mean.update(label)
        self._last = label

    def dump(self) -> list[float | None]:
        """See Prior."""
        return [self._mean.dump(), self._last]

    def load(self, state: list[Any], labels: int) -> None:
        """See Prior."""
        mean, self._last = state
        self._mean.load(mean, labels)
