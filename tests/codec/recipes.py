"""What the cases are made of: small learners, and preprocessing for each stream."""

from typing import Any

from penstock.codec.recipes import Recipe
from tests.codec.cases import Case, Preprocess

SCALED: Preprocess = [
    {"select": "numbers", "then": "preprocessing.StandardScaler"},
    {"select": "strings", "then": "preprocessing.OneHotEncoder"},
]
MIN_MAX: Preprocess = [
    {"select": "numbers", "then": "preprocessing.MinMaxScaler"},
    {"select": ["color", "absent"], "then": "preprocessing.OneHotEncoder"},
]
UNIT: Preprocess = [{"select": "numbers", "then": "preprocessing.MinMaxScaler"}]
NUMBERS: Preprocess = [{"select": "numbers", "then": "preprocessing.StandardScaler"}]
BARE: Preprocess = [{"select": "numbers"}, {"select": "strings"}]
SMALL = {"grace_period": 30, "max_depth": 6, "delta": 0.2, "tau": 0.2}
LOGISTIC, LINEAR = "linear_model.LogisticRegression", "linear_model.LinearRegression"
BAYES = "naive_bayes.GaussianNB"
COLORED: Preprocess = [{"select": ["color"], "then": "preprocessing.OrdinalEncoder"}]


def tree(kind: str, **arguments: Any) -> Recipe:
    """A small tree, which splits soon."""
    return {f"tree.{kind}": {**SMALL, **arguments}}


def regression(**arguments: Any) -> Recipe:
    """A linear regression of which no case diverges."""
    return {LINEAR: {"intercept_lr": 0.001, **arguments}}


def with_optimizer(name: str, optimizer: Recipe, stream: str = "phishing") -> Case:
    """A logistic regression with this optimizer."""
    return Case(name, {LOGISTIC: {"optimizer": optimizer}}, stream, SCALED, subject=optimizer)


def with_step(
    name: str, then: Recipe, stream: str = "phishing", select: Any = "numbers", learner: Recipe = LOGISTIC, *, pinned: bool = False
) -> Case:
    """A transformer before a learner."""
    return Case(name, learner, stream, [{"select": select, "then": then}], subject=then, pinned=pinned)


def ensemble(name: str, **arguments: Any) -> Recipe:
    """An ensemble of three small trees."""
    return {f"ensemble.{name}": {"model": tree("HoeffdingTreeClassifier"), "n_models": 3, **arguments}}


ADAPTIVE = {"optimizer": {"optim.Adam": 0.02}, "initializer": {"optim.initializers.Normal": {"sigma": 0.1}}, "loss": "optim.losses.Hinge"}
TWO_REGRESSORS = [regression(), regression(optimizer={"optim.Adam": 0.01})]
TWO_CLASSIFIERS = [LOGISTIC, {LOGISTIC: {"optimizer": {"optim.Adam": 0.05}}}]
FACTORS = {"n_factors": 4, "intercept": 0.1}
HALF = {"n_trees": 5, "height": 4, "window_size": 50}
