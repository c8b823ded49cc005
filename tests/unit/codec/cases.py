"""The supported cases: models by recipe, each with a stream that River ships in its wheel."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import cycle, islice
from typing import Any

from river import datasets

from penstock.codec import build, build_pipeline, decode, encode
from penstock.codec.recipes import Recipe

Event = tuple[dict[str, Any], Any]
Preprocess = Sequence[dict[str, Any]]
SEED = 7
TRAINING, FURTHER = 300, 200  # events
SCALED: Preprocess = [
    {"select": "numbers", "then": "preprocessing.StandardScaler"},
    {"select": "strings", "then": "preprocessing.OneHotEncoder"},
]
MIN_MAX: Preprocess = [
    {"select": "numbers", "then": "preprocessing.MinMaxScaler"},
    {"select": ["color", "absent"], "then": "preprocessing.OneHotEncoder"},
]
BARE: Preprocess = [{"select": "numbers"}, {"select": "strings"}]
SMALL = {"grace_period": 30, "max_depth": 6, "delta": 0.2, "tau": 0.2}


@dataclass(frozen=True)
class Case:
    """A model and the events it learns from."""

    name: str
    learner: Recipe
    stream: str
    preprocess: Preprocess = field(default_factory=list)

    def model(self) -> Any:
        """A fresh model."""
        if self.stream in ("scores", "errors", "estimates"):
            return build(self.learner, SEED)
        return build_pipeline(self.preprocess, self.learner, SEED)

    def events(self, count: int) -> list[Event]:
        """The first events of the stream; short ones start again."""
        return list(islice(STREAMS[self.stream](), count))


def _with_text(rows: Iterator[Event], text: bool) -> Iterator[Event]:
    """Adds a feature of text, which the shipped numeric streams lack; it tells something of the label, so that trees split on it."""
    colors = ("red", "green", "blue")
    for index, (x, y) in enumerate(rows):
        guess = int(y) if isinstance(y, bool) else index
        yield ({**x, "color": colors[(guess + (index % 5 == 0)) % 3]} if text else x), y


def _phishing() -> Iterator[Event]:
    yield from _with_text(cycle(datasets.Phishing()), True)


def _bananas() -> Iterator[Event]:
    yield from cycle(datasets.Bananas())


def _segments() -> Iterator[Event]:
    yield from cycle(datasets.ImageSegments())


def _trump() -> Iterator[Event]:
    for index, (x, y) in enumerate(cycle(datasets.TrumpApproval())):
        yield {**{name: value / 1e6 if value > 1e5 else value for name, value in x.items()}, "color": "rgby"[index % 4 if y > 40 else 0]}, y


def _numbers(kind: str) -> Iterator[Event]:
    source = random.Random(kind)
    for index in range(100_000):
        label = source.random() < 0.4
        shift = 2.0 if index % 1000 > 500 else 0.0
        if kind == "errors":
            yield {}, source.random() + shift
        elif kind == "scores":
            yield {"score": min(1.0, 0.3 * label + 0.7 * source.random())}, label
        else:
            yield {"score": source.gauss(0.0, 1.0)}, source.gauss(shift, 1.0)


STREAMS: dict[str, Callable[[], Iterator[Event]]] = {
    "phishing": _phishing,
    "bananas": _bananas,
    "segments": _segments,
    "trump": _trump,
    "scores": lambda: _numbers("scores"),
    "errors": lambda: _numbers("errors"),
    "estimates": lambda: _numbers("estimates"),
}


def answer(model: Any, x: dict[str, Any], y: Any) -> Any:
    """What the model says of `x`: probabilities sorted by label, as a prediction is written."""
    if hasattr(model, "drift_detected"):
        return model.drift_detected
    if hasattr(model, "bigger_is_better"):
        return model.get()
    return model.predict_one(x) if isinstance(y, float) else sorted(model.predict_proba_one(x).items())


def step(model: Any, x: dict[str, Any], y: Any) -> Any:
    """The answer for one event, then learning from it, as the trainer does."""
    said = answer(model, x, y)
    if hasattr(model, "drift_detected"):
        model.update(y)
    elif hasattr(model, "bigger_is_better"):
        score = x["score"]
        wants_probability = not getattr(model, "requires_labels", True)
        probability = {True: score, False: 1 - score} if isinstance(y, bool) else score
        model.update(y, probability if wants_probability or not isinstance(y, bool) else score > 0.5)
    else:
        model.learn_one(x, y)
    return said


@dataclass(frozen=True)
class Journey:
    """A case after its training, and how the original and a copy went on from there."""

    state: bytes
    answers: list[Any]
    answers_of_copy: list[Any]
    end: bytes
    end_of_copy: bytes


@cache
def journey(name: str) -> Journey:
    """One training, then the same further events for the original and its copy; made once, read by several tests."""
    case = BY_NAME[name]
    original, events = case.model(), case.events(TRAINING + FURTHER)
    run(original, events[:TRAINING])
    state = encode(original)
    copy = decode(state)
    answers, answers_of_copy = run(original, events[TRAINING:]), run(copy, events[TRAINING:])
    return Journey(state, answers, answers_of_copy, encode(original), encode(copy))


@cache
def trained(name: str, events: int = TRAINING) -> bytes:
    """The state of a case after its first events."""
    if events == TRAINING:
        return journey(name).state
    case = BY_NAME[name]
    model = case.model()
    run(model, case.events(events))
    return encode(model)


def run(model: Any, events: Sequence[Event]) -> list[Any]:
    """All answers of a model over some events."""
    return [step(model, x, y) for x, y in events]


def _tree(kind: str, **arguments: Any) -> Recipe:
    return {f"tree.Hoeffding{kind}": {**SMALL, **arguments}}


def _regression(**arguments: Any) -> Recipe:
    return {"linear_model.LinearRegression": {"intercept_lr": 0.001, **arguments}}


_LOGISTIC = "linear_model.LogisticRegression"
_ADAPTIVE = {"optimizer": {"optim.Adam": 0.02}, "initializer": {"optim.initializers.Normal": {"sigma": 0.1}}, "loss": "optim.losses.Hinge"}

CASES = [
    Case("logistic-sgd", {_LOGISTIC: {"optimizer": {"optim.SGD": 0.02}}}, "phishing", SCALED),
    Case("logistic-adagrad", {_LOGISTIC: {"optimizer": {"optim.AdaGrad": 0.05}, "l2": 0.001}}, "phishing", MIN_MAX),
    Case("logistic-adam", {_LOGISTIC: _ADAPTIVE}, "bananas", SCALED),
    Case("logistic-bare", _LOGISTIC, "bananas"),
    Case(
        "logistic-scheduled",
        {_LOGISTIC: {"optimizer": {"optim.SGD": {"lr": {"optim.schedulers.InverseScaling": 0.1}}}}},
        "phishing",
        SCALED,
    ),
    Case("linear-squared", _regression(optimizer="optim.Adam", initializer={"optim.initializers.Constant": 0.1}), "trump", SCALED),
    Case("linear-huber", _regression(loss={"optim.losses.Huber": 0.5}), "trump", SCALED),
    Case("linear-absolute", _regression(loss="optim.losses.Absolute"), "trump", SCALED),
    Case("linear-quantile", _regression(loss={"optim.losses.Quantile": 0.9}), "trump", SCALED),
    Case("linear-poisson", _regression(loss="optim.losses.Poisson", optimizer={"optim.SGD": 0.0001}), "trump", SCALED),
    Case("tree", _tree("TreeClassifier"), "phishing"),
    Case("tree-bayes", _tree("TreeClassifier", leaf_prediction="nb", splitter={"tree.splitter.GaussianSplitter": 5}), "segments"),
    Case("tree-majority", _tree("TreeClassifier", leaf_prediction="mc", split_criterion="gini"), "phishing", BARE),
    Case("tree-adaptive", _tree("AdaptiveTreeClassifier"), "phishing"),
    Case("tree-adaptive-many", _tree("AdaptiveTreeClassifier", drift_window_threshold=50), "segments"),
    Case("tree-regressor", _tree("TreeRegressor"), "trump", SCALED),
    Case("tree-regressor-mean", _tree("TreeRegressor", leaf_prediction="mean", splitter="tree.splitter.EBSTSplitter"), "trump"),
    Case("tree-regressor-model", _tree("TreeRegressor", leaf_prediction="model"), "trump", SCALED),
    Case("tree-adaptive-gini", _tree("AdaptiveTreeClassifier", split_criterion="gini", delta=0.5), "phishing", BARE),
    Case("forest-text", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "split_criterion": "gini"}}, "phishing"),
    Case("gaussian-bayes", "naive_bayes.GaussianNB", "segments"),
    Case("forest", {"forest.ARFClassifier": {**SMALL, "n_models": 3}}, "bananas"),
    Case("forest-majority", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "leaf_prediction": "mc"}}, "bananas"),
    Case("forest-bayes", {"forest.ARFClassifier": {**SMALL, "n_models": 2, "leaf_prediction": "nb"}}, "bananas"),
    Case("prior", "dummy.PriorClassifier", "segments"),
    Case("adwin", "drift.ADWIN", "errors"),
    Case("page-hinkley", "drift.PageHinkley", "errors"),
    Case("page-hinkley-up", {"drift.PageHinkley": {"mode": "up", "threshold": 10}}, "errors"),
    Case("page-hinkley-down", {"drift.PageHinkley": {"mode": "down"}}, "errors"),
    Case("log-loss", "metrics.LogLoss", "scores"),
    Case("rocauc", "metrics.ROCAUC", "scores"),
    Case("accuracy", "metrics.Accuracy", "scores"),
    Case("f1", "metrics.F1", "scores"),
    Case("mae", "metrics.MAE", "estimates"),
    Case("rmse", "metrics.RMSE", "estimates"),
]
BY_NAME = {case.name: case for case in CASES}
