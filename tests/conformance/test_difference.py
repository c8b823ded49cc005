"""Where two states differ: every attribute by its path with both values, and nothing else."""

import math
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given, strategies
from river import compose, drift, forest, linear_model, optim, preprocessing, tree

from penstock import codec
from penstock.codec.difference import Difference, biggest_first, differences

MODELS: dict[str, Callable[[], Any]] = {
    "pipeline": lambda: compose.Pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(optim.AdaGrad(0.1))),
    "tree": lambda: tree.HoeffdingTreeClassifier(max_depth=5, grace_period=20),
    "forest": lambda: forest.ARFClassifier(n_models=3, seed=1, max_depth=5, grace_period=20),
    "detector": drift.ADWIN,
}


def learned(name: str, count: int) -> Any:
    model, chance = MODELS[name](), random.Random(3)
    for _ in range(count):
        x = {key: chance.gauss(0, 1) for key in "abc"}
        if name == "detector":
            model.update(x["a"])
        else:
            model.predict_proba_one(x)
            model.learn_one(x, x["a"] > x["b"])
    return model


@pytest.mark.parametrize("name", MODELS)
def test_equal_states_have_no_difference_and_one_event_more_has_some(name: str) -> None:
    one, same, more = (codec.encode(learned(name, count)) for count in (100, 100, 101))
    assert list(differences(one, same)) == []
    assert list(differences(one, more)) != []


def test_a_changed_weight_is_the_one_difference_and_both_values_are_told() -> None:
    model = learned("pipeline", 50)
    before = codec.encode(model)
    was = model["LogisticRegression"].weights["b"]
    model["LogisticRegression"]._weights["b"] = was * 2
    path = "model.steps['LogisticRegression']._weights['b']"
    assert list(differences(before, codec.encode(model))) == [Difference(path, repr(was), repr(was * 2), 0.5)]


def test_what_only_one_side_has_is_absent_on_the_other_and_comes_first() -> None:
    one, other = learned("pipeline", 50), learned("pipeline", 60)
    other.learn_one({"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}, True)
    found = biggest_first(list(differences(codec.encode(one), codec.encode(other))))
    assert {each.left for each in found if each.path.endswith("['d']")} == {"absent"}
    assert [math.isinf(each.change) for each in found] == sorted((math.isinf(each.change) for each in found), reverse=True)
    numbers = [each.change for each in found if math.isfinite(each.change)]
    assert numbers == sorted(numbers, reverse=True)


def test_another_class_is_one_difference_and_what_is_below_it_is_left_out() -> None:
    found = list(differences(codec.encode(learned("pipeline", 5)), codec.encode(learned("tree", 5))))
    assert [each.path for each in found] == ["model"]
    assert "Pipeline" in found[0].left
    assert "HoeffdingTreeClassifier" in found[0].right


def test_bytes_that_are_no_state_are_refused() -> None:
    with pytest.raises(codec.StateError):
        list(differences(codec.encode(learned("tree", 5)), b"no state"))


@pytest.mark.parametrize(("one", "other"), [(1, 1.0), (1, True), (0.0, -0.0), (0, None)])
def test_values_of_other_types_differ_though_they_are_equal(one: Any, other: Any) -> None:
    assert [each.path for each in differences(codec.encode({"x": one}), codec.encode({"x": other}))] == ["model['x']"]
    nothing = codec.encode({"x": math.nan})
    assert list(differences(nothing, codec.encode({"x": math.nan}))) == []


def numbers(path: str, one: Any, other: Any) -> Iterator[str]:
    """The paths at which two trees of dictionaries differ: a second way to say the same."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in {**one, **other}:
            if key in one and key in other:
                yield from numbers(f"{path}[{key!r}]", one[key], other[key])
            else:
                yield f"{path}[{key!r}]"
    elif (type(one), repr(one)) != (type(other), repr(other)):
        yield path


KEYS = strategies.text("abc", min_size=1, max_size=2)
TREES = strategies.recursive(
    strategies.integers(-5, 5) | strategies.booleans() | strategies.floats(-1, 1), lambda inside: strategies.dictionaries(KEYS, inside)
)


@given(TREES, TREES)
def test_differences_are_those_that_plain_values_have(one: Any, other: Any) -> None:
    found = {each.path for each in differences(codec.encode({"x": one}), codec.encode({"x": other}))}
    assert found == set(numbers("model", {"x": one}, {"x": other}))
