"""A learning log in memory, as the deployer and the feature store would write it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.examples import Example
from penstock.fold.protocol import LogRecord
from penstock.records import Wire, Writer, platform_schema, with_features
from penstock.records.schemas import MemorySchemaRegistry
from penstock_trainer.fold import TrainerFold

MODEL = "bench"
TOPIC = f"learning.{MODEL}"
OUTCOMES = f"outcomes.{MODEL}"
EVENT_EVERY_MS = 1
HORIZON = "1m"
ENTITIES = 100

Recipe = Mapping[str, Any]


class LearningLog:
    """The records of one model that asks about every example and learns its label `lag` questions later."""

    def __init__(self, schemas: MemorySchemaRegistry, wire: Wire, writers: Mapping[str, Writer]) -> None:
        self.records: list[LogRecord] = []
        self.schemas = schemas
        self.wire = wire
        self._writers = writers

    @classmethod
    async def of(cls, examples: Sequence[Example], preprocess: Sequence[Recipe], learner: Recipe, lag: int) -> "LearningLog":
        """The whole log: the specification, who serves, then predictions and labels."""
        registry = MemorySchemaRegistry()
        wire = Wire(registry)
        features = [{"name": name, "type": ["null", "double"], "default": None} for name in examples[0][0]]
        schemas = [platform_schema(name) for name in ("Label", "Serve", "SpecApplied", "Outcome")]
        schemas.append(with_features("Prediction", features))
        log = cls(registry, wire, {schema["name"]: await wire.writer(TOPIC, schema) for schema in schemas})
        log._begin(preprocess, learner)
        for number, is_label in order(len(examples), lag):
            x, y = examples[number]
            if is_label:
                log._label(number, y, lag)
            else:
                log._ask(number, x)
        return log

    def fold(self, outcomes: str = OUTCOMES) -> TrainerFold:
        """A trainer that has read nothing yet; `outcomes` is the topic that it writes to."""
        return TrainerFold(MODEL, self.wire, self._writers["Outcome"], outcomes)

    def _begin(self, preprocess: Sequence[Recipe], learner: Recipe) -> None:
        label = {"from": "labels", "id": "id", "positive": "y == 1", "horizon": HORIZON}
        spec = {
            "task": "binary_classification",
            "view": "v",
            "label": label,
            "preprocess": list(preprocess),
            "learners": {"only": learner},
            "champion": "only",
            "metrics": ["log_loss", "rocauc", "accuracy"],
        }
        self._append("SpecApplied", {"event_time_ms": 0, "cause": "spec:1", "spec_version": 1, "runtime": "{}", "spec": json.dumps(spec)})
        serve = {"event_time_ms": 0, "revision": 1, "version": 1, "position": 1, "digest": "0" * 64, "cause": "serve:1"}
        self._append("Serve", serve)

    def _ask(self, number: int, x: Mapping[str, float]) -> None:
        value = {"event_time_ms": number * EVENT_EVERY_MS, "origin": _origin(f"features.{MODEL}", number), "event_id": f"event-{number}"}
        answer = {"entity": f"entity-{number % ENTITIES}", "score": 0.5, "version": 1, "position": 1, "age_ms": 0}
        answer["watermark_ms"] = value["event_time_ms"]
        self._append("Prediction", {**value, **answer, "features": x}, number)

    def _label(self, number: int, y: bool, lag: int) -> None:
        value = {"event_time_ms": (number + lag) * EVENT_EVERY_MS, "origin": _origin("validated.labels", number)}
        self._append("Label", {**value, "event_id": f"event-{number}", "value": y}, number)

    def _append(self, name: str, value: Mapping[str, Any], number: int = 0) -> None:
        key = f"entity-{number % ENTITIES}".encode()
        self.records.append(LogRecord(TOPIC, 0, len(self.records), 0, key, self._writers[name](value)))


def order(count: int, lag: int) -> Iterator[tuple[int, bool]]:
    """What comes after what: (number of the example, whether it is its label); a label follows `lag` later questions.

    >>> list(order(3, 1))
    [(0, False), (1, False), (0, True), (2, False), (1, True), (2, True)]
    """
    for number in range(count + lag):
        if number < count:
            yield number, False
        if number >= lag:
            yield number - lag, True


def _origin(topic: str, offset: int) -> dict[str, Any]:
    return {"topic": topic, "generation": 1, "partition": 0, "offset": offset, "index": 0}
