"""The arguments that a recipe may give to each class, with their limits; River is not needed to read this."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

INFINITY = float("inf")
MAX_DEPTH = 20  # River's default hangs on the recursion limit of the process
NEVER = 2**62  # see `_TREE`


@dataclass(frozen=True, slots=True)
class Argument:
    """What one argument accepts: a number or whole number in [low, high], a flag, one of some words, names, or a recipe of a group."""

    number: tuple[float, float] | None = None
    whole: tuple[int, int] | None = None
    flag: bool = False
    words: tuple[str, ...] = ()
    names: bool = False
    null: bool = False
    group: str | None = None
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class Buildable:
    """A class that a recipe may name: its group, its single positional argument, its arguments, and what is always set."""

    group: str
    arguments: Mapping[str, Argument] = field(default_factory=dict)
    positional: str | None = None
    always: Mapping[str, Any] = field(default_factory=dict)


def _number(low: float = -1e12, high: float = 1e12) -> Argument:
    return Argument(number=(low, high))


def _whole(low: int, high: int) -> Argument:
    return Argument(whole=(low, high))


def _group(name: str) -> Argument:
    return Argument(group=name)


_FLAG = Argument(flag=True)
_SHARE = _number(0.0, 1.0)
_POSITIVE = _number(0.0, 1e12)
_RATE = Argument(number=(0.0, 1e6), group="scheduler")
_SEED = _whole(0, 2**32 - 1)
_NO_WINDOW = Argument(null=True, refused="windows are not supported yet; leave it out")

_LINEAR = {
    "optimizer": _group("optimizer"),
    "l2": _POSITIVE,
    "l1": Argument(refused="the L1 penalty keeps an initializer inside a native vector, which has no state; use l2"),
    "intercept_init": _number(),
    "intercept_lr": _RATE,
    "clip_gradient": _number(0.0, 1e15),
    "initializer": _group("initializer"),
}

# River measures the memory of a tree every `memory_estimate_period` events and closes leaves by it. That size hangs
# on Python's allocator and history, so a decoded copy would learn something else: it is set to never.
_TREE = {
    "grace_period": _whole(1, 1_000_000),
    "max_depth": _whole(1, 64),
    "delta": _SHARE,
    "tau": _SHARE,
    "nominal_attributes": Argument(names=True, null=True),
    "binary_split": Argument(refused="it breaks ties between text values by the order of a set, which hangs on the hash seed"),
    "max_size": Argument(refused="a limit by measured memory is not deterministic; limit max_depth"),
    "memory_estimate_period": Argument(refused="a limit by measured memory is not deterministic; limit max_depth"),
    "stop_mem_management": Argument(refused="a limit by measured memory is not deterministic; limit max_depth"),
    "remove_poor_attrs": Argument(refused="River does it only with its memory limit, which is not deterministic"),
    "merit_preprune": _FLAG,
}
_CLASSIFICATION_TREE = {
    **_TREE,
    "split_criterion": Argument(words=("info_gain", "gini", "hellinger")),
    "leaf_prediction": Argument(words=("mc", "nb", "nba")),
    "nb_threshold": _whole(0, 1_000_000),
    "splitter": _group("classification splitter"),
    "min_branch_fraction": _SHARE,
    "max_share_to_split": _SHARE,
}
_TREE_ALWAYS = {"max_depth": MAX_DEPTH, "memory_estimate_period": NEVER}

_LEARNERS = {
    "linear_model.LogisticRegression": Buildable("learner", {**_LINEAR, "loss": _group("binary loss")}, "optimizer"),
    "linear_model.LinearRegression": Buildable("learner", {**_LINEAR, "loss": _group("regression loss")}, "optimizer"),
    "tree.HoeffdingTreeClassifier": Buildable("learner", _CLASSIFICATION_TREE, always=_TREE_ALWAYS),
    "tree.HoeffdingAdaptiveTreeClassifier": Buildable(
        "learner",
        {
            **_CLASSIFICATION_TREE,
            "bootstrap_sampling": _FLAG,
            "drift_window_threshold": _whole(1, 1_000_000),
            "drift_detector": _group("detector"),
            "switch_significance": _SHARE,
            "seed": _SEED,
        },
        always=_TREE_ALWAYS,
    ),
    "tree.HoeffdingTreeRegressor": Buildable(
        "learner",
        {
            **_TREE,
            "leaf_prediction": Argument(words=("mean", "model", "adaptive")),
            "leaf_model": Argument(refused="the leaves use a linear regression, as River sets it"),
            "model_selector_decay": _SHARE,
            "splitter": _group("regression splitter"),
            "min_samples_split": _whole(1, 1_000_000),
        },
        always=_TREE_ALWAYS,
    ),
    "forest.ARFClassifier": Buildable(
        "learner",
        {
            **_CLASSIFICATION_TREE,
            "n_models": _whole(1, 100),
            "max_features": Argument(words=("sqrt", "log2"), whole=(1, 10_000)),
            "lambda_value": _whole(1, 100),
            "metric": Argument(refused="trees of the forest are weighted by accuracy"),
            "disable_weighted_vote": _FLAG,
            "drift_detector": _group("detector"),
            "warning_detector": _group("detector"),
            "seed": _SEED,
        },
        always=_TREE_ALWAYS,
    ),
    "anomaly.HalfSpaceTrees": Buildable(
        "learner", {"n_trees": _whole(1, 100), "height": _whole(1, 12), "window_size": _whole(1, 1_000_000), "seed": _SEED}
    ),
    "time_series.SNARIMAX": Buildable(
        "learner",
        {name: _whole(0, 1_000) for name in ("p", "d", "q", "sp", "sd", "sq")} | {"m": _whole(1, 1_000)},
        always={"p": 1, "d": 0, "q": 0},
    ),
    "naive_bayes.GaussianNB": Buildable("learner"),
    "dummy.PriorClassifier": Buildable("learner"),
}

_TRANSFORMERS = {
    "preprocessing.StandardScaler": Buildable("transformer", {"with_std": _FLAG, "window_size": _NO_WINDOW}),
    "preprocessing.MinMaxScaler": Buildable("transformer", {"window_size": _NO_WINDOW}),
    "preprocessing.OneHotEncoder": Buildable(
        "transformer",
        {
            "drop_zeros": _FLAG,
            "drop_first": _FLAG,
            "categories": Argument(
                null=True, refused="fixed categories are held in sets, whose order hangs on the hash seed; leave it out"
            ),
        },
    ),
}

_OPTIMIZERS = {
    "optim.SGD": Buildable("optimizer", {"lr": _RATE}, "lr"),
    "optim.AdaGrad": Buildable("optimizer", {"lr": _RATE, "eps": _SHARE}, "lr"),
    "optim.Adam": Buildable("optimizer", {"lr": _RATE, "beta_1": _SHARE, "beta_2": _SHARE, "eps": _SHARE}, "lr"),
    "optim.schedulers.Constant": Buildable("scheduler", {"learning_rate": _POSITIVE}, "learning_rate"),
    "optim.schedulers.InverseScaling": Buildable("scheduler", {"learning_rate": _POSITIVE, "power": _number(0.0, 10.0)}, "learning_rate"),
    "optim.initializers.Zeros": Buildable("initializer"),
    "optim.initializers.Constant": Buildable("initializer", {"value": _number()}, "value"),
    "optim.initializers.Normal": Buildable("initializer", {"mu": _number(), "sigma": _POSITIVE, "seed": _SEED}, "mu"),
    "optim.losses.Log": Buildable("binary loss", {"weight_pos": _POSITIVE, "weight_neg": _POSITIVE}),
    "optim.losses.Hinge": Buildable("binary loss", {"threshold": _POSITIVE}, "threshold"),
    "optim.losses.Squared": Buildable("regression loss"),
    "optim.losses.Absolute": Buildable("regression loss"),
    "optim.losses.Huber": Buildable("regression loss", {"epsilon": _POSITIVE}, "epsilon"),
    "optim.losses.Quantile": Buildable("regression loss", {"alpha": _SHARE}, "alpha"),
    "optim.losses.Poisson": Buildable("regression loss"),
}

_SPLITTERS = {
    "tree.splitter.GaussianSplitter": Buildable("classification splitter", {"n_splits": _whole(2, 1_000)}, "n_splits"),
    "tree.splitter.EBSTSplitter": Buildable("regression splitter"),
    "tree.splitter.TEBSTSplitter": Buildable("regression splitter", {"digits": _whole(0, 15)}, "digits"),
}

_DETECTORS = {
    "drift.ADWIN": Buildable(
        "detector",
        {
            "delta": _SHARE,
            "clock": _whole(1, 1_000_000),
            "max_buckets": _whole(2, 64),
            "min_window_length": _whole(1, 1_000_000),
            "grace_period": _whole(1, 1_000_000),
        },
        "delta",
    ),
    "drift.PageHinkley": Buildable(
        "detector",
        {
            "min_instances": _whole(1, 1_000_000),
            "delta": _POSITIVE,
            "threshold": _POSITIVE,
            "alpha": _SHARE,
            "mode": Argument(words=("up", "down", "both")),
        },
    ),
}

_METRICS = {
    "metrics.LogLoss": Buildable("metric"),
    "metrics.ROCAUC": Buildable("metric", {"n_thresholds": _whole(2, 1_000), "pos_val": _FLAG}, "n_thresholds"),
    "metrics.Accuracy": Buildable("metric"),
    "metrics.F1": Buildable("metric", {"pos_val": _FLAG}),
    "metrics.MAE": Buildable("metric"),
    "metrics.RMSE": Buildable("metric"),
}

BUILDABLES: Mapping[str, Buildable] = {**_LEARNERS, **_TRANSFORMERS, **_OPTIMIZERS, **_SPLITTERS, **_DETECTORS, **_METRICS}
