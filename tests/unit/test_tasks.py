"""The tasks: what each asks of River, and what it takes for an answer."""

import json
import math
from typing import Any

import pytest
from river import linear_model, naive_bayes, time_series

from penstock.learning import answer_of
from penstock.records import platform_schema
from penstock.tasks import TASKS, answer_in, predicted, written
from penstock_registry.compatibility import canonical, problems

NEW_FIELDS = ("predicted_class", "probabilities", "served_probabilities")


class Says:
    """A learner that says what it was told to."""

    def __init__(self, answer: Any) -> None:
        self.predict_one = self.predict_proba_one = self.score_one = lambda _: answer
        self.forecast = lambda horizon, xs: [answer] * horizon


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("binary_classification", {True: math.nan}),
        ("multiclass", {"a": math.nan, "b": 1.0}),
        ("multiclass", {"a": -0.5, "b": 1.5}),
        ("regression", math.inf),
        ("anomaly", math.nan),
        ("forecasting", math.nan),
    ],
)
def test_what_is_no_finite_answer_is_an_error_of_the_learner(task: str, said: Any) -> None:
    with pytest.raises(ValueError, match="answered"):
        TASKS[task].ask(Says(said), {})
    assert answer_of(TASKS[task], Says(said), {}) is None


@pytest.mark.parametrize(("task", "said"), [("multiclass", {}), ("regression", None)])
def test_no_opinion_is_no_error(task: str, said: Any) -> None:
    assert TASKS[task].ask(Says(said), {}) is None


def test_a_forecaster_that_has_seen_too_little_has_no_opinion_yet() -> None:
    learner, task = time_series.HoltWinters(alpha=0.3, beta=0.1, gamma=0.6, seasonality=4), TASKS["forecasting"]
    answers = []
    for value in range(6):
        answers.append(task.ask(learner, {}))
        task.teach(learner, {}, float(value + 1))
    assert [answer is None for answer in answers] == [True] * 4 + [False] * 2


def test_classes_are_sorted_whatever_the_order_of_the_learner() -> None:
    answer = TASKS["multiclass"].ask(Says({"b": 0.5, "c": 0.0, "a": 0.5}), {})
    assert answer == {"a": 0.5, "b": 0.5, "c": 0.0}
    assert list(answer) == ["a", "b", "c"]
    assert predicted(answer) == {"score": 0.5, "predicted_class": "a", "probabilities": answer}


@pytest.mark.parametrize("answer", [None, 0.25, {"a": 0.25, "b": 0.75}])
def test_an_answer_is_read_as_it_was_written(answer: Any) -> None:
    assert answer_in(written(answer)) == answer
    assert answer_in({f"served_{name}": value for name, value in written(answer).items()}, "served_") == answer


@pytest.mark.parametrize("name", ["Outcome", "Prediction"])
def test_records_from_before_there_were_classes_and_those_of_now_read_each_other(name: str) -> None:
    now = platform_schema(name)
    text = json.dumps(now)
    before = json.loads(text)
    without(before)
    assert json.dumps(before) != text
    assert problems(canonical(text), [canonical(json.dumps(before))], "FULL_TRANSITIVE") == []


def without(schema: Any) -> None:
    """Take the fields of classes out of a schema, wherever they stand."""
    if isinstance(schema, dict) and "fields" in schema:
        schema["fields"] = [field for field in schema["fields"] if field["name"] not in NEW_FIELDS]
        for field in schema["fields"]:
            without(field["type"])
    elif isinstance(schema, dict):
        without(schema.get("items"))


@pytest.mark.parametrize("task", TASKS.values(), ids=lambda task: task.name)
def test_a_learner_fits_one_kind_of_task(task: Any) -> None:
    learners = {
        "binary_classification": linear_model.LogisticRegression(),
        "multiclass": naive_bayes.GaussianNB(),
        "regression": linear_model.LinearRegression(),
        "forecasting": time_series.SNARIMAX(1, 0, 0),
    }
    fitting = {name for name, learner in learners.items() if task.fits(learner)}
    assert fitting == {"binary_classification": {"binary_classification", "multiclass"}, "anomaly": set()}.get(task.name, {task.name})
