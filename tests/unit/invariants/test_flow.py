"""A whole platform written by hand: one reading asks, one failure answers; and each record of it lost in turn."""

from collections.abc import Mapping
from typing import Any

import pytest

from penstock.fold.protocol import LogRecord, Missing
from penstock.invariants.finding import Finding, joined
from penstock.invariants.flow import Circumstances, Invariants
from penstock.invariants.seen import Standing, Stood
from penstock.records import Origin, Wire, Writer, platform_schema, with_features
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec import load
from penstock.spec.avro import EVENT_ID, ORIGIN, feature_fields, stream_schema
from penstock.spec.stream import record_name
from tests.unit.invariants.logs import FAR, letter, origin

SPEC = load(
    """
streams:
  readings: {key: sensor, id: id, time: at, max_jump: 7d, fields: {id: string, sensor: string, at: timestamp, warmth: double}}
  failures:
    key: sensor
    id: id
    time: at
    max_jump: 7d
    fields: {id: string, sensor: string, at: timestamp, failed: {type: boolean, nullable: true}}
views:
  warmth: {from: readings, select: [warmth]}
models:
  fails:
    task: binary_classification
    view: warmth
    label: {from: failures, id: id, positive: "failed == true", horizon: 1d}
    learners: {sgd: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.05}}}}
    champion: sgd
    metrics: [log_loss]
"""
)
COUNTS: dict[str, tuple[str, dict[str, int]]] = {
    "ingestion/readings": ("events.readings", {"sent": 3, "validated": 2, "rejected": 1}),
    "ingestion/failures": ("events.failures", {"sent": 2, "validated": 2}),
    "feature_store/warmth": ("validated.readings validated.failures", {"vectors": 2, "labels": 1}),
    "deployer/fails": ("features.fails", {"predictions": 2}),
    "trainer/fails": ("learning.fails", {"predictions": 2, "labelled": 1}),
    "monitor/fails": ("outcomes.fails", {"labelled": 1}),
}
STANDING = Standing({(unit, 0): Stood(dict.fromkeys(topics.split(), FAR), counts) for unit, (topics, counts) in COUNTS.items()})
GIVEN = Circumstances(STANDING, from_start=True)


class Log:
    """The platform's records by topic."""

    def __init__(self, writers: Mapping[str, Writer]) -> None:
        self.writers = writers
        self.records: dict[str, list[LogRecord]] = {}

    def raw(self, topic: str, value: bytes = b"{}", **other: Any) -> int:
        records = self.records.setdefault(topic, [])
        records.append(LogRecord(topic, 0, len(records), 10, b"k", value, **other))
        return len(records) - 1

    def add(self, topic: str, name: str, of: Origin | None, **value: Any) -> int:
        fields = {"event_time_ms": 5, "origin": of, **value}
        return self.raw(topic, self.writers[name](fields))


async def platform() -> tuple[Log, Wire]:
    wire = Wire(MemorySchemaRegistry())
    features = feature_fields(SPEC.views["warmth"], SPEC)
    schemas = [stream_schema(stream) for stream in SPEC.streams.values()]
    schemas += [platform_schema(name) for name in ("Label", "Outcome", "Serve", "Tick")]
    schemas += [with_features(name, features) for name in ("FeatureVector", "Prediction")]
    log = Log({schema["name"]: await wire.writer("t", schema) for schema in schemas})
    for number in range(2):
        _ask(log, f"r{number}")
    log.raw("events.readings")
    log.raw("dlq.events.readings", headers=letter("events.readings", 2))
    for id, failed in (("r0", True), ("r1", None)):
        _answer(log, id, failed)
    return log, wire


def _ask(log: Log, id: str) -> None:
    sent = log.raw("events.readings")
    came = origin("events.readings", sent, generation=0)
    valid = log.add(
        "validated.readings", record_name("readings"), came, **{ORIGIN: came, EVENT_ID: id}, id=id, sensor="s", at=5, warmth=1.0
    )
    vector = {"event_id": id, "entity": "s", "features": {"warmth": 1.0}}
    asked = log.add("features.fails", "FeatureVector", origin("validated.readings", valid, generation=0), **vector)
    for topic in ("predictions.fails", "learning.fails"):
        log.add(topic, "Prediction", origin("features.fails", asked), **vector, score=None, version=0, position=0, age_ms=None)


def _answer(log: Log, id: str, failed: bool | None) -> None:
    came = origin("events.failures", log.raw("events.failures"), generation=0)
    valid = log.add(
        "validated.failures", record_name("failures"), came, **{ORIGIN: came, EVENT_ID: id}, id=id, sensor="s", at=5, failed=failed
    )
    if failed is not None:
        label = log.add("learning.fails", "Label", origin("validated.failures", valid, generation=0), event_id=id, value=failed)
        end = {"event_id": id, "kind": "labelled", "label": failed, "served_score": None, "served_version": 0, "scores": []}
        log.add("outcomes.fails", "Outcome", origin("learning.fails", label), **end, prediction_position=0, label_position=label)


def look(log: Log, wire: Wire) -> dict[str, Finding]:
    invariants = Invariants(SPEC, wire, GIVEN)
    for topic in invariants.topics:
        for record in log.records.get(topic, []):
            invariants.see(record)
    return {finding.name: finding for finding in joined(invariants.findings())}


async def test_a_whole_platform_holds() -> None:
    findings = look(*await platform())
    assert findings.keys() == {"counts_add_up", "no_gap", "one_champion", "learned_once", "log_says_what_was_served", "finite"}
    assert all(finding.holds for finding in findings.values()), findings
    assert all(finding.checked for finding in findings.values())


@pytest.mark.parametrize(
    ("topic", "index", "broken"),
    [
        ("dlq.events.readings", 0, {"counts_add_up"}),
        ("validated.readings", 1, {"counts_add_up", "no_gap"}),
        ("validated.failures", 0, {"counts_add_up"}),
        ("validated.failures", 1, {"counts_add_up"}),
        ("features.fails", 1, {"counts_add_up", "no_gap"}),
        ("predictions.fails", 0, {"no_gap"}),
        ("learning.fails", 1, {"counts_add_up", "no_gap"}),
        ("learning.fails", 2, {"counts_add_up", "learned_once", "no_gap"}),
        ("outcomes.fails", 0, {"counts_add_up"}),
    ],
)
async def test_each_record_that_is_lost_breaks_what_it_should(topic: str, index: int, broken: set[str]) -> None:
    log, wire = await platform()
    del log.records[topic][index]
    assert {name for name, finding in look(log, wire).items() if not finding.holds} == broken


async def test_a_schema_that_is_not_here_yet_is_asked_for_before_anything_changes() -> None:
    log, _ = await platform()
    invariants = Invariants(SPEC, Wire(MemorySchemaRegistry()), GIVEN)
    with pytest.raises(Missing):
        invariants.see(log.records["validated.readings"][0])
    invariants.see(log.records["events.readings"][0])


async def test_when_the_label_rule_has_changed_no_label_is_missed() -> None:
    log, wire = await platform()
    del log.records["learning.fails"][2]
    given = Circumstances(STANDING, from_start=True, changed_rules=frozenset({"fails"}))
    invariants = Invariants(SPEC, wire, given)
    for topic in invariants.topics:
        for record in log.records.get(topic, []):
            invariants.see(record)
    assert next(finding for finding in joined(invariants.findings()) if finding.name == "no_gap").holds
