"""Feature vectors, serves and ticks for tests of the deployer, with real checkpoints behind them."""

import hashlib
from dataclasses import dataclass, field
from random import Random
from typing import Any

from penstock import codec
from penstock.fold.protocol import LogRecord, Output
from penstock.records import Wire, Writer, platform_schema, with_features
from penstock.records.schemas import MemorySchemaRegistry
from penstock.tasks import TASKS
from penstock_deployer.fold import DeployerFold, Topics, Writers

TOPIC = "features.late"
FIELDS = [{"name": "wind", "type": ["null", "double"], "default": None}, {"name": "carrier", "type": ["null", "string"], "default": None}]
PREPROCESS = [
    {"select": "numbers", "then": "preprocessing.StandardScaler"},
    {"select": "strings", "then": "preprocessing.OneHotEncoder"},
]
LEARNER = {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.02}}}


def checkpoint(learned: int) -> bytes:
    """The bytes of a learner that has learned so many examples."""
    learner, random = codec.build_pipeline(PREPROCESS, LEARNER, seed=1), Random(learned)
    for _ in range(learned):
        wind = random.uniform(0, 50)
        learner.learn_one({"wind": wind, "carrier": random.choice(["AA", "UA"])}, wind > 25)
    return codec.encode(learner)


def digest(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()


@dataclass
class Bench:
    wire: Wire
    write: dict[str, Writer]
    blobs: dict[str, bytes] = field(default_factory=dict)
    offset: int = 0

    def fold(self, task: str = "binary_classification") -> DeployerFold:
        writers = Writers(self.write["Prediction"], self.write["Tick"])
        return DeployerFold(self.wire, writers, Topics("predictions.late", "learning.late"), self.blobs, TASKS[task])

    def _record(self, name: str, value: dict[str, Any], key: bytes = b"JFK") -> LogRecord:
        self.offset += 1
        return LogRecord(TOPIC, 3, self.offset, 0, key, self.write[name](value))

    def vector(self, offset: int, wind: float | None = 10.0, carrier: str | None = "AA") -> LogRecord:
        features = {"wind": wind, "carrier": carrier}
        value = {
            "event_time_ms": 50_000 + offset,
            "origin": origin(offset),
            "event_id": f"e{offset}",
            "entity": "JFK",
            "watermark_ms": 50_000,
        }
        return self._record("FeatureVector", {**value, "watermark_ms": 50_000, "features": features})

    def serve(self, blob: bytes, revision: int = 1, position: int = 100, version: int = 1, *, here: bool = True) -> LogRecord:
        if here:
            self.blobs[digest(blob)] = blob
        cause = f"serve:late:{revision}:{version}:{position}"
        value = {"event_time_ms": 40_000, "cause": cause, "revision": revision, "version": version, "position": position}
        return self._record("Serve", {**value, "digest": digest(blob)}, b"late")

    def tick(self, offset: int | None, time_ms: int = 60_000, *, idle: bool = False) -> LogRecord:
        source = {"source": "validated.flights", "partition": 0, "idle": idle}
        return self._record("Tick", {"event_time_ms": time_ms, "origin": None if offset is None else origin(offset), **source})

    def read(self, output: Output) -> dict[str, Any]:
        return self.wire.read(output.value)[1]


def origin(offset: int) -> dict[str, Any]:
    return {"topic": "validated.flights", "generation": 1, "partition": 0, "offset": offset, "index": 0}


async def make_bench() -> Bench:
    wire = Wire(MemorySchemaRegistry())
    schemas = [
        with_features("FeatureVector", FIELDS),
        with_features("Prediction", FIELDS),
        platform_schema("Serve"),
        platform_schema("Tick"),
    ]
    return Bench(wire, {schema["name"]: await wire.writer(TOPIC, schema) for schema in schemas})
