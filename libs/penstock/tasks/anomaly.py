"""Anomaly detection: how unlike all before an event is."""

import math
from typing import Any, ClassVar

from penstock.tasks.binary import ShareOfPositives
from penstock.tasks.task import PREDICTIONS, Answer, Learner, Measure, Prior, Task, number

THRESHOLDS = 100  # of the ROC curve, half of them for scores from 0 to 1


def placed(score: float, _: Any = None) -> float:
    """The score's place in [0, 1): order is kept, which is all that a ROC curve looks at, and River's thresholds lie there.

    >>> [placed(score) for score in (-1.0, 0.0, 0.5, 1.0, 10.0)]
    [0.0, 0.0, 0.25, 0.5, 0.95]
    """
    return max(score, 0.0) / 2 if score <= 1.0 else 1.0 - 0.5 / score


class Anomaly(Task):
    """An answer is an anomaly score, high for what is unlike the rest; River's detectors say their own range, most often [0, 1].

    A detector needs no label: it learns each event right after it has scored it. Labels (whether an event was an anomaly) are optional,
    and only say how good the scores were. One label has no loss, so nothing is promoted by itself and no drift is watched.
    """

    name = "anomaly"
    article = "an anomaly"
    label_type = "boolean"
    learners = "an anomaly detector that learns without labels"
    example = "anomaly.HalfSpaceTrees"
    rate_name = "anomalous"
    condition = True
    paced_by = PREDICTIONS
    measures: ClassVar = {"rocauc": Measure("ROCAUC", placed, {"n_thresholds": THRESHOLDS})}
    losses: ClassVar = {"rocauc": None}
    ranked = True

    def ask(self, learner: Learner, x: dict[str, Any]) -> float:
        """See Task."""
        return number(learner.score_one(x), "a score")

    def teach(self, learner: Learner, x: dict[str, Any], label: Any) -> None:
        """See Task. The label, if there is one, stays unknown to it."""
        learner.learn_one(x)

    def problem(self, answer: Answer) -> str | None:
        """See Task."""
        return None if isinstance(answer, float) and math.isfinite(answer) else f"{answer} is no finite score"

    def wrong_label(self, label: Any) -> str | None:
        """See Task."""
        return None if isinstance(label, bool) else f"a label of {self.article} is a boolean"

    def fits(self, learner: Learner) -> bool:
        """See Task."""
        from river.base import AnomalyDetector  # noqa: PLC0415 (River takes a second to import)

        return isinstance(learner, AnomalyDetector)

    def prior(self) -> Prior:
        """See Task."""
        return ShareOfPositives()
