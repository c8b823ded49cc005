"""A model of each task over data that River ships: its specification, its events, and what plain River makes of them."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from river import datasets, metrics

from penstock.codec import build_pipeline

Event = tuple[dict[str, Any], Any]
NUMBERS = [{"select": "numbers", "then": "preprocessing.StandardScaler"}]
UNIT = [{"select": "numbers", "then": "preprocessing.MinMaxScaler"}]


@dataclass(frozen=True)
class Sample:
    """`spec` is what a model's specification has of its own; `metrics` are River's, made anew at each call."""

    task: str
    spec: Mapping[str, Any]
    learners: Mapping[str, Any]
    preprocess: Sequence[Mapping[str, Any]]
    events: Callable[[int], list[Event]]
    metrics: Callable[[], dict[str, Any]]

    @property
    def changes(self) -> dict[str, Any]:
        """What is other than in `tests.learning_log.SPEC`."""
        first, *others = self.learners
        declared = {"learners": dict(self.learners), "champion": first, "challengers": others, "preprocess": list(self.preprocess)}
        return {"task": self.task, "metrics": list(self.metrics()), "drift": {"detectors": [], "reactions": []}, **declared, **self.spec}

    def plain(self, number: int) -> Any:
        """Version `number` of the model m, made by hand; only the builder and the rule of seeds are Penstock's."""
        seed = int.from_bytes(hashlib.sha256(f"m/{number}".encode()).digest()[:4], "big") >> 1
        return build_pipeline(self.preprocess, list(self.learners.values())[number - 1], seed)


def rule(**says: str) -> dict[str, Any]:
    """A label rule."""
    return {"from": "labels", "id": "id", "horizon": "48h", **says}


def named(x: Mapping[Any, Any]) -> dict[str, Any]:
    """Features under names that a specification takes, numbers as a view gives them."""
    return {str(name).replace("-", "_"): float(value) for name, value in x.items()}


@cache
def rows(dataset: str) -> list[Event]:
    """All rows of one of River's datasets: a file that is not read to its end is not closed."""
    return list(getattr(datasets, dataset)())


def segments(count: int) -> list[Event]:
    """Pieces of images, and what they show: seven classes."""
    return [(named(x), y) for x, y in rows("ImageSegments")[:count]]


def approval(count: int) -> list[Event]:
    """Polls, and a president's approval."""
    return [(named(x), float(y)) for x, y in rows("TrumpApproval")[:count]]


def shuttle(count: int) -> list[Event]:
    """Sensors of a space shuttle, and whether something was unusual."""
    return [(named(x), bool(y)) for x, y in rows("Shuttle")[:count]]


def passengers(count: int) -> list[Event]:
    """Passengers of airlines, month by month."""
    return [({"month": float(x["month"].month)}, float(y)) for x, y in rows("AirlinePassengers")[:count]]


SAMPLES = {
    "multiclass": Sample(
        "multiclass",
        {"label": rule(value="kind"), "promotion": {"mode": "automatic", "metric": "log_loss", "after_labels": 50, "margin": 0.01}},
        {"bayes": "naive_bayes.GaussianNB", "tree": {"tree.HoeffdingTreeClassifier": {"grace_period": 30, "max_depth": 4}}},
        NUMBERS,
        segments,
        lambda: {"log_loss": metrics.CrossEntropy(), "macro_f1": metrics.MacroF1(), "accuracy": metrics.Accuracy()},
    ),
    "regression": Sample(
        "regression",
        {"label": rule(value="y"), "promotion": {"mode": "automatic", "metric": "rmse", "after_labels": 50, "margin": 0.01}},
        {
            "linear": {"linear_model.LinearRegression": {"optimizer": {"optim.SGD": 0.01}, "intercept_lr": 0.1}},
            "tree": {"tree.HoeffdingTreeRegressor": {"grace_period": 30, "max_depth": 4}},
        },
        NUMBERS,
        approval,
        lambda: {"mae": metrics.MAE(), "rmse": metrics.RMSE(), "r2": metrics.R2()},
    ),
    "anomaly": Sample(
        "anomaly",
        {"label": rule(positive="y == 1"), "promotion": {"mode": "manual", "metric": "rocauc"}},
        {
            "trees": {"anomaly.HalfSpaceTrees": {"n_trees": 5, "height": 4, "window_size": 40}},
            "quick": {"anomaly.HalfSpaceTrees": {"n_trees": 3, "height": 3, "window_size": 20}},
        },
        UNIT,
        shuttle,
        lambda: {"rocauc": metrics.ROCAUC(n_thresholds=100)},
    ),
    "forecasting": Sample(
        "forecasting",
        {"label": rule(value="y"), "promotion": {"mode": "automatic", "metric": "mae", "after_labels": 50, "margin": 0.01}},
        {"long": {"time_series.SNARIMAX": {"p": 12, "d": 1, "q": 3}}, "short": {"time_series.SNARIMAX": {"p": 2, "d": 1, "q": 1}}},
        NUMBERS,
        passengers,
        lambda: {"mae": metrics.MAE(), "rmse": metrics.RMSE(), "r2": metrics.R2()},
    ),
}
