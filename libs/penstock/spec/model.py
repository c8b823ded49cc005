"""Models: what is asked, how it is labelled, who learns, who serves, and what happens on drift."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.codec.errors import RecipeError
from penstock.codec.recipes import check_recipe
from penstock.spec.document import Node
from penstock.spec.errors import Path, Problems, nearest, quoted
from penstock.spec.label_rule import LabelRule, label_body, read_label
from penstock.spec.section import FIELD, FIELD_RULE, Section
from penstock.tasks import TASKS, Task

SELECTORS = ("numbers", "strings")
SIGNALS = ("loss",)
EXAMPLES = {"transformer": "preprocessing.StandardScaler", "detector": "{drift.ADWIN: {delta: 0.002}}"}
LEARNERS_MAX = 50
LABELS_MAX = 1_000_000_000
KEYS = (
    *("task", "view", "label", "preprocess", "learners", "champion", "challengers", "metrics"),
    *("promotion", "drift", "checkpoint_every_labels", "retire_after_errors"),
)


@dataclass(frozen=True, slots=True)
class Detector:
    """A drift detector: a recipe fed with a signal, silent for the first `after_labels` labels."""

    signal: str
    use: Any
    after_labels: int


@dataclass(frozen=True, slots=True)
class Reaction:
    """On drift of this kind spawn a version of a learner, `cooldown_labels` apart; at most `budget` challengers live at once."""

    kind: str
    spawn: str
    cooldown_labels: int
    budget: int


@dataclass(frozen=True, slots=True)
class Promotion:
    """A challenger is proposed when its mean `metric` over at least `after_labels` labels is better by more than `margin`."""

    mode: str
    metric: str
    after_labels: int
    margin: float


@dataclass(frozen=True, slots=True)
class Model:
    """A declared model; recipes are plain JSON values, checked by the codec."""

    name: str
    task: str
    view: str
    label: LabelRule
    preprocess: tuple[Mapping[str, Any], ...]
    learners: Mapping[str, Any]
    champion: str
    challengers: tuple[str, ...]
    metrics: tuple[str, ...]
    promotion: Promotion
    detectors: tuple[Detector, ...] = ()
    reactions: tuple[Reaction, ...] = ()
    checkpoint_every_labels: int = 1_000
    retire_after_errors: int = 5


def read_model(name: str, node: Node, path: Path, problems: Problems) -> Model:
    """The model that a node declares; what is wrong is noted."""
    section = Section(node, path, problems, KEYS)
    task = TASKS[section.choice("task", tuple(TASKS))]
    detectors, reactions = _read_drift(section, task)
    model = Model(
        name=name,
        task=task.name,
        view=section.text("view") or "",
        label=read_label(section, task),
        preprocess=tuple(_read_step(item, inside, problems) for item, inside in section.items("preprocess", size_max=50)),
        learners={
            learner: _checked_recipe(item, inside, "learner", problems)
            for learner, item, inside in section.entries("learners", FIELD, FIELD_RULE, required=True, size_max=LEARNERS_MAX)
        },
        champion=section.text("champion", cure="champion: the learner that serves first") or "",
        challengers=section.words("challengers"),
        metrics=section.words("metrics") or tuple(task.measures),
        promotion=_read_promotion(section, task),
        detectors=detectors,
        reactions=reactions,
        checkpoint_every_labels=section.integer("checkpoint_every_labels", 1_000, 1, LABELS_MAX),
        retire_after_errors=section.integer("retire_after_errors", 5, 1, 1_000),
    )
    if model.learners:
        _check(model, section)
    return model


def model_body(model: Model) -> dict[str, Any]:
    """The model as it would stand in the file, every default written out: all that its trainer needs."""
    promotion = model.promotion
    return {
        "task": model.task,
        "view": model.view,
        **({"label": label_body(model.label)} if model.label else {}),
        "preprocess": list(model.preprocess),
        "learners": dict(model.learners),
        "champion": model.champion,
        "challengers": list(model.challengers),
        "metrics": list(model.metrics),
        "promotion": {
            "mode": promotion.mode,
            "metric": promotion.metric,
            "after_labels": promotion.after_labels,
            "margin": promotion.margin,
        },
        "drift": {
            "detectors": [{"signal": each.signal, "use": each.use, "after_labels": each.after_labels} for each in model.detectors],
            "reactions": [_reaction_body(each) for each in model.reactions],
        },
        "checkpoint_every_labels": model.checkpoint_every_labels,
        "retire_after_errors": model.retire_after_errors,
    }


def _reaction_body(reaction: Reaction) -> dict[str, Any]:
    limits = {"cooldown_labels": reaction.cooldown_labels, "budget": reaction.budget}
    return {"when": {"kind": reaction.kind}, "spawn": reaction.spawn, **limits}


def _read_step(node: Node, path: Path, problems: Problems) -> Mapping[str, Any]:
    section = Section(node, path, problems, ("select", "then"))
    listed = "select" in section and isinstance(section.plain("select"), list)
    select = list(section.words("select")) if listed else section.choice("select", SELECTORS, later="or a list of features")
    if select == []:
        section.note("select", "selects nothing", "select: numbers")
    return {"select": select, "then": _read_recipe(section, "then", "transformer")} if "then" in section else {"select": select}


def _read_recipe(section: Section, key: str, group: str) -> Any:
    node = section.node(key, cure=f"{key}: {EXAMPLES[group]}")
    return None if node is None else _checked_recipe(node, (*section.path, key), group, section.problems)


def _checked_recipe(node: Node, path: Path, group: str, problems: Problems) -> Any:
    """The recipe as plain JSON; names and limits are the codec's, and River is not imported."""
    recipe = node.plain()
    try:
        check_recipe(recipe, group)
    except RecipeError as error:
        inside = _path_into(node, error.path)
        problems.add(node.find(inside).position, (*path, *inside), error.reason)
    return recipe


def _path_into(node: Node, text: str) -> Path:
    """The codec's path, whose keys hold dots themselves, as steps through the document."""
    steps: list[str] = []
    while isinstance(node.value, dict):
        key = next((key for key in node.value if text == key or text.startswith(f"{key}.")), None)
        if key is None:
            break
        steps.append(key)
        node, text = node.value[key], text.removeprefix(key).removeprefix(".")
    return tuple(steps)


def _read_promotion(parent: Section, task: Task) -> Promotion:
    node = parent.node("promotion", required=False) or Node({}, (0, 0))
    section = Section(node, (*parent.path, "promotion"), parent.problems, ("mode", "metric", "after_labels", "margin"))
    margin = section.number("margin", 0.01)
    if margin < 0:
        section.note("margin", "must not be negative", "margin: 0.01")
    metrics = tuple(task.losses)
    metric = section.choice("metric", metrics, metrics[0])
    mode = section.choice("mode", ("automatic", "manual"), "manual")
    if mode == "automatic" and task.losses[metric] is None:
        section.note("mode", f"one label of {task.article} has no {metric}, so nobody can be better by it", "mode: manual")
    return Promotion(
        mode=mode,
        metric=metric,
        after_labels=section.integer("after_labels", 2_000, 1, LABELS_MAX),
        margin=margin,
    )


def _read_drift(parent: Section, task: Task) -> tuple[tuple[Detector, ...], tuple[Reaction, ...]]:
    node = parent.node("drift", required=False) or Node({}, (0, 0))
    section = Section(node, (*parent.path, "drift"), parent.problems, ("detectors", "reactions"))
    detectors = tuple(_read_detector(item, path, parent.problems) for item, path in section.items("detectors", size_max=20))
    reactions = tuple(_read_reaction(item, path, parent.problems) for item, path in section.items("reactions", size_max=20))
    if detectors and not any(task.losses.values()):
        section.note("detectors", f"one label of {task.article} has no loss, so there is no signal to watch", "leave drift out")
    if reactions and not detectors:
        section.note("reactions", "nothing detects the drift they wait for", "detectors: [{signal: loss, use: drift.ADWIN}]")
    return detectors, reactions


def _read_detector(node: Node, path: Path, problems: Problems) -> Detector:
    section = Section(node, path, problems, ("signal", "use", "after_labels"))
    recipe = _read_recipe(section, "use", "detector")
    return Detector(section.choice("signal", SIGNALS), recipe, section.integer("after_labels", 0, 0, LABELS_MAX))


def _read_reaction(node: Node, path: Path, problems: Problems) -> Reaction:
    section = Section(node, path, problems, ("when", "spawn", "cooldown_labels", "budget"))
    when = section.node("when", cure="when: {kind: concept}")
    kind = "concept" if when is None else Section(when, (*path, "when"), problems, ("kind",)).choice("kind", ("concept",))
    spawn = section.text("spawn", cure="spawn: a learner") or ""
    return Reaction(kind, spawn, section.integer("cooldown_labels", 5_000, 0, LABELS_MAX), section.integer("budget", 1, 1, 1_000))


def _check(model: Model, section: Section) -> None:
    """Names that must be learners, learners that nobody uses, metrics that do not exist."""
    learners = list(model.learners)
    named = [(("champion",), model.champion)] + [(("challengers",), name) for name in model.challengers]
    spawned = [(("drift", "reactions", index, "spawn"), each.spawn) for index, each in enumerate(model.reactions)]
    for path, name in [*named, *spawned]:
        if name and name not in learners:
            section.note_at(path, f"{quoted(name)} is not a learner ({', '.join(learners)})", nearest(name, learners) or learners[0])
    if model.champion in model.challengers:
        section.note("challengers", f"{quoted(model.champion)} is the champion already", "leave it out")
    used = {name for _, name in [*named, *spawned]}
    for name in sorted(set(learners) - used) if used <= set(learners) else ():  # a wrong name is one problem, not two
        section.note_at(("learners", name), "is never used", f"challengers: [{name}], or leave it out")
    metrics = tuple(TASKS[model.task].measures)
    for name in model.metrics:
        if name not in metrics:
            section.note("metrics", f"{quoted(name)} is unknown ({', '.join(metrics)})", nearest(name, metrics) or metrics[0])
