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
    with pytest.raises(NotDeclared, match=attribute):
        decode_as(hostile, BY_NAME[name].model())


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
