"""A decoded state must hold the parameters of its recipe."""

from typing import Any

import msgspec
import pytest

from penstock.codec import NotDeclared, build, build_pipeline, check_declared, decode, decode_as, encode
from penstock.codec.declared import LEARNED
from penstock.codec.kinds import OBJECT
from tests.codec.cases import SEED, Case
from tests.codec.recipes import LOGISTIC, SCALED
from tests.codec.supported import BY_NAME, CASES, trained

BAGGED: Any = {"ensemble.BaggingClassifier": {"model": "tree.HoeffdingTreeClassifier", "n_models": 2}}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_state_that_has_learned_is_still_that_of_its_recipe(case: Case) -> None:
    assert encode(decode_as(trained(case.name), case.model())) == trained(case.name)


def _changed(case: Case, attribute: str, value: Any) -> bytes:
    """The state of a case in which every attribute of this name has another value, as someone would write it by hand."""
    document = msgspec.msgpack.decode(trained(case.name))
    _, _, layouts, nodes = document
    for node in nodes:
        if node[0] == OBJECT and attribute in layouts[node[1]]:
            node[1 + layouts[node[1]].index(attribute)] = value
    return msgspec.msgpack.encode(document)


@pytest.mark.parametrize(
    ("name", "attribute", "value"),
    [
        ("rbf", "n_components", 10**9),
        ("polynomial", "degree", 10**6),
        ("half-space-trees", "height", 60),
        ("logistic-sgd", "learning_rate", 1e300),
        ("tree", "max_depth", 10**6),
        ("hasher", "n_features", 10**12),
        ("kswin", "window_size", 10**9),
    ],
)
def test_a_parameter_that_the_recipe_does_not_give_is_refused(name: str, attribute: str, value: Any) -> None:
    hostile = _changed(BY_NAME[name], attribute, value)
    assert decode(hostile) is not None, "the types alone let it in"
    with pytest.raises(NotDeclared, match=f"{attribute}: is .*, the recipe gives"):
        decode_as(hostile, BY_NAME[name].model())


def test_each_parameter_is_compared_though_another_has_the_same_value() -> None:
    recipe = {"tree.HoeffdingTreeClassifier": {"grace_period": 6, "max_depth": 6, "nb_threshold": 6}}
    for attribute in ("grace_period", "max_depth", "nb_threshold"):
        model = build(recipe, SEED)
        setattr(model, attribute, 7)
        with pytest.raises(NotDeclared, match=f"{attribute}: is 7, the recipe gives 6"):
            check_declared(model, build(recipe, SEED))


def test_each_member_of_an_ensemble_is_compared() -> None:
    recipe = {"ensemble.VotingClassifier": {"models": [LOGISTIC, {LOGISTIC: {"l2": 0.1}}]}}
    model = build(recipe, SEED)
    model[1].l2 = 0.2
    with pytest.raises(NotDeclared, match=r"data\[1\]\.l2: is 0\.2, the recipe gives 0\.1"):
        check_declared(model, build(recipe, SEED))


def test_another_learner_another_step_and_another_seed_are_refused() -> None:
    declared = BY_NAME["logistic-sgd"].model()
    with pytest.raises(NotDeclared, match="is a HoeffdingTreeClassifier, the recipe gives a LogisticRegression"):
        check_declared(build("tree.HoeffdingTreeClassifier", SEED), build(LOGISTIC, SEED))
    with pytest.raises(NotDeclared, match="has the parts"):
        check_declared(build_pipeline(SCALED[:1], LOGISTIC, SEED), declared)
    with pytest.raises(NotDeclared, match="seed"):
        check_declared(build("forest.ARFClassifier", SEED), build("forest.ARFClassifier", SEED + 1))


def test_a_copy_inside_an_ensemble_keeps_the_limits_of_recipes() -> None:
    bagged = build(BAGGED, SEED)
    bagged[1].max_depth = 10**6
    with pytest.raises(NotDeclared, match="a recipe may give 1 to 64"):
        check_declared(bagged, build(BAGGED, SEED))


def test_what_a_model_writes_over_is_known_and_bounded() -> None:
    assert {parameter for names in LEARNED.values() for parameter in names} == {"limits", "intercept", "max_features"}
    forest = BY_NAME["forest"].model()
    forest.max_features = 10**9
    with pytest.raises(NotDeclared, match="max_features"):
        check_declared(forest, BY_NAME["forest"].model())
