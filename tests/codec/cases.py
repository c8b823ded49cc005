"""A case: a model by recipe with a stream, and the journeys that it makes through its bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from river import base
from river.base.anomaly_detector import AnomalyDetector, AnomalyFilter, SupervisedAnomalyDetector
from river.metrics.base import ClassificationMetric, Metric
from river.time_series.base import Forecaster

from penstock.codec import build, build_pipeline, decode, encode
from penstock.codec.buildables import BUILDABLES, belongs
from penstock.codec.builder import assemble, assemble_alone
from penstock.codec.recipes import Recipe, parse
from tests.codec.streams import STREAMS, Event

Preprocess = Sequence[dict[str, Any]]
SEED = 7
TRAINING, FURTHER = 300, 200  # events


@dataclass(frozen=True)
class Case:
    """A model and the events it learns from; `subject` is the recipe that the case is about, `pinned`: it needs PYTHONHASHSEED=0."""

    name: str
    learner: Recipe
    stream: str
    preprocess: Preprocess = field(default_factory=list)
    subject: Recipe | None = None
    pinned: bool = False

    @property
    def about(self) -> Recipe:
        """The recipe that the case is about."""
        return self.subject or self.learner

    @property
    def class_name(self) -> str:
        """The class that the case is about."""
        return parse(self.about)[0]

    @property
    def is_learner(self) -> bool:
        """Whether a specification may name it as a learner."""
        return belongs(BUILDABLES[parse(self.learner)[0]], "learner")

    def model(self) -> Any:
        """A fresh model."""
        return build_pipeline(self.preprocess, self.learner, SEED) if self.is_learner else build(self.learner, SEED)

    def unchecked(self) -> Any:
        """The same, before the codec knows it."""
        return assemble(self.preprocess, self.learner, SEED) if self.is_learner else assemble_alone(self.learner, SEED)

    def events(self, count: int) -> list[Event]:
        """The first events of the stream; short ones start again."""
        return list(islice(STREAMS[self.stream](), count))


def answer(model: Any, x: dict[str, Any], y: Any) -> Any:
    """What the model says of `x`: probabilities sorted by label, as a prediction is written."""
    last = getattr(model, "_last_step", model)
    if isinstance(last, base.DriftDetector | base.BinaryDriftDetector):
        return last.drift_detected
    if isinstance(last, Metric):
        return last.get()
    if isinstance(last, Forecaster):
        return _forecast(model)
    if isinstance(last, SupervisedAnomalyDetector):
        return model.score_one(x, y)
    if isinstance(last, AnomalyDetector | AnomalyFilter):
        return model.score_one(x)
    if isinstance(y, float) or not isinstance(last, base.Classifier):
        return model.predict_one(x)
    return sorted(model.predict_proba_one(x).items()) if has_probabilities(last) else model.predict_one(x)


def _forecast(model: Any) -> Any:
    """River's forecasters cannot answer before they have seen enough."""
    try:
        return model.forecast(2)
    except IndexError:
        return None


def has_probabilities(model: Any) -> bool:
    """Whether a classifier answers with a probability of each class; some only name one."""
    return getattr(type(model).predict_proba_one, "__qualname__", "") != "Classifier.predict_proba_one"


def step(model: Any, x: dict[str, Any], y: Any) -> Any:
    """The answer for one event, then learning from it, as the trainer does."""
    said = answer(model, x, y)
    last = getattr(model, "_last_step", model)
    if isinstance(last, base.DriftDetector | base.BinaryDriftDetector):
        last.update(y)
    elif isinstance(last, Metric):
        last.update(y, _claim(last, x, y))
    elif isinstance(last, Forecaster):
        last.learn_one(y)
    elif isinstance(last, AnomalyDetector | AnomalyFilter | base.Clusterer):
        model.learn_one(x)
    else:
        model.learn_one(x, y)
    return said


def _claim(metric: Any, x: dict[str, Any], y: Any) -> Any:
    """What a metric is told that a model had said: a number, a class, or shares of the classes."""
    if isinstance(y, str):
        shares = dict(zip(("red", "green", "blue"), x["shares"], strict=True))
        return max(shares, key=lambda color: shares[color]) if metric.requires_labels else shares
    if isinstance(metric, ClassificationMetric) and metric.requires_labels:
        return bool(x["score"] > 0.5)
    return {True: x["score"], False: 1 - x["score"]} if isinstance(metric, ClassificationMetric) else x["score"]


@dataclass(frozen=True)
class Journey:
    """A case after its training, and how the original and a copy went on from there."""

    state: bytes
    answers: list[Any]
    answers_of_copy: list[Any]
    end: bytes
    end_of_copy: bytes


def travel(case: Case, training: int = TRAINING, further: int = FURTHER) -> Journey:
    """One training, then the same further events for the original and its copy."""
    original, events = case.model(), case.events(training + further)
    run(original, events[:training])
    state = encode(original)
    copy = decode(state)
    answers, answers_of_copy = run(original, events[training:]), run(copy, events[training:])
    return Journey(state, answers, answers_of_copy, encode(original), encode(copy))


def run(model: Any, events: Sequence[Event]) -> list[Any]:
    """All answers of a model over some events."""
    return [step(model, x, y) for x, y in events]
