"""`finite`: no NaN and no infinity in what was served, learned or measured; and every score is a probability."""

import json
from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.seen import Handler, Seen


class Finite:
    """Predictions in the learning log, outcomes, and the metrics of checkpoints of one model."""

    def __init__(self, learning: str, outcomes: str) -> None:
        self._learning, self._outcomes = learning, outcomes
        self._breaks = Breaks("finite")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._learning: self._predicted, self._outcomes: self._ended}

    def _predicted(self, seen: Seen) -> None:
        if seen.name == "Prediction":
            self._score(seen, seen.value["score"])
            for name, value in seen.value["features"].items():
                if isinstance(value, float) and not isfinite(value):
                    self._breaks.add(f"{seen.where}: feature {name} is {value}")

    def _ended(self, seen: Seen) -> None:
        if seen.name == "Outcome":
            self._score(seen, seen.value["served_score"])
            for each in seen.value["scores"]:
                self._score(seen, each["score"])

    def _score(self, seen: Seen, score: float | None) -> None:
        self._breaks.expect(score is None or 0.0 <= score <= 1.0, f"{seen.where}: score {score} is no probability")

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
