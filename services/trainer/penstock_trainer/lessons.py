"""When versions learn: at a label, or right after the question where none is needed; and whether it is not too late for that."""

from collections import Counter
from typing import Any

from penstock.fold.watermark import BEGINNING_MS
from penstock.learning import present
from penstock.tasks import Label
from penstock_trainer.cohort import Cohort


class Lessons:
    """Teaches the cohort in log order; a series only goes forward in the event time of its questions."""

    def __init__(self, cohort: Cohort, counts: Counter[str]) -> None:
        self._cohort = cohort
        self._counts = counts
        self._reached_ms = BEGINNING_MS

    def give(self, moment: str, prediction: Any, label: Label | None = None) -> bool:
        """Teach a question's features and its label, if this is the moment at which the task learns; whether it is."""
        task = self._cohort.task
        if moment != task.paced_by:
            return False
        if task.in_order and prediction["event_time_ms"] < self._reached_ms:
            self._counts["labels.out_of_order"] += 1
            self._cohort.skip()
            return True
        self._reached_ms = prediction["event_time_ms"]
        self._cohort.learn(present(prediction["features"]), label)
        return True

    def dump(self) -> int:
        """The state as a plain value."""
        return self._reached_ms

    def load(self, state: int) -> None:
        """Take back what `dump` gave."""
        self._reached_ms = state
