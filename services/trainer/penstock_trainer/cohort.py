"""The cohort: every version of a model that has lived, and what the living ones do with a question and with a label."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from penstock import codec
from penstock.learning import seed_of
from penstock.spec import Model
from penstock.tasks import TASKS, Answer, Label, Loss, Task
from penstock_trainer.versions import Version

Scores = tuple[tuple[int, Answer], ...]
UNTOLD = ("binary_classification", "log_loss")  # task and metric of a log before its first specification


class Cohort:
    """The versions by number, from 1. Each living one predicts, is scored and learns on every record, lowest number first.

    `metric`: what they are compared by; `loss`: what it makes of one label, None where that cannot be said.
    """

    def __init__(self) -> None:
        self.versions: dict[int, Version] = {}
        self.version_type: type[Version] = Version  # a replay has a quicker one
        self.task: Task = TASKS[UNTOLD[0]]
        self.metric = UNTOLD[1]

    def follow(self, model: Model | None) -> None:
        """From here on do the task of this model, None before it is known; what was paired by another metric is started anew."""
        task, metric = (model.task, model.promotion.metric) if model else UNTOLD
        if metric != self.metric:
            for version in self.live():
                version.unpair()
        self.task, self.metric = TASKS[task], metric

    @property
    def loss(self) -> Loss | None:
        """What versions are paired by."""
        return self.task.losses[self.metric]

    def live(self) -> list[Version]:
        """The living versions, oldest first."""
        return [version for version in self.versions.values() if version.live]

    def challengers(self, champion: int) -> list[Version]:
        """The living versions that do not serve."""
        return [version for version in self.live() if version.number != champion]

    def absent(self, model: Model) -> list[str]:
        """The declared learners, champion first, that no living version follows as they are declared now."""
        living = {(version.learner_name, version.recipe) for version in self.live()}
        return [name for name in (model.champion, *model.challengers) if (name, recipe_of(model, name)) not in living]

    def is_declared(self, version: Version, model: Model) -> bool:
        """Whether the specification still has the learner that this version follows, as it was declared when it was born."""
        return version.learner_name in model.learners and version.recipe == recipe_of(model, version.learner_name)

    def born(self, model: Model, learner_name: str, parent: int, cause: str, position: int) -> Version:
        """A new version of a declared learner; its number and its seed follow from the log alone."""
        number = max(self.versions, default=0) + 1
        learner = codec.build_pipeline(model.preprocess, model.learners[learner_name], seed_of(model.name, number))
        version = self.version_type(
            *(self.task, number, learner_name, recipe_of(model, learner_name), learner, parent, cause, position),
            self.task.fresh_metrics(model.metrics),
            seeded=number,
        )
        version.remark()
        self.versions[number] = version
        return version

    def predict(self, x: dict[str, Any]) -> Scores:
        """The prequential scores of the living versions."""
        scores = ((version.number, version.predict(x)) for version in self.live())
        return tuple((number, score) for number, score in scores if score is not None)

    def score(self, label: Label, scores: Scores, champion: int) -> None:
        """Score every living version on the label, and each against the champion where both had answered."""
        losses: dict[int, float] = {}
        loss = self.loss
        for version, answer in self._answered(scores):
            version.score(label, answer)
            if loss is not None:
                losses[version.number] = loss.of(label, answer)
        if champion in losses:
            for version in self.challengers(champion):
                if version.number in losses:
                    version.pair(losses[champion] - losses[version.number])

    def learn(self, x: dict[str, Any], label: Label | None) -> None:
        """Teach every living version one example."""
        for version in self.live():
            version.learn(dict(x), label)

    def skip(self) -> None:
        """Every living version leaves out one example."""
        for version in self.live():
            version.skip()

    def failing(self, errors_max: int) -> list[Version]:
        """The living versions that have failed too often to go on."""
        return [version for version in self.live() if version.errors >= errors_max]

    def best(self, versions: Sequence[Version]) -> Version | None:
        """The best version by the metric; one that no label has scored yet comes last."""
        return min(versions, key=lambda version: (not version.labels, version.cost(self.metric)), default=None)

    def _answered(self, scores: Scores) -> Iterator[tuple[Version, Answer]]:
        for number, score in scores:
            if (version := self.versions[number]).live:
                yield version, score

    def dump(self) -> list[Any]:
        """The state as plain values."""
        return [version.dump() for version in self.versions.values()]

    def load(self, state: Sequence[list[Any]], model: str) -> None:
        """Take back what `dump` gave for the model of this name. Raises: StateError for a learner that is not what its recipe makes."""
        loaded = (self.version_type.load(self.task, each, seed_of(model, seeded)) for each in state for seeded in (each[4],))
        self.versions = {version.number: version for version in loaded}


def recipe_of(model: Model, learner_name: str) -> str:
    """What a version is made of, canonical JSON."""
    return canonical({"preprocess": model.preprocess, "learner": model.learners[learner_name]})


def canonical(value: Any) -> str:
    """JSON with sorted keys and no spaces: equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else dict(value)
