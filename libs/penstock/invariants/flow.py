"""The invariants of a whole platform: which checkers its specification asks for, and how records reach them."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from penstock.fold.protocol import Record
from penstock.invariants.champion import OneChampion
from penstock.invariants.counted import Counted, Monitored
from penstock.invariants.finding import Finding
from penstock.invariants.finite import Finite
from penstock.invariants.ingested import Ingested
from penstock.invariants.learned import LearnedOnce
from penstock.invariants.roads import NoGap, Road
from penstock.invariants.seen import TICK, Checker, Handler, Reading, Seen, Standing
from penstock.invariants.served import Served
from penstock.kafka.topics import FOR_EVER, RETENTION_MS
from penstock.records import Wire
from penstock.spec import Model, Spec
from penstock.spec.labels import label_of
from penstock.tasks import TASKS

MARGIN_MS = 3_600_000  # what is about to age out is not asked for

TopicName = Callable[[str, str], str]
"""(family, name) → full topic name, as `Process.topic`."""


def plain(family: str, name: str) -> str:
    """A topic without a prefix."""
    return f"{family}.{name}"


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What the checkers must know beside the specification.

    `from_start`: every model was there before the first event, so that its view must have told it everything. `changed_rules`: models
    whose label rule has changed, so that it is not known which records asked for a label. `sample_every`: one of so many answers is
    kept to be recomputed, by model.
    """

    standing: Standing
    topic: TopicName = plain
    now_ms: int = 0
    from_start: bool = False
    changed_rules: frozenset[str] = frozenset()
    sample_every: Mapping[str, int] = field(default_factory=dict)

    def letters(self, family: str, name: str) -> str:
        """Where what is poison on a topic goes."""
        return self.topic("dlq", f"{family}.{name}")

    def kept_since_ms(self, family: str) -> int:
        """What was appended from then on has not aged out."""
        retention_ms = RETENTION_MS[family]
        return 0 if retention_ms == FOR_EVER else self.now_ms - retention_ms + MARGIN_MS


@dataclass(frozen=True, slots=True)
class ModelCheckers:
    """The checkers of one model that are also asked about the registry, or about what was recomputed."""

    champion: OneChampion
    learned: LearnedOnce
    served: Served
    finite: Finite


class Invariants:
    """Takes the records of a platform, topic after topic in the order of `topics`, and ends in findings.

    Works on what it is given: a running platform, or the log of a simulation. Memory: some bytes for each record.
    """

    def __init__(self, spec: Spec, wire: Wire, given: Circumstances) -> None:
        self.spec = spec
        self.models = {name: _model_checkers(model, given) for name, model in spec.models.items()}
        self._checkers: list[Checker] = [*_of_streams(spec, given), *_of_views(spec, given)]
        for name, model in spec.models.items():
            self._checkers += _of_model(model, given)
            checkers = self.models[name]
            self._checkers += [checkers.champion, checkers.learned, checkers.served, checkers.finite]
        self.topics = tuple(_topics(spec, given))
        raw = {topic for topic in self.topics if topic.startswith((given.topic("events", ""), given.topic("dlq", "")))}
        self._reading = Reading(wire, spec.streams, raw, {given.topic("learning", name) for name in spec.models})
        self._handlers: defaultdict[str, list[Handler]] = defaultdict(list)
        for checker in self._checkers:
            for topic, handler in checker.handlers.items():
                self._handlers[topic].append(handler)

    def see(self, record: Record) -> None:
        """Take a record. Raises: Missing for a schema that is not here yet; nothing has changed then."""
        seen: Seen = self._reading.see(record)
        for handler in self._handlers[record.topic]:
            handler(seen)

    def findings(self) -> list[Finding]:
        """What was found, a finding for each checker; see `joined`."""
        counts = [checkers.learned.counts() for checkers in self.models.values()]
        return [*(checker.finding() for checker in self._checkers), *counts]


def _topics(spec: Spec, given: Circumstances) -> Iterator[str]:
    """Every topic, the way of the data."""
    for family, names in (("events", spec.streams), ("validated", spec.streams)):
        yield from (given.topic(family, name) for name in names)
        yield from (given.letters(family, name) for name in names)
    for name in spec.models:
        yield given.topic("features", name)
        yield given.letters("features", name)
        yield from (given.topic(family, name) for family in ("predictions", "learning", "outcomes"))


def _of_streams(spec: Spec, given: Circumstances) -> Iterator[Checker]:
    for name, stream in spec.streams.items():
        events, validated = given.topic("events", name), given.topic("validated", name)
        yield Ingested(f"ingestion/{name}", events, validated, given.letters("events", name), given.standing, stream.generation)


def _of_views(spec: Spec, given: Circumstances) -> Iterator[Checker]:
    for name, view in spec.views.items():
        models = [model for model in spec.models.values() if model.view == name]
        unit, source = f"feature_store/{name}", given.topic("validated", view.source)
        vectors = {given.topic("features", model.name): source for model in models}
        letters, generation = given.letters("validated", view.source), spec.streams[view.source].generation
        yield Counted(unit, "vectors", "FeatureVector", vectors, letters, given.standing)
        for target in vectors:
            answers, kept_since_ms = frozenset({"FeatureVector", TICK}), given.kept_since_ms("features")
            road = Road(unit, source, target, _is_anything, answers, letters, generation, given.from_start, kept_since_ms)
            yield NoGap(road, given.standing)
        for stream in sorted({model.label.stream for model in models if model.label}):
            answered = [model for model in models if model.label.stream == stream]
            yield from _of_labels(unit, stream, answered, models, spec, given)


def _of_labels(unit: str, stream: str, answered: list[Model], models: list[Model], spec: Spec, given: Circumstances) -> Iterator[Checker]:
    source, letters = given.topic("validated", stream), given.letters("validated", stream)
    if len(answered) == len(models):  # a view counts the labels of all its models as one
        labels = {given.topic("learning", model.name): source for model in answered}
        yield Counted(unit, "labels", "Label", labels, letters, given.standing)
    for model in answered:
        asks = None if model.name in given.changed_rules else _asks_for_label(model, spec)
        target = given.topic("learning", model.name)
        yield NoGap(
            Road(unit, source, target, asks, frozenset({"Label"}), letters, spec.streams[stream].generation, given.from_start),
            given.standing,
        )


def _asks_for_label(model: Model, spec: Spec) -> Callable[[Seen], bool]:
    rule = model.label
    label = label_of(model, spec)

    def asks(seen: Seen) -> bool:
        return seen.name not in ("", TICK) and seen.value.get(rule.id) is not None and label(seen.value) is not None

    return asks


def _of_model(model: Model, given: Circumstances) -> Iterator[Checker]:
    deployer, monitor = f"deployer/{model.name}", f"monitor/{model.name}"
    features, predictions, learning, outcomes = _model_topics(model, given)
    letters, kept_since_ms = given.letters("features", model.name), given.kept_since_ms("predictions")
    to_users = Road(deployer, features, predictions, _is_vector, frozenset({"Prediction"}), letters, kept_since_ms=kept_since_ms)
    to_the_log = Road(deployer, features, learning, _is_vector, frozenset({"Prediction"}), letters)  # ticks that tell nothing new stay out
    yield NoGap(to_users, given.standing)
    yield NoGap(to_the_log, given.standing)
    yield Counted(deployer, "predictions", "Prediction", {learning: features}, letters, given.standing)
    yield Monitored(monitor, outcomes, given.standing)


def _model_checkers(model: Model, given: Circumstances) -> ModelCheckers:
    features, predictions, learning, outcomes = _model_topics(model, given)
    return ModelCheckers(
        OneChampion(model.name, features, learning, given.letters("features", model.name)),
        LearnedOnce(f"trainer/{model.name}", learning, outcomes, model.label.horizon_ms, given.standing, TASKS[model.task].paced_by),
        Served(features, predictions, learning, given.sample_every.get(model.name, 1)),
        Finite(learning, outcomes, TASKS[model.task]),
    )


def _model_topics(model: Model, given: Circumstances) -> Iterable[str]:
    return (given.topic(family, model.name) for family in ("features", "predictions", "learning", "outcomes"))


def _is_anything(seen: Seen) -> bool:
    return bool(seen.name)


def _is_vector(seen: Seen) -> bool:
    return seen.name == "FeatureVector"
