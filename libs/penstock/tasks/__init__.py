"""The tasks: the one place where they differ. A service asks its model's task, and never which one it is."""

from collections.abc import Mapping

from penstock.tasks.anomaly import Anomaly
from penstock.tasks.answers import answer_in, predicted, written
from penstock.tasks.binary import BinaryClassification
from penstock.tasks.forecasting import Forecasting
from penstock.tasks.multiclass import Multiclass
from penstock.tasks.regression import Regression
from penstock.tasks.task import LABELLED, PREDICTIONS, Answer, Figure, Label, Learner, Loss, Measure, Prior, Task

TASKS: Mapping[str, Task] = {task.name: task for task in (BinaryClassification(), Multiclass(), Regression(), Anomaly(), Forecasting())}

__all__ = [
    "LABELLED",
    "PREDICTIONS",
    "TASKS",
    "Answer",
    "Figure",
    "Label",
    "Learner",
    "Loss",
    "Measure",
    "Prior",
    "Task",
    "answer_in",
    "predicted",
    "written",
]
