"""What a backtest compares: the candidates that a specification makes, checked against the log that they are to learn from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from penstock.errors import UsageError
from penstock.spec import Model, Spec, View
from penstock.spec.document import Node, parse_yaml
from penstock.spec.errors import Problems, quoted
from penstock.spec.label_rule import COUNT
from penstock.spec.model import model_body
from penstock.spec.specification import canonical
from penstock.tasks import TASKS

LIVE, POLICY, LEARNER = "live", "policy", "learner"
IDENTITY_DIGITS = 10
LABEL_FIELDS = {"from": "stream", "id": "id", "positive": "positive", "value": "value"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One run over the log. `body` is the model's specification as canonical JSON.

    kind "live": the log as it stands, with its own commands; of the body only the task is asked. "policy": champion, challengers, drift
    and promotion as declared. "learner": one learner alone, which always serves.
    """

    name: str
    kind: str
    body: str


@dataclass(frozen=True, slots=True)
class Plan:
    """A backtest: offsets `first` … `end` − 1 of a model's learning log, and who is to learn from them, under which runtime.

    `metric`: what candidates are compared by; "" where one label has no loss.
    """

    model: str
    task: str
    metric: str
    topic: str
    first: int
    end: int
    runtime: str
    candidates: tuple[Candidate, ...]

    @property
    def identity(self) -> str:
        """The same for the same question, wherever the log ends by now."""
        asked = asdict(replace(self, end=0))
        return sha256(canonical(asked).encode()).hexdigest()[:IDENTITY_DIGITS]

    def to_json(self) -> str:
        """The plan as it is kept beside its results."""
        return canonical(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        """Take back what `to_json` gave."""
        read = json.loads(text)
        return cls(**{**read, "candidates": tuple(Candidate(**each) for each in read["candidates"])})


def candidates_of(model: Model, *, whole_log: bool) -> Iterator[Candidate]:
    """Who runs: the log as it stands if it is read from its beginning, the policy if there is one, and every learner alone.

    None of them goes back: where labels contradict each other, the first one is learned and the others are counted.
    """
    model = replace(model, label=replace(model.label, on_correction=COUNT))
    if whole_log:
        yield Candidate("live", LIVE, canonical(model_body(model)))
    if model.challengers or model.reactions:
        yield Candidate("policy", POLICY, canonical(model_body(model)))
    for name in model.learners:
        yield Candidate(name, LEARNER, canonical(model_body(alone(model, name))))


def compared_by(model: Model) -> str:
    """The metric by which the model's versions are promoted, if it says something about one label; else ""."""
    return model.promotion.metric if model.promotion.metric in TASKS[model.task].figures else ""


def forwards(plan: Plan) -> Plan:
    """The plan for a log that is folded again at some place: nobody follows it as it stands, since candidates do not go back."""
    return replace(plan, candidates=tuple(each for each in plan.candidates if each.kind != LIVE))


def alone(model: Model, learner: str) -> Model:
    """The model with one learner, which serves from the first label to the last.

    Its detectors stay, so that drift of its own answers is counted; nobody reacts to it.
    """
    return replace(model, learners={learner: model.learners[learner]}, champion=learner, challengers=(), reactions=())


def check(spec: Spec, text: str, source: str, model: str, live: Model, view: View) -> Model:
    """The model of a specification, if the log's records answer for it.

    Features stand in the log as they were served and labels as they were decided, so that view and label rule must be those that are live.
    Raises: SpecError with the place in the file; UsageError when the file declares no such model.
    """
    if model not in spec.models:
        raise UsageError(f"{source} declares no model {model} ({', '.join(spec.models) or 'none'}). Try: name the model as it runs")
    problems = Problems(source)
    root = parse_yaml(text, Problems(source)) or Node(None)
    wanted = spec.models[model]
    for path, message, cure in _unlike(wanted, spec.views[wanted.view], live, view):
        place = ("models", model, *path) if path[:1] != ("views",) else path
        problems.add(root.find(place).position, place, message, cure)
    problems.raise_if_any()
    return wanted


Unlike = tuple[tuple[str, ...], str, str]


def _unlike(wanted: Model, wanted_view: View, live: Model, view: View) -> Iterator[Unlike]:
    if wanted.task != live.task:
        yield ("task",), f"the log's labels are of another task ({live.task})", f"task: {live.task}"
    if wanted.view != live.view:
        yield ("view",), f"{quoted(wanted.view)} is another view: the log holds the features of {quoted(live.view)}", f"view: {live.view}"
    elif wanted_view != view:
        yield (
            ("views", live.view),
            "is not the view that runs: the log holds its features as they were served",
            "penstock show " + live.view,
        )
    for key, name in LABEL_FIELDS.items():
        if getattr(wanted.label, name) != getattr(live.label, name):
            was = getattr(live.label, name)
            yield ("label", key), f"the log's labels were decided by another rule ({was})", f"{key}: {json.dumps(was)}"


def check_range(topic: str, bounds: tuple[int, int], first: int | None, end: int | None) -> tuple[int, int]:
    """The offsets to read. Raises: UsageError for what the log does not hold."""
    start, stop = bounds
    wanted = (start if first is None else first, stop if end is None else end)
    if not start <= wanted[0] < wanted[1] <= stop:
        raise UsageError(
            f"{topic} holds the offsets {start} … {stop - 1}; {wanted[0]} … {wanted[1] - 1} is not a range of them. "
            f"Try: --from {start} --to {stop}"
        )
    return wanted


def shown(plan: Plan) -> Mapping[str, Any]:
    """The plan as a report tells it."""
    place = {"model": plan.model, "task": plan.task, "metric": plan.metric, "topic": plan.topic, "from": plan.first, "to": plan.end}
    return {**place, "runtime": json.loads(plan.runtime)}


def folder_of(plan: Plan, results: Path) -> Path:
    """Where the results of this question lie."""
    return results / f"{plan.model}-{plan.identity}"
