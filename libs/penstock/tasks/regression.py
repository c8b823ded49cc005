"""Regression: a number."""

import math
from typing import Any, ClassVar

from penstock.tasks.task import Answer, Figure, Learner, Loss, Measure, Prior, Task, itself, number


def absolute_error(label: float, answer: float) -> float:
    """How far the answer is off, in the label's own unit."""
    return abs(label - answer)


def squared_error(label: float, answer: float) -> float:
    """How far the answer is off, squared: what an RMSE is made of."""
    return (label - answer) * (label - answer)


class Regression(Task):
    """An answer is a finite number, a label too."""

    name = "regression"
    article = "a regression"
    label_type = "number"
    learners = "a regressor"
    example = "linear_model.LinearRegression"
    rate_name = "mean label"
    measures: ClassVar = {"mae": Measure("MAE", itself), "rmse": Measure("RMSE", itself), "r2": Measure("R2", itself)}
    losses: ClassVar = {"mae": Loss("absolute error", absolute_error), "rmse": Loss("squared error", squared_error)}
    figures: ClassVar = {
        "mae": Figure("mean absolute error", "in the label's unit", absolute_error),
        "rmse": Figure("root mean squared error", "in the label's unit", squared_error, root=True),
    }

    def ask(self, learner: Learner, x: dict[str, Any]) -> float | None:
        """See Task."""
        answer = learner.predict_one(x)
        return None if answer is None else number(answer, "a number")

    def problem(self, answer: Answer) -> str | None:
        """See Task."""
        return None if isinstance(answer, float) and math.isfinite(answer) else f"{answer} is no finite number"

    def wrong_label(self, label: Any) -> str | None:
        """See Task."""
        return None if isinstance(label, float) and math.isfinite(label) else f"a label of {self.article} is a finite number"

    def label(self, value: Any) -> float:
        """See Task."""
        return float(value)

    def fits(self, learner: Learner) -> bool:
        """See Task."""
        from river.base import Regressor  # noqa: PLC0415 (River takes a second to import)

        return isinstance(learner, Regressor)

    def prior(self) -> Prior:
        """See Task."""
        return Mean()


class Mean:
    """The mean of the labels so far (Welford 1962)."""

    __slots__ = ("_labels", "_mean")

    def __init__(self) -> None:
        self._mean, self._labels = 0.0, 0

    @property
    def rate(self) -> float:
        """The mean of the labels."""
        return self._mean

    def answer(self) -> float | None:
        """See Prior."""
        return self._mean if self._labels else None

    def update(self, label: float) -> None:
        """See Prior."""
        self._labels += 1
        self._mean += (label - self._mean) / self._labels

    def dump(self) -> float:
        """See Prior."""
        return self._mean

    def load(self, state: float, labels: int) -> None:
        """See Prior."""
        self._mean, self._labels = state, labels
