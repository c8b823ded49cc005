"""Who is born, who serves, who is proposed and who retires: every decision about versions, taken from the log alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

from penstock.spec import Model, Reaction
from penstock_trainer.checkpoints import CheckpointMade, Place, Proposed, checkpoint, propose
from penstock_trainer.cohort import Cohort
from penstock_trainer.heirs import Heirs, inherit, lineage, proposed
from penstock_trainer.history import Event, History
from penstock_trainer.policy import Reactions, Refusal, proposal
from penstock_trainer.rewind import Rewind
from penstock_trainer.versions import Version

CHALLENGER_INTERVALS = 10  # a challenger is checkpointed so many times less often than the champion

Decided = Iterator[CheckpointMade]


class Selection:
    """The cohort with its champion; each decision comes out as the checkpoint that tells the registry.

    `place` says where in the log the fold stands; `counts` is the fold's own.
    """

    def __init__(self, counts: Counter[str], place: Callable[[], Place]) -> None:
        self.cohort = Cohort()
        self.history = History()
        self.champion = 0
        self.serving = (-1, -1)  # revision of the alias and position of the checkpoint in force
        self.heirs = Heirs()
        self._proposed: set[int] = set()  # under this champion and this specification
        self._reactions = Reactions({})
        self._counts = counts
        self._place = place

    def applied(self, model: Model, before: Model | None, value: Any) -> Decided:
        """A specification: what it declares anew is born, what it declares no more retires, and another champion is proposed."""
        self._note("spec", 0, value["cause"], time_ms=value["event_time_ms"])
        self._proposed.clear()
        for learner in self.cohort.absent(model):
            yield checkpoint(self._born(model, learner, value["cause"]), self._place())
        for version in self.cohort.challengers(self.champion):
            if not self.cohort.is_declared(version, model):
                yield self._retired(version, "specification")
        if before is not None and model.champion != before.champion:
            yield from self._appointed(model)

    def drifted(self, model: Model | None, value: Any) -> Decided:
        """Drift: each reaction of its kind decides whether it fires."""
        self._counts["drift_events"] += 1
        self._note("drift", self.champion, value["cause"], time_ms=value["event_time_ms"])
        for reaction in model.reactions if model else ():
            if model and reaction.kind == value["kind"]:
                yield from self._reacted(model, reaction, value)

    def served(self, model: Model | None, value: Any, *, known: bool = False) -> Decided:
        """Which checkpoint answers from here on: an older answer than the one in force changes nothing, nor one of nobody we know."""
        order = (value["revision"], value["position"])
        if order <= self.serving or not (known or value["version"] in self.cohort.versions or value["version"] in self.heirs):
            self._counts["serves.ignored"] += 1
            return
        self.serving = order
        self._counts["serves"] += 1
        if value["version"] != self.champion:
            yield from self._crowned(model, value)

    def learned(self, model: Model) -> Decided:
        """After each lesson: who failed too often retires, who is better is proposed, whose checkpoint is due is told."""
        yield from self._failed(model)
        champion = self.cohort.versions.get(self.champion)
        best = proposal(self.cohort, self.champion, model.promotion)
        if champion is not None and best is not None:
            yield from self._wished(best, champion)
        for version in self._due(model):
            yield checkpoint(version, self._place())

    def ended(self, place: Place) -> list[CheckpointMade]:
        """The last words of an epoch: its living versions as they stand before the rewind that ends them."""
        return [replace(checkpoint(version, place), live=False) for version in self.cohort.live()]

    def rewound(self, model: Model, rewind: Rewind) -> Decided:
        """A refold has come to its command: every living version goes on as a new one, and the heir of whoever serves is proposed."""
        heirs = inherit(self.cohort, model, rewind)
        best = self.cohort.best([self.cohort.versions[number] for number in heirs])
        assert best is not None, "after a specification somebody lives"
        self.heirs.succeed(heirs, rewind, default=heirs.get(self.champion, heirs[best.number]))
        self.champion, self.serving = rewind.champion, rewind.serving
        self._proposed.clear()
        if rewind.runtime:
            yield from self._ended(heirs, rewind)
        for number in heirs.values():
            heir = self.cohort.versions[number]
            self._note("rebuilt" if rewind.runtime else "rewound", number, rewind.cause, lineage(heir, rewind))
            if number != self.heirs.of(self.champion):
                yield checkpoint(heir, self._place())
        yield from self._succeeded()

    def _ended(self, parents: Iterable[int], rebuild: Rewind) -> Decided:
        """Nobody of the runtime before is here to end its versions: what the log gives now under their numbers ends them."""
        for version in (self.cohort.versions[number] for number in parents):
            if rebuild.versions.get(version.number) == version.learner_name:
                yield checkpoint(version, self._place())

    def refused_correction(self, event_id: str, depth: int) -> None:
        """A correction came too late to be learned: it is named."""
        self._note("refused", 0, f"correction:{event_id}", {"reason": "depth", "records": depth})

    def _succeeded(self) -> Decided:
        """When the one that serves was ended by a rewind, its heir is proposed."""
        number = self.heirs.of(self.champion)
        if number is None or number in self._proposed or not self.cohort.versions[number].live:
            return
        heir = self.cohort.versions[number]
        self._proposed.add(number)
        self._counts["proposals"] += 1
        self._note("proposal", number, heir.cause, {"labels": 0, "difference": 0.0, "declared": True})
        yield checkpoint(heir, self._place(), proposed(heir, self.champion, self._place().position))

    def _born(self, model: Model, learner: str, cause: str) -> Version:
        return self.cohort.born(model, learner, self.champion, cause, self._place().position)

    def _appointed(self, model: Model) -> Decided:
        """The specification names another champion: the best version that follows it is proposed, whatever the evidence."""
        champion = self.cohort.versions.get(self.champion)
        followers = [version for version in self.cohort.live() if version.learner_name == model.champion]
        heir = self.cohort.best(followers)
        if champion is not None and heir is not None and champion not in followers:
            yield from self._wished(heir, champion, declared=True)

    def _reacted(self, model: Model, reaction: Reaction, value: Any) -> Decided:
        labels, cause, time_ms = self._counts["labelled"], value["cause"], value["event_time_ms"]
        decision = self._reactions.decide(reaction, labels, self.cohort, self.champion, model.promotion.after_labels)
        if isinstance(decision, Refusal):
            self._counts["reactions.refused"] += 1
            self._note("refused", 0, cause, {"reason": decision.reason}, time_ms)
            return
        if decision is not None:
            yield self._retired(decision, "budget")
        self._reactions.fired(reaction, labels)
        self._counts["reactions"] += 1
        version = self._born(model, reaction.spawn, cause)
        self._note("reaction", version.number, cause, {"learner": reaction.spawn}, time_ms)
        yield checkpoint(version, self._place())

    def _crowned(self, model: Model | None, value: Any) -> Decided:
        before, self.champion = self.cohort.versions.get(self.champion), value["version"]
        self._note("serve", self.champion, value["cause"], time_ms=value["event_time_ms"])
        self._proposed.clear()
        for version in self.cohort.live():
            version.unpair()
        if model and before and before.live and not self.cohort.is_declared(before, model):
            yield self._retired(before, "specification")
        yield from self._succeeded()

    def _wished(self, version: Version, champion: Version, *, declared: bool = False) -> Decided:
        if version.number in self._proposed:
            return
        self._proposed.add(version.number)
        self._counts["proposals"] += 1
        wish: Proposed = propose(version, champion, self._place().position, self.cohort.loss, declared=declared)
        detail = {"labels": wish.labels, "difference": wish.difference, "declared": declared}
        self._note("proposal", version.number, version.cause, detail)
        yield checkpoint(version, self._place(), wish)

    def _failed(self, model: Model) -> Decided:
        """Retire whoever failed too often; when that was the champion, its best challenger, or else a fresh copy of it, is proposed."""
        for failed in self.cohort.failing(model.retire_after_errors):
            yield self._retired(failed, "errors")
            if failed.number == self.champion:
                heir = self.cohort.best(self.cohort.live()) or self._born(model, model.champion, failed.cause)
                yield from self._wished(heir, failed)

    def _retired(self, version: Version, reason: str) -> CheckpointMade:
        version.remark()
        version.live = False
        self._note("retired", version.number, version.cause, {"reason": reason})
        return checkpoint(version, self._place())

    def _due(self, model: Model) -> list[Version]:
        """Whose checkpoint is due at this lesson: what serves must be fresh; challengers are only looked at."""
        every, labels = model.checkpoint_every_labels, self._counts[self.cohort.task.paced_by]
        if labels % (every * CHALLENGER_INTERVALS) == 0:
            return self.cohort.live()
        return [version for version in self.cohort.live() if version.number == self.champion] if labels % every == 0 else []

    def _note(self, kind: str, version: int, cause: str, detail: dict[str, Any] | None = None, time_ms: int | None = None) -> None:
        place = self._place()
        at_ms = place.watermark_ms if time_ms is None else time_ms
        self.history.add(Event(place.position - 1, at_ms, kind, version, cause, detail or {}))

    def dump(self) -> dict[str, Any]:
        """The state as plain values."""
        return {
            "cohort": self.cohort.dump(),
            "history": self.history.dump(),
            "serving": [self.champion, *self.serving],
            "proposed": sorted(self._proposed),
            "heirs": self.heirs.dump(),
            "reactions": dict(sorted(self._reactions.fired_at_labels.items())),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Take back what `dump` gave."""
        self.cohort.load(state["cohort"], self._place().model)
        self.history.load(state["history"])
        self.champion, self.serving = state["serving"][0], (state["serving"][1], state["serving"][2])
        self._proposed = set(state["proposed"])
        self.heirs.load(state.get("heirs", []))  # a snapshot of before there were rewinds has none
        self._reactions.fired_at_labels = state["reactions"]
