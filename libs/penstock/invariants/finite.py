"""`finite`: no NaN and no infinity in what was served, learned or measured; and every answer is one of its task, such as a probability."""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.seen import Handler, Seen
from penstock.tasks import Answer, Task, answer_in


class Finite:
    """Predictions in the learning log, outcomes, and the metrics of checkpoints of one model."""

    def __init__(self, learning: str, outcomes: str, task: Task) -> None:
        self._task = task
        self._learning, self._outcomes = learning, outcomes
        self._breaks = Breaks("finite")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._learning: self._predicted, self._outcomes: self._ended}

    def _predicted(self, seen: Seen) -> None:
        if seen.name == "Prediction":
            self._answer(seen, answer_in(seen.value))
            for name, value in seen.value["features"].items():
                if isinstance(value, float) and not isfinite(value):
                    self._breaks.add(f"{seen.where}: feature {name} is {value}")

    def _ended(self, seen: Seen) -> None:
        if seen.name == "Outcome":
            self._answer(seen, answer_in(seen.value, "served_"))
            for each in seen.value["scores"]:
                self._answer(seen, answer_in(each))

    def _answer(self, seen: Seen, answer: Answer | None) -> None:
        problem = None if answer is None else self._task.problem(answer)
        self._breaks.expect(problem is None, f"{seen.where}: {problem}")

    def metrics(self, reference: str, metrics: str) -> None:
        """The metrics of a checkpoint, canonical JSON."""
        for path, value in _numbers(json.loads(metrics), ""):
            self._breaks.expect(isfinite(value), f"{reference}: {path} is {value}")

    def finding(self) -> Finding:
        """See Checker."""
        return self._breaks.finding()


def _numbers(value: Any, path: str) -> Iterator[tuple[str, float]]:
    match value:
        case dict():
            for name, part in value.items():
                yield from _numbers(part, f"{path}.{name}" if path else name)
        case list():
            for index, part in enumerate(value):
                yield from _numbers(part, f"{path}[{index}]")
        case int() | float():
            yield path, value
