"""A learning log in memory, written by hand: for tests of the trainer's fold and of what proves it."""

import json
import random
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock import codec
from penstock.fold.drive import reading, replay
from penstock.fold.poison import Caused
from penstock.fold.protocol import LogRecord, Missing, Output, Record, Refold
from penstock.records import Wire, Writer, platform_schema, with_features
from penstock.records.schemas import MemorySchemaRegistry
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rebuild import demanded

HOUR_MS = 3_600_000
TOPIC = "learning.m"
FEATURES = [{"name": name, "type": ["null", kind], "default": None} for name, kind in (("a", "double"), ("b", "double"), ("c", "string"))]
SPEC: dict[str, Any] = {
    "task": "binary_classification",
    "view": "v",
    "label": {"from": "labels", "id": "id", "positive": "y == 1", "horizon": "48h"},
    "preprocess": [
        {"select": "numbers", "then": "preprocessing.StandardScaler"},
        {"select": "strings", "then": "preprocessing.OneHotEncoder"},
    ],
    "learners": {
        "sgd": {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.02}}},
        "adagrad": {"linear_model.LogisticRegression": {"optimizer": {"optim.AdaGrad": 0.05}}},
    },
    "champion": "sgd",
    "challengers": [],
    "metrics": ["log_loss", "rocauc", "accuracy"],
    "promotion": {"mode": "automatic", "metric": "log_loss", "after_labels": 100, "margin": 0.01},
    "drift": {
        "detectors": [{"signal": "loss", "use": {"drift.ADWIN": {"delta": 0.002}}, "after_labels": 50}],
        "reactions": [{"when": {"kind": "concept"}, "spawn": "adagrad", "cooldown_labels": 200, "budget": 1}],
    },
    "checkpoint_every_labels": 100,
}


class LearningLog:
    """Appends records as the deployer, the feature store and the agents would; `await LearningLog.new()`."""

    def __init__(self, schemas: MemorySchemaRegistry, wire: Wire, writers: Mapping[str, Writer], topic: str) -> None:
        self.schemas = schemas
        self.wire = wire
        self.records: list[LogRecord] = []
        self._writers = writers
        self._topic = topic
        self._origin = 0

    @classmethod
    async def new(cls, features: list[dict[str, Any]] = FEATURES, topic: str = TOPIC) -> "LearningLog":
        registry = MemorySchemaRegistry()
        wire = Wire(registry)
        schemas = [
            platform_schema(name) for name in ("Label", "Tick", "Serve", "SpecApplied", "DriftDetected", "Rewound", "Rebuilt", "Outcome")
        ]
        schemas.append(with_features("Prediction", features))
        writers = {schema["name"]: await wire.writer(topic, schema) for schema in schemas}
        return cls(registry, wire, writers, topic)

    def fold(self, runtime: str = "") -> TrainerFold:
        return TrainerFold(self._topic.split(".", 1)[1], self.wire, self._writers["Outcome"], "outcomes.m", runtime)

    def writer(self, name: str) -> Writer:
        return self._writers[name]

    def append(self, name: str, value: Mapping[str, Any], key: bytes = b"k") -> LogRecord:
        record = LogRecord(self._topic, 0, len(self.records), 0, key, self._writers[name](value))
        self.records.append(record)
        return record

    def raw(self, value: bytes) -> LogRecord:
        self.records.append(LogRecord(self._topic, 0, len(self.records), 0, b"k", value))
        return self.records[-1]

    def origin(self, topic: str, partition: int = 0, offset: int | None = None) -> dict[str, Any]:
        self._origin += 1
        return {
            "topic": topic,
            "generation": 1,
            "partition": partition,
            "offset": self._origin if offset is None else offset,
            "index": 0,
        }

    def spec(self, version: int = 1, partitions: int = 1, runtime: str = "{}", **changes: Any) -> LogRecord:
        value = {"event_time_ms": 0, "cause": f"spec:{version}", "spec_version": version, "runtime": runtime, "partitions": partitions}
        return self.append("SpecApplied", {**value, "spec": json.dumps({**SPEC, **changes})})

    def serve(self, version: int, revision: int, position: int = 1, cause: str = "") -> LogRecord:
        value = {"event_time_ms": 0, "revision": revision, "version": version, "position": position, "digest": "0" * 64}
        return self.append("Serve", {**value, "cause": cause or f"serve:{revision}:{position}"})

    def ask(self, id: str, hours: float, partition: int = 0, watermark_hours: float | None = None, **features: Any) -> LogRecord:
        value: dict[str, Any] = {"event_time_ms": int(hours * HOUR_MS), "event_id": id, "entity": "k"}
        value |= {"score": 0.5, "version": 1, "position": 1}
        value |= {"origin": self.origin("features.m", partition), "features": {"a": None, "b": None, "c": None, **features}, "age_ms": 0}
        watermark_ms = value["event_time_ms"] if watermark_hours is None else int(watermark_hours * HOUR_MS)
        return self.append("Prediction", {**value, "watermark_ms": watermark_ms})

    def label(self, id: str, hours: float, value: Any = True) -> LogRecord:
        origin = self.origin("validated.labels")
        return self.append("Label", {"event_time_ms": int(hours * HOUR_MS), "origin": origin, "event_id": id, "value": value})

    def tick(self, hours: float, partition: int = 0, idle: bool = False) -> LogRecord:
        value = {"event_time_ms": int(hours * HOUR_MS), "origin": None, "source": "features.m", "partition": partition, "idle": idle}
        return self.append("Tick", value)

    def rewind(self, to: int, *cuts: tuple[int, int], cause: str = "r1") -> LogRecord:
        value = {"event_time_ms": 0, "cause": cause, "to": to, "cuts": [{"start": start, "end": end} for start, end in cuts]}
        return self.append("Rewound", value)

    def rebuild(self, runtime: str, versions: Mapping[int, str] | None = None, told: int = 0, cause: str = "rebuild:1") -> LogRecord:
        known = {str(number): learner for number, learner in (versions or {1: "sgd"}).items()}
        return self.append("Rebuilt", {"event_time_ms": 0, "cause": cause, "runtime": runtime, "versions": known, "told": told})

    def again(self, record: LogRecord) -> LogRecord:
        """The very same record once more, as somebody does who does not know that it has arrived."""
        self.records.append(record._replace(offset=len(self.records)))
        return self.records[-1]

    def without(self, *cuts: tuple[int, int]) -> list[LogRecord]:
        """The log of a world in which what is cut was never asked and never answered, though its time passed; and nobody rewound it."""
        return [self._hollow(record) if any(start <= record.offset < end for start, end in cuts) else record for record in self.records]

    def _hollow(self, record: LogRecord) -> LogRecord:
        name, value = self.wire.read(record.value)
        if name == "Prediction":
            origin = value["origin"]
            tick = {"event_time_ms": value["watermark_ms"], "source": origin["topic"], "partition": origin["partition"], "idle": False}
            return record._replace(value=self._writers["Tick"](tick))
        return record._replace(value=b"junk") if name == "Label" else record

    def drift(self, cause: str, hours: float = 0) -> LogRecord:
        value = {"origin": None, "model": "m", "kind": "concept", "signal": "loss", "detector": "ADWIN", "statistic": 1.0}
        more = {"baseline": 0.5, "severity": 1.0, "window_from": 0, "window_to": 1, "labels": 1, "cause": cause}
        return self.append("DriftDetected", {"event_time_ms": int(hours * HOUR_MS), **value, **more})


def fold_all(fold: TrainerFold, records: Iterable[Record]) -> list[Any]:
    return [made for record in records for made in fold.step(record)]


class Told(NamedTuple):
    """What a fold has said to a whole log, and how it stands."""

    fold: TrainerFold
    outcomes: list[dict[str, Any]]
    checkpoints: list[CheckpointMade]

    def digests(self) -> dict[int, str]:
        """Of the living versions, by the number of the one that began the line."""
        return {line(self.fold, version.number): codec.digest(codec.encode(version.learner)) for version in self.fold.cohort.live()}


def line(fold: TrainerFold, number: int) -> int:
    """The version that an heir's line began with."""
    version = fold.cohort.versions[number]
    return line(fold, version.parent) if version.cause.startswith("r") else number


async def tell(log: LearningLog, records: Sequence[LogRecord] | None = None, runtime: str = "") -> Told:
    """Fold a whole log, with every rewind and every rebuild in it."""
    told, read = Told(log.fold(runtime), [], []), reading(log.records if records is None else records)

    async def resolve(missing: Missing) -> None:
        await log.wire.fetch(int(missing.reference))

    def see(caused: Caused) -> None:
        for each in caused:
            if isinstance(each, Output):
                told.outcomes.append(log.wire.read(each.value)[1])
            elif isinstance(each, CheckpointMade):
                told.checkpoints.append(each)

    async for _ in replay(told.fold, read, resolve, see, again=lambda start: demanded(read(start), log.wire, runtime)):
        pass
    return told


def refold_of(log: LearningLog, offset: int) -> Refold:
    """What the fold asks for at this offset."""
    fold, start = log.fold(), 0
    while True:
        try:
            fold_all(fold, log.records[start : offset + 1])
        except Refold as refold:
            if refold.until == offset:
                return refold
            fold, start = log.fold(), 0
            fold.begin(refold)
            continue
        raise AssertionError("there is no such command")


def checkpoints(made: Iterable[Any]) -> list[CheckpointMade]:
    return [effect for effect in made if isinstance(effect, CheckpointMade)]


async def a_log(*, questions: int = 0, seed: int = 1, drift_at: int = -1, never_labelled: int = -1, topic: str = TOPIC) -> LearningLog:
    """A log with a spec, a serve, and questions one a minute whose labels come an hour later; the concept turns round at `drift_at`."""
    log = await LearningLog.new(topic=topic)
    log.spec()
    log.serve(1, 1)
    chance = random.Random(seed)
    labels: list[tuple[float, str, bool]] = []
    for number in range(questions):
        hours = number / 60
        while labels and labels[0][0] <= hours:
            due, id, value = labels.pop(0)
            log.label(id, due, value)
        if number == drift_at:
            log.drift("d1", hours)
        a = chance.gauss(0, 1)
        log.ask(f"q{number}", hours, a=a, b=chance.gauss(0, 1), c=chance.choice("xyz"))
        if number != never_labelled:
            labels.append((hours + 1, f"q{number}", (a > 0) != (0 <= drift_at <= number)))
    return log
