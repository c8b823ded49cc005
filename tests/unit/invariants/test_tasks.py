"""The invariants hold for every task, and break for each where they should."""

from math import inf, nan
from typing import Any

import pytest

from penstock.invariants.finite import Finite
from penstock.invariants.flow import Circumstances, Invariants
from penstock.invariants.learned import LearnedOnce, Learnt
from penstock.invariants.served import Served, ServedAnswer
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec import load
from penstock.tasks import PREDICTIONS, TASKS, Answer, written
from tests.unit.invariants.logs import Feed, origin, stood

LEARNING, OUTCOMES = "learning.m", "outcomes.m"
NO_LABELS = """
streams: {readings: {key: sensor, id: id, fields: {id: string, sensor: string, warmth: double}}}
views: {warmth: {from: readings, select: [warmth]}}
models:
  odd: {task: anomaly, view: warmth, learners: {trees: anomaly.HalfSpaceTrees}, champion: trees}
"""


def seen(task: str, answer: Answer) -> list[Feed]:
    """The answer as it was served, in an outcome, and of a version."""
    logs = [Feed(Finite(LEARNING, OUTCOMES, TASKS[task])) for _ in range(3)]
    served = {f"served_{name}": value for name, value in written(answer).items()}
    logs[0].add(LEARNING, "Prediction", {**written(answer), "features": {}})
    logs[1].add(OUTCOMES, "Outcome", {**served, "scores": []})
    logs[2].add(OUTCOMES, "Outcome", {"served_score": None, "scores": [{"version": 1, **written(answer)}]})
    return logs


@pytest.mark.parametrize(
    ("task", "answer"), [("regression", -7.5), ("forecasting", 432.0), ("anomaly", 3.0), ("multiclass", {"a": 0.2, "b": 0.8000000001})]
)
def test_an_answer_of_its_task_is_finite(task: str, answer: Answer) -> None:
    assert all(log.finding().holds for log in seen(task, answer))


@pytest.mark.parametrize(
    ("task", "answer"),
    [("regression", nan), ("forecasting", inf), ("anomaly", -inf), ("multiclass", {"a": 0.2, "b": nan}), ("multiclass", {"a": 7.0})],
)
def test_what_is_no_answer_of_its_task_is_named(task: str, answer: Answer) -> None:
    assert not any(log.finding().holds for log in seen(task, answer))


def taught(lessons: int, *, repeated: int = 0) -> LearnedOnce:
    """Four questions, of which one came again; a version says how many lessons it has had."""
    checker = LearnedOnce("trainer/m", LEARNING, OUTCOMES, 1_000, stood("trainer/m", LEARNING, predictions__repeated=repeated), PREDICTIONS)
    log = Feed(checker)
    for number in range(4):
        log.add(LEARNING, "Prediction", {"event_id": f"q{number}"}, origin("features.m", number))
    log.add(LEARNING, "Prediction", {"event_id": "q3"}, origin("features.m", 3))  # an echo
    checker.checkpoint_says(Learnt("m/1@5", 1, 5, lessons))
    return checker


def test_where_questions_teach_each_teaches_once() -> None:
    assert taught(3).finding().holds
    assert taught(2, repeated=1).finding().holds
    for lessons, repeated in ((2, 0), (4, 0), (1, 1)):
        assert not taught(lessons, repeated=repeated).finding().holds


def test_the_probabilities_of_classes_recompute_to_the_last_bit() -> None:
    recorded = {"a": 0.25, "b": 0.75}
    for anew, holds in (({"a": 0.25, "b": 0.75}, True), ({"a": 0.25, "b": 0.7500000000000001}, False), (0.75, False)):
        checker = Served("features.m", "predictions.m", LEARNING, 1)
        value: dict[str, Any] = {"features": {}, "version": 1, "position": 7, **written(recorded)}
        log = Feed(checker)
        log.add(LEARNING, "Prediction", value, origin("features.m", 0))
        assert checker.answers[1, 7] == [ServedAnswer("learning.m[0]:0", {}, recorded)]
        checker.recomputed(checker.answers[1, 7], [anew])
        assert checker.finding().holds is holds


def test_a_model_without_labels_asks_no_stream_for_them() -> None:
    spec = load(NO_LABELS)
    invariants = Invariants(spec, Wire(MemorySchemaRegistry()), Circumstances(stood("trainer/odd", "learning.odd")))
    assert all(finding.holds for finding in invariants.findings())
    assert "validated." not in invariants.topics
