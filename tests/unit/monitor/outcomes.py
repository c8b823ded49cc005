"""Outcomes for tests of the monitor: a wire that knows the schema, and records of one partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from penstock.fold.protocol import LogRecord, Output
from penstock.records import Wire, Writer, platform_schema
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec.label_rule import LabelRule
from penstock.spec.model import Detector, Model, Promotion
from penstock_monitor.fold import MonitorFold

TOPIC = "outcomes.late"
ADWIN = Detector("loss", {"drift.ADWIN": {"delta": 0.002}}, 0)
BY_LOG_LOSS = Promotion("manual", "log_loss", 100, 0.01)


def model(*detectors: Detector, task: str = "binary_classification", promotion: Promotion = BY_LOG_LOSS) -> Model:
    return Model(
        name="late",
        task=task,
        view="basic",
        label=LabelRule("arrivals", "id", "y", None, 1000),
        preprocess=(),
        learners={"sgd": "linear_model.LogisticRegression"},
        champion="sgd",
        challengers=(),
        metrics=("log_loss", "rocauc", "accuracy"),
        promotion=promotion,
        detectors=detectors,
    )


@dataclass
class Bench:
    wire: Wire
    outcome: Writer
    drift: Writer

    def fold(self, *detectors: Detector) -> MonitorFold:
        return MonitorFold(model(*detectors), self.wire, self.drift, "drift", 0)

    def record(self, offset: int, outcome: dict[str, Any]) -> LogRecord:
        origin = {"topic": "learning.late", "generation": 1, "partition": 0, "offset": offset * 10, "index": 0}
        whole = {
            "event_time_ms": offset * 1000,
            "origin": origin,
            "event_id": str(offset),
            "scores": [],
            "prediction_position": offset * 2,
            **outcome,
        }
        return LogRecord(TOPIC, 0, offset, 0, b"JFK", self.outcome(whole))

    def records(self, outcomes: Sequence[dict[str, Any]]) -> list[LogRecord]:
        return [self.record(offset, outcome) for offset, outcome in enumerate(outcomes)]

    def drifts(self, outputs: Sequence[Output]) -> list[dict[str, Any]]:
        return [self.wire.read(output.value)[1] for output in outputs]


async def make_bench() -> Bench:
    wire = Wire(MemorySchemaRegistry())
    outcome = await wire.writer(TOPIC, platform_schema("Outcome"))
    return Bench(wire, outcome, await wire.writer("drift", platform_schema("DriftDetected")))


def labelled(label: bool, score: float | None, *, version: int = 1, **fields: Any) -> dict[str, Any]:
    outcome = {"kind": "labelled", "label": label, "served_score": score, "served_version": version, "label_position": 0}
    return {**outcome, "label_delay_ms": 1000, **fields}


def expired() -> dict[str, Any]:
    return {"kind": "expired", "served_score": 0.5, "served_version": 1}


def stepped(seed: int, before: int, after: int, version: int = 1) -> list[dict[str, Any]]:
    """Answers that are good for a while, then bad: the loss makes a step. Labels stand at positions 100,000, 100,001, …"""
    random = Random(seed)
    rows = [(random.random(), 0.8) for _ in range(before)] + [(random.random(), 0.3) for _ in range(after)]
    return [labelled(draw < 0.9, score, version=version, label_position=100_000 + at) for at, (draw, score) in enumerate(rows)]


def mixed(seed: int, size: int) -> list[dict[str, Any]]:
    """Everything that can happen: labels, unserved answers, expiry, quarantine, several versions."""
    random = Random(seed)
    outcomes: list[dict[str, Any]] = []
    for at in range(size):
        label, kind = random.random() < 0.3, random.random()
        if kind < 0.1:
            outcomes.append(expired())
        elif kind < 0.15:
            outcomes.append({**expired(), "kind": "quarantined"})
        else:
            score = None if kind < 0.2 else random.random()
            versions = [{"version": version, "score": random.random()} for version in range(1, 2 + at // 100)]
            delay_ms = int(random.lognormvariate(15, 1))
            outcomes.append(labelled(label, score, scores=versions, label_delay_ms=delay_ms, label_position=at))
    return outcomes
