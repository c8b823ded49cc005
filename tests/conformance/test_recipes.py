"""Recipes are checked completely, with messages that help, before anything is built."""

import importlib
import inspect
import subprocess
import sys
from typing import Any

import pytest

from penstock.codec import RecipeError, build, build_pipeline, check_preprocess, check_recipe, encode
from penstock.codec.buildables import BUILDABLES
from penstock.errors import UsageError

LOGISTIC = "linear_model.LogisticRegression"
TREE = "tree.HoeffdingTreeClassifier"


@pytest.mark.parametrize("name", BUILDABLES)
def test_every_listed_argument_is_one_of_river_and_none_is_forgotten(name: str) -> None:
    module, _, cls = name.rpartition(".")
    signature = inspect.signature(getattr(importlib.import_module(f"river.{module}"), cls))
    silent = {"cm"}  # a confusion matrix given in: objects do not come from a spec
    named = {key: each for key, each in signature.parameters.items() if each.kind not in (each.VAR_KEYWORD, each.VAR_POSITIONAL)}
    assert set(BUILDABLES[name].arguments) == set(named) - silent
    assert {key for key, each in named.items() if each.default is each.empty} <= set(BUILDABLES[name].required)
    assert set(BUILDABLES[name].always) <= set(BUILDABLES[name].arguments)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        ("os.system", "'os.system' is not in the list"),
        ("linear_model.LogisticRegresion", "Did you mean linear_model.LogisticRegression?"),
        ("preprocessing.LDA", "is not in the list"),
        ("linear_model.BayesianLinearRegression", "is refused: it changes when it predicts"),
        ("anomaly.LocalOutlierFactor", "is refused: it keys its memory by the addresses of objects"),
        ("compose.FuncTransformer", "is refused: it holds a function"),
        ({"ensemble.BaggingClassifier": "rules.AMRules"}, "model: rules.AMRules is refused"),
        ("ensemble.BaggingClassifier", "ensemble.BaggingClassifier: needs model, a recipe of a classifier"),
        ({"ensemble.BaggingClassifier": {"model": "linear_model.LinearRegression"}}, "is a regressor, expected a classifier"),
        ({"ensemble.VotingClassifier": {"models": [LOGISTIC]}}, "is not a list of 2 to 10 recipes of a classifier"),
        ({"ensemble.VotingClassifier": {"models": LOGISTIC}}, "is not a list of 2 to 10 recipes of a classifier"),
        ({"ensemble.VotingClassifier": {"models": [LOGISTIC, {LOGISTIC: {"l2": -1}}]}}, "models[1].linear_model.LogisticRegression.l2"),
        ({"forest.ARFClassifier": {"seed": None}}, "None is not a whole number from 0"),
        (7, "7 is not in the list"),
        (None, "is not in the list"),
        ([LOGISTIC], "is not in the list"),
        ({}, "exactly one class, this one 0"),
        ({LOGISTIC: {}, TREE: {}}, "exactly one class, this one 2"),
        ({LOGISTIC: {"optimiser": "optim.SGD"}}, "argument 'optimiser' is unknown. Did you mean optimizer?"),
        ({LOGISTIC: {"optimizer": {"optim.SGD": {"learning": 1}}}}, "LogisticRegression.optimizer.optim.SGD: argument 'learning'"),
        ({LOGISTIC: {"optimizer": "drift.ADWIN"}}, "is a detector, expected a optimizer"),
        ({LOGISTIC: {"optimizer": 0.1}}, "0.1 is not in the list"),
        ({LOGISTIC: {"loss": "optim.losses.Squared"}}, "expected a binary loss"),
        ({LOGISTIC: {"l1": 0.1}}, "use l2"),
        ({LOGISTIC: {"l2": "0.1"}}, "'0.1' is not a number"),
        ({LOGISTIC: {"l2": True}}, "True is not a number"),
        ({LOGISTIC: {"l2": float("nan")}}, "nan is not a number"),
        ({LOGISTIC: {"l2": float("inf")}}, "inf is not a number"),
        ({LOGISTIC: {"l2": 10**400}}, "is not a number"),
        ({LOGISTIC: {"l2": None}}, "None is not a number"),
        ({"optim.SGD": -1}, "or a number from 0"),
        ({TREE: 5}, "keyword arguments only"),
        ({TREE: {"max_depth": 10**6}}, "a whole number from 1 to 64"),
        ({TREE: {"max_depth": None}}, "None is not a whole number"),
        ({TREE: {"max_depth": 2.5}}, "2.5 is not a whole number"),
        ({TREE: {"split_criterion": "magic"}}, "one of info_gain, gini, hellinger"),
        ({TREE: {"nominal_attributes": "abc"}}, "a list of feature names"),
        ({TREE: {"memory_estimate_period": 10}}, "not deterministic"),
        ({TREE: {"binary_split": True}}, "hash seed"),
        ({"forest.ARFClassifier": {"n_models": 10**9}}, "a whole number from 1 to 100"),
        ({"forest.ARFClassifier": {"seed": -1}}, "a whole number from 0"),
        ({"preprocessing.StandardScaler": {"window_size": 10**9}}, "not supported"),
        ({"preprocessing.OneHotEncoder": {"categories": {"a": ["b"]}}}, "hash seed"),
        ({"dummy.PriorClassifier": {"x": 1}}, "argument 'x' is unknown"),
        ({LOGISTIC: {1: 2}}, "argument 1 is unknown"),
    ],
)
def test_a_recipe_that_cannot_be_built_is_refused(recipe: Any, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        build(recipe, 1)
    assert message in str(caught.value)
    assert isinstance(caught.value, UsageError)


@pytest.mark.parametrize(
    ("preprocess", "message"),
    [
        ("numbers", "must be a list"),
        (7, "must be a list"),
        (["numbers"], "preprocess[0]: needs a select"),
        ([{"then": "preprocessing.StandardScaler"}], "needs a select"),
        ([{"select": "nombres"}], "numbers, strings, or a list"),
        ([{"select": []}], "numbers, strings, or a list"),
        ([{"select": [1]}], "numbers, strings, or a list"),
        ([{"select": "numbers", "than": None}], "'than' is unknown (select, then)"),
        ([{"select": "numbers", "then": LOGISTIC}], "is a classifier, expected a transformer"),
    ],
)
def test_a_preprocess_that_cannot_be_built_is_refused(preprocess: Any, message: str) -> None:
    with pytest.raises(RecipeError) as caught:
        check_preprocess(preprocess)
    assert message in str(caught.value)


def test_a_pipeline_needs_a_learner_at_its_end() -> None:
    with pytest.raises(RecipeError, match="expected a learner"):
        build_pipeline([], "preprocessing.StandardScaler", 1)


@pytest.mark.parametrize(
    ("short", "long"),
    [
        (LOGISTIC, {LOGISTIC: None}),
        (LOGISTIC, {LOGISTIC: {}}),
        ({"optim.SGD": 1}, {"optim.SGD": {"lr": 1.0}}),
        ({LOGISTIC: "optim.SGD"}, {LOGISTIC: {"optimizer": {"optim.SGD": {}}}}),
        ({"optim.SGD": 0.1}, {"optim.SGD": {"lr": {"optim.schedulers.Constant": 0.1}}}),
        ({"ensemble.BaggingClassifier": {LOGISTIC: {"l2": 0.1}}}, {"ensemble.BaggingClassifier": {"model": {LOGISTIC: {"l2": 0.1}}}}),
    ],
)
def test_short_and_long_ways_to_say_it_give_the_same_bytes(short: Any, long: Any) -> None:
    assert encode(build(short, 1)) == encode(build(long, 1))


def test_seeds_follow_the_given_one_and_differ_by_place() -> None:
    recipe = "forest.ARFClassifier"
    assert build(recipe, 1).seed == build(recipe, 1).seed != build(recipe, 2).seed
    assert build({recipe: {"seed": 5}}, 1).seed == 5
    normal = "optim.initializers.Normal"
    assert build({LOGISTIC: {"initializer": normal}}, 1).initializer.seed != build(normal, 1).seed


@pytest.mark.parametrize("name", [name for name, each in BUILDABLES.items() if "max_depth" in each.arguments])
def test_every_tree_has_an_explicit_depth(name: str) -> None:
    assert build(name, 1).max_depth == 20
    assert build({name: {"max_depth": 3}}, 1).max_depth == 3


def test_branches_select_by_type_and_by_name_and_skip_what_is_absent() -> None:
    preprocess: list[dict[str, Any]] = [{"select": "numbers"}, {"select": "strings"}]
    union = build_pipeline(preprocess, LOGISTIC, 1)["features"]
    assert union.transform_one({"a": 1.5, "b": "x", "c": True}) == {"a": 1.5, "b": "x", "c": True}
    picked = build_pipeline([{"select": ["b", "a", "z"]}], LOGISTIC, 1)["features"]
    assert list(picked.transform_one({"a": 1, "b": 2, "c": 3}).items()) == [("b", 2), ("a", 1)]


def test_an_empty_preprocess_is_the_bare_learner() -> None:
    assert type(build_pipeline([], LOGISTIC, 1)).__name__ == "LogisticRegression"


def test_a_recipe_is_checked_without_river() -> None:
    program = f"import sys; from penstock.codec import check_recipe; check_recipe({LOGISTIC!r}); sys.exit('river' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


def test_a_group_restricts_a_recipe() -> None:
    check_recipe({"drift.ADWIN": 0.002}, "detector")
    with pytest.raises(RecipeError, match="is a classification metric, expected a detector"):
        check_recipe("metrics.LogLoss", "detector")
