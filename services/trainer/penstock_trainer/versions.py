"""A version: a living learner in a model's log, scored on every label before it learns from it, and repaired when it fails."""

import copy
import json
from dataclasses import dataclass, field
from typing import Any

from river import metrics  # noqa: F401  # a task imports it when it makes the first metric: not in the middle of a fold

from penstock import codec
from penstock.learning import FATAL
from penstock.tasks import Answer, Label, Learner, Task

MARK_EVERY_CALLS = 2_000  # a question and a label of each of 1,000 examples: a repair takes no longer than these

Call = tuple[dict[str, Any], bool, Label | None]  # features; whether they were learned or only asked; with which label


@dataclass(slots=True)
class Version:
    """One live or retired learner with its ancestry and its prequential record (Gama et al., On evaluating stream learning, 2013).

    `labels` counts scored labels: a label of a prediction made before the version was born is learned but not scored.
    labelled since birth = `learned` + `skipped`. `seeded`: the number that the learner's seed follows from; an heir has its parent's.
    """

    task: Task
    number: int
    learner_name: str
    recipe: str
    learner: Learner
    parent: int
    cause: str
    born_position: int
    scores: dict[str, Any]
    seeded: int
    live: bool = True
    labels: int = 0
    learned: int = 0
    skipped: int = 0
    errors: int = 0
    paired_labels: int = 0
    paired_difference: float = 0.0
    mark: bytes = b""
    since_mark: list[Call] = field(default_factory=list)

    def predict(self, x: dict[str, Any]) -> Answer | None:
        """The answer, or None without one, or when the learner fails; a question may change a learner, so it is a call too."""
        try:
            answer = self.task.ask(self.learner, x)
        except BaseException as error:
            self._repair(error)
            return None
        self._note((x, False, None))
        return answer

    def learn(self, x: dict[str, Any], label: Label | None) -> None:
        """Learn one example; a learner that fails is put back to where it was before (law V)."""
        try:
            self.task.teach(self.learner, x, label)
        except BaseException as error:
            self._repair(error)
            self.skipped += 1
            return
        self.learned += 1
        self._note((x, True, label))

    def score(self, label: Label, answer: Answer) -> None:
        """Update the prequential metrics."""
        self.task.measure(self.scores, label, answer)
        self.labels += 1

    def pair(self, difference: float) -> None:
        """Add one difference of losses, the champion's less this version's, over a label that both had predicted."""
        self.paired_labels += 1
        self.paired_difference += difference

    def unpair(self) -> None:
        """Start the comparison anew, against another champion."""
        self.paired_labels, self.paired_difference = 0, 0.0

    def metrics(self) -> dict[str, float]:
        """The metrics by name, read from copies: River's ROCAUC writes into its tables when it is read."""
        return {name: float(copy.deepcopy(metric).get()) for name, metric in self.scores.items()}

    def cost(self, name: str) -> float:
        """A metric, turned round where more is better."""
        value = self.metrics()[name]
        return -value if self.scores[name].bigger_is_better else value

    def skip(self) -> None:
        """Leave out an example that cannot be learned any more."""
        self.skipped += 1

    def remark(self) -> bytes:
        """The learner's bytes, kept as the place to repair from."""
        self.mark = codec.encode(self.learner)
        self.since_mark = []
        return self.mark

    def _note(self, call: Call) -> None:
        self.since_mark.append(call)
        if len(self.since_mark) >= MARK_EVERY_CALLS:
            self.remark()

    def _repair(self, error: BaseException) -> None:
        """Go back to the mark and take every call since then again; where the mark stands changes nothing, since the codec is exact."""
        if isinstance(error, FATAL):
            raise error
        self.errors += 1
        self.learner = codec.decode(self.mark)
        for x, learned, label in self.since_mark:
            if learned:
                self.task.teach(self.learner, x, label)
            else:
                self.task.ask(self.learner, x)

    def dump(self) -> list[Any]:
        """The whole state as plain values; the learner and the metrics as their codec's bytes."""
        plain = [self.number, self.learner_name, self.recipe, self.parent, self.cause, self.born_position, self.live]
        counts = [self.labels, self.learned, self.skipped, self.errors, self.paired_labels, self.paired_difference]
        return [plain, counts, self.remark() if self.live else self.mark, codec.encode(self.scores), self.seeded]

    @classmethod
    def load(cls, task: Task, state: list[Any], seed: int) -> "Version":
        """Take back what `dump` gave. Raises: StateError, also when the learner is not what its recipe and this seed make."""
        (number, name, recipe, parent, cause, born, live), counts, mark, scores, seeded = state
        declared = json.loads(recipe)
        learner = codec.decode_as(mark, codec.build_pipeline(declared["preprocess"], declared["learner"], seed))
        version = cls(task, number, name, recipe, learner, parent, cause, born, codec.decode(scores), seeded, live, *counts)
        version.mark = mark
        return version
