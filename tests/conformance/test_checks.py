"""A model must be deterministic, and no number in it may be NaN."""

import numpy as np
import pytest
from river import compose, drift, forest, optim, preprocessing, stats, tree

from penstock.codec import NotAllowed, check_deterministic, decode, encode, finite
from penstock.codec.arguments import NEVER
from tests.codec.cases import Case, run
from tests.codec.recipes import SMALL
from tests.codec.supported import BY_NAME, CASES

EXPLICIT = {"max_depth": 5, "memory_estimate_period": NEVER}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_built_from_a_recipe_is_deterministic(case: Case) -> None:
    check_deterministic(case.model())


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (forest.ARFClassifier(**EXPLICIT), "has no seed"),
        (compose.Pipeline(preprocessing.StandardScaler(), tree.HoeffdingAdaptiveTreeClassifier(**EXPLICIT)), "has no seed"),
        (optim.initializers.Normal(), "has no seed"),
        (tree.HoeffdingTreeClassifier(max_depth=5), "measures its memory"),
        (tree.HoeffdingTreeClassifier(memory_estimate_period=NEVER), "max_depth"),
        (tree.HoeffdingAdaptiveTreeClassifier(seed=1, **EXPLICIT), "sums over a set"),
        (compose.Select("b", "a"), "order of a set"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_hangs_on_more_than_its_events_is_refused(model: object, reason: str) -> None:
    with pytest.raises(NotAllowed, match=reason):
        check_deterministic(model)


def test_a_tree_that_measures_its_memory_leaves_the_path_of_its_copy() -> None:
    """Why `memory_estimate_period` is set: the same events, another state."""
    case = BY_NAME["tree"]
    events = case.events(300)
    model = tree.HoeffdingTreeClassifier(**SMALL, memory_estimate_period=100)
    run(model, events[:150])
    copy = decode(encode(model))
    run(model, events[150:])
    run(copy, events[150:])
    assert encode(copy) != encode(model)


def test_a_seed_of_zero_is_a_seed() -> None:
    check_deterministic(forest.ARFClassifier(seed=0, **EXPLICIT))


@pytest.mark.parametrize("holder", ["attribute", "list", "tuple", "vector", "array", "adwin"])
def test_a_nan_is_found_wherever_it_hides(holder: str) -> None:
    nan = float("nan")
    mean, detector = stats.Mean(), drift.ADWIN()
    mean.update(nan)
    detector.update(nan)
    vector = optim.Adam()
    vector.m = decode(encode([optim.Adam()]))[0].m
    states = {"attribute": mean, "list": [1, [nan]], "tuple": [(1, (nan,))], "array": [np.array([1.0, nan])], "adwin": detector}
    states["vector"] = _weights(nan)
    assert not finite(states[holder])


def _weights(value: float) -> object:
    model = BY_NAME["logistic-bare"].model()
    model.learn_one({"x": value}, True)
    return model


def test_infinity_is_legal() -> None:
    assert finite([float("inf"), stats.Min(), stats.Max(), drift.PageHinkley()])
