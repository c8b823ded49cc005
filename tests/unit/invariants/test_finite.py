from math import inf, nan
from typing import Any

import pytest

from penstock.invariants.finite import Finite
from penstock.tasks import TASKS
from tests.unit.invariants.logs import Feed

BINARY = TASKS["binary_classification"]


def predicted(score: float | None = 0.5, **features: Any) -> Feed:
    log = Feed(Finite("learning.m", "outcomes.m", BINARY))
    log.add("learning.m", "Prediction", {"score": score, "features": {"wind": None, "from": "JFK", "hour": 7.0, **features}})
    return log


def ended(served: float | None, other: float) -> Feed:
    log = Feed(Finite("learning.m", "outcomes.m", BINARY))
    log.add("outcomes.m", "Outcome", {"served_score": served, "scores": [{"version": 1, "score": other}]})
    return log


@pytest.mark.parametrize("score", [None, 0.0, 0.5, 1.0])
def test_probabilities_hold(score: float | None) -> None:
    assert predicted(score).finding().holds
    assert ended(score, 0.5).finding().holds


@pytest.mark.parametrize("score", [nan, inf, -inf, -0.1, 1.1])
def test_what_is_no_probability_is_named(score: float) -> None:
    assert predicted(score).finding().broken == (f"learning.m[0]:0: score {score} is no probability",)
    assert not ended(score, 0.5).finding().holds
    assert not ended(0.5, score).finding().holds


@pytest.mark.parametrize("value", [nan, inf, -inf])
def test_a_feature_that_is_no_number_is_named(value: float) -> None:
    assert predicted(wind=value).finding().broken == (f"learning.m[0]:0: feature wind is {value}",)


@pytest.mark.parametrize(
    ("metrics", "holds"), [('{"log_loss":0.4,"labels":7}', True), ('{"log_loss":NaN}', False), ('{"a":[1,Infinity]}', False)]
)
def test_metrics_of_checkpoints_are_numbers(metrics: str, holds: bool) -> None:
    checker = Finite("learning.m", "outcomes.m", BINARY)
    checker.metrics("m/1@7", metrics)
    assert checker.finding().holds is holds
