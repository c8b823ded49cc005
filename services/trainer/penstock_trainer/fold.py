"""The trainer's fold: a model as a deterministic function of its learning log. This is the page to read."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from penstock.fold.origin import Origins
from penstock.fold.protocol import Effect, Output, Poison, Record, Snapshot
from penstock.fold.watermark import Watermark
from penstock.learning import present
from penstock.records import Wire, Writer
from penstock.records.wire import schema_id
from penstock.spec import Model, Reaction, part_from_json
from penstock_trainer.checkpoints import CheckpointMade, Place, Proposed, checkpoint, propose
from penstock_trainer.cohort import Cohort
from penstock_trainer.errors import LogIncomplete, RuntimeChanged
from penstock_trainer.history import Event, History
from penstock_trainer.labels import Life
from penstock_trainer.outcomes import Outcomes
from penstock_trainer.pending import Entry, Pending, State
from penstock_trainer.policy import Reactions, Refusal, proposal
from penstock_trainer.versions import Version

UNKNOWN_HORIZON_MS = 1 << 60
UNKNOWN_SOURCES = 1 << 30  # the clock waits for the first specification, which counts its sources
CHALLENGER_INTERVALS = 10  # a challenger is checkpointed so many times less often than the champion

Made = Iterator[Output | Effect]


class TrainerFold:
    """Folds `learning.<model>`: specs, predictions, labels, ticks, serves and drift in; outcomes and checkpoints out.

    It reads nothing but the log. Its state after the record at offset n is a function of the records 0 … n, to the last bit. `runtime`
    changes nothing: when it is given, a log that is to be folded under another one is refused (design: equality is promised within one).
    """

    def __init__(self, name: str, wire: Wire, write_outcome: Writer, outcomes_topic: str, runtime: str = "", generation: int = 1) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.chain = bytes(32)
        self.position = 0
        self.model: Model | None = None
        self.spec = ""
        self.spec_version = 0
        self.runtime = ""
        self.champion = 0
        self.serving = (-1, -1)  # revision and position of the serve in force
        self.causes: set[str] = set()
        self.proposed: set[str] = set()
        self.cohort = Cohort()
        self.history = History()
        self.watermark = Watermark(UNKNOWN_SOURCES)
        self.pending = Pending()
        self._schemas: set[int] = set()
        self._unseen: set[int] = set()
        self._origins = Origins()
        self._reactions = Reactions({})
        self._life = Life(self.pending, self.counts)
        self._runtime = runtime
        self._wire = wire
        self._outcomes = Outcomes(write_outcome, outcomes_topic, generation)

    def step(self, record: Record) -> Iterable[Output | Effect]:
        """Fold one record. It is chained first, whatever it holds. Raises: Missing before anything else has changed; Poison."""
        self._append(record)
        self._recall_schemas()
        name, value = self._wire.read(record.value)
        self._outcomes.begin(record)
        return list(self._fold(name, value, record))

    def _fold(self, name: str, value: Any, record: Record) -> Made:
        match name:
            case "Prediction" if self._is_new(record, value):
                yield from self._predicted(value, record)
            case "Label" if self._is_new(record, value):
                yield from self._labelled(value, record)
            case "Tick":
                yield from self._ticked(value)
            case "Serve":
                self._served(value)
            case "SpecApplied" if self._is_first(value):
                yield from self._applied(value)
            case "DriftDetected" if self._is_first(value):
                yield from self._drifted(value)
            case "Prediction" | "Label" | "SpecApplied" | "DriftDetected":
                self.counts["echoes"] += 1
            case _:
                raise Poison("unknown_record", f"a learning log holds no {name}")

    # What happened, and what it changes

    def _predicted(self, value: Any, record: Record) -> Made:
        event_id, asked_ms = value["event_id"], value["event_time_ms"]
        entry = self.pending.get(event_id)
        if entry is not None and entry.state is not State.EARLY:
            self.counts["predictions.repeated"] += 1
            return
        self.counts["predictions"] += 1
        scores = self.cohort.predict(present(value["features"]))
        asked = Entry(State.OPEN, asked_ms + self.horizon_ms, asked_ms, record.offset, scores, record.value or b"")
        self.pending.put(event_id, asked)
        self._schemas.add(schema_id(record.value))
        if entry is not None:
            yield from self._learned(event_id, asked, self._wire.read(entry.body)[1], entry.offset)
        origin = value["origin"]
        if self.watermark.advance((origin["topic"], origin["partition"]), asked_ms):
            yield from self._expired()

    def _labelled(self, value: Any, record: Record) -> Made:
        if not isinstance(value["value"], bool):
            raise Poison("wrong_label", "a label of a binary classification is a boolean")
        asked = self._life.label(value, record, self.watermark.value, self.horizon_ms)
        self._schemas.add(schema_id(record.value))
        if asked is not None:
            yield from self._learned(value["event_id"], asked, value, record.offset)

    def _learned(self, event_id: str, asked: Entry, label: Any, label_offset: int) -> Made:
        _, prediction = self._wire.read(asked.body)
        self._life.close(event_id, asked, label["value"], self.horizon_ms)
        yield self._outcomes.labelled(asked, prediction, label, label_offset, self.cohort)
        self.cohort.score(label["value"], asked.scores, self.champion)
        self.cohort.learn(present(prediction["features"]), label["value"])
        if self.model is not None:
            yield from self._failed(self.model)
            yield from self._proposed(self.model)
            yield from (self._checkpoint(version) for version in self._due(self.model))

    def _ticked(self, value: Any) -> Made:
        self.counts["ticks"] += 1
        source = (value["source"], value["partition"])
        moved = self.watermark.advance(source, value["event_time_ms"])
        if value["idle"]:
            moved |= self.watermark.rest(source)
        if moved:
            yield from self._expired()

    def _expired(self) -> Made:
        for event_id, entry in self.pending.due(self.watermark.value):
            if self._life.end(event_id, entry):
                yield self._outcomes.expired(entry, self._wire.read(entry.body)[1], self.cohort)

    def _served(self, value: Any) -> None:
        order = (value["revision"], value["position"])
        if order <= self.serving or value["version"] not in self.cohort.versions:
            self.counts["serves.ignored"] += 1
            return
        self.serving = order
        self.counts["serves"] += 1
        if value["version"] != self.champion:
            self.champion = value["version"]
            self._note("serve", value["event_time_ms"], self.champion, value["cause"])
            for version in self.cohort.live():
                version.unpair()

    def _applied(self, value: Any) -> Made:
        if value["spec_version"] <= self.spec_version:
            self.counts["specs.ignored"] += 1
            return
        is_first = self.model is None
        self._follow(value["spec"], value["spec_version"], value["runtime"])
        assert self.model is not None
        if is_first:
            self.pending.set_horizon(self.horizon_ms)
        self._note("spec", value["event_time_ms"], 0, value["cause"])
        for learner in self.cohort.absent(self.model):
            yield self._checkpoint(self.cohort.born(self.model, learner, self.champion, value["cause"], self.position))
        if self.watermark.expect(value.get("partitions", 1)):  # a log keeps the records that were written before there was this field
            yield from self._expired()

    def _drifted(self, value: Any) -> Made:
        self.counts["drift_events"] += 1
        self._note("drift", value["event_time_ms"], self.champion, value["cause"])
        reactions = self.model.reactions if self.model else ()
        for reaction in reactions:
            if reaction.kind == value["kind"]:
                yield from self._reacted(reaction, value)

    def _reacted(self, reaction: Reaction, value: Any) -> Made:
        assert self.model is not None
        labels, cause = self.counts["labelled"], value["cause"]
        decision = self._reactions.decide(reaction, labels, self.cohort, self.champion, self.model.promotion.after_labels)
        if isinstance(decision, Refusal):
            self.counts["reactions.refused"] += 1
            self._note("refused", value["event_time_ms"], 0, cause, {"reason": decision.reason})
            return
        if decision is not None:
            yield self._retired(decision, "budget")
        self._reactions.fired(reaction, labels)
        self.counts["reactions"] += 1
        version = self.cohort.born(self.model, reaction.spawn, self.champion, cause, self.position)
        self._note("reaction", value["event_time_ms"], version.number, cause, {"learner": reaction.spawn})
        yield self._checkpoint(version)

    def _proposed(self, model: Model) -> Made:
        champion = self.cohort.versions.get(self.champion)
        best = proposal(self.cohort, self.champion, model.promotion)
        if champion is not None and best is not None:
            yield from self._wished(propose(best, champion), best)

    def _wished(self, wish: Proposed, version: Version) -> Made:
        if wish.cause not in self.proposed:
            self.proposed.add(wish.cause)
            self.counts["proposals"] += 1
            self._note(
                "proposal", self.watermark.value, version.number, version.cause, {"labels": wish.labels, "difference": wish.difference}
            )
            yield self._checkpoint(version, wish)

    def _failed(self, model: Model) -> Made:
        """Retire whoever failed too often; when that was the champion, its best challenger, or else a fresh copy of it, is proposed."""
        for failed in self.cohort.failing(model.retire_after_errors):
            yield self._retired(failed, "errors")
            if failed.number == self.champion:
                heir = self.cohort.best() or self.cohort.born(model, model.champion, failed.number, failed.cause, self.position)
                yield from self._wished(propose(heir, failed), heir)

    def _retired(self, version: Version, reason: str) -> CheckpointMade:
        version.remark()
        version.live = False
        self._note("retired", self.watermark.value, version.number, version.cause, {"reason": reason})
        return self._checkpoint(version)

    def _due(self, model: Model) -> list[Version]:
        """Whose checkpoint is due at this label: what serves must be fresh; challengers are only looked at."""
        every, labels = model.checkpoint_every_labels, self.counts["labelled"]
        if labels % (every * CHALLENGER_INTERVALS) == 0:
            return self.cohort.live()
        return [version for version in self.cohort.live() if version.number == self.champion] if labels % every == 0 else []

    # Law II, the chain, and small helpers

    def _is_new(self, record: Record, value: Any) -> bool:
        return self._origins.accept(record.topic, record.partition, value["origin"])

    def _is_first(self, value: Any) -> bool:
        first = value["cause"] not in self.causes
        self.causes.add(value["cause"])
        return first

    @property
    def horizon_ms(self) -> int:
        """How long a label is waited for; for ever, until a specification says."""
        return self.model.label.horizon_ms if self.model else UNKNOWN_HORIZON_MS

    def _follow(self, spec: str, version: int, runtime: str) -> None:
        """Follow a specification. Raises: RuntimeChanged if the log is to be folded under another runtime than ours."""
        if self._runtime and runtime != self._runtime:
            raise RuntimeChanged(self.name, runtime, self._runtime)
        self.model, self.spec, self.spec_version, self.runtime = model_of(self.name, spec), spec, version, runtime

    def _append(self, record: Record) -> None:
        """Chain a record; once, though a step that missed something is taken again. Raises: LogIncomplete when records are missing."""
        if record.offset < self.position:
            return
        if record.offset > self.position:
            raise LogIncomplete(record, self.position)
        key = record.key or b""
        self.chain = hashlib.sha256(b"".join((self.chain, len(key).to_bytes(4, "big"), key, record.value or b""))).digest()
        self.position = record.offset + 1

    def _recall_schemas(self) -> None:
        """After a restore: what is pending must be readable before anything changes. Raises: Missing."""
        while self._unseen:
            self._wire.known(min(self._unseen))
            self._unseen.remove(min(self._unseen))

    def _note(self, kind: str, time_ms: int, version: int, cause: str, detail: dict[str, Any] | None = None) -> None:
        self.history.add(Event(self.position - 1, time_ms, kind, version, cause, detail or {}))

    def _checkpoint(self, version: Version, wish: Proposed | None = None) -> CheckpointMade:
        return checkpoint(version, Place(self.name, self.position, self.chain, self.watermark.value, self.runtime), wish)

    # The state

    def snapshot(self) -> Snapshot:
        """The whole state; what is pending lies in segments."""
        manifest, segments = self.pending.capture()
        state = {
            "chain": self.chain,
            "position": self.position,
            "counts": dict(sorted(self.counts.items())),
            "spec": [self.spec_version, self.spec, self.runtime],
            "partitions": self.watermark.sources,
            "schemas": sorted(self._schemas),
            "serving": [self.champion, *self.serving],
            "causes": sorted(self.causes),
            "proposed": sorted(self.proposed),
            "reactions": dict(sorted(self._reactions.fired_at_labels.items())),
            "cohort": self.cohort.dump(),
            "history": self.history.dump(),
            "watermark": self.watermark.dump(),
            "origins": self._origins.dump(),
            "pending": manifest,
        }
        return Snapshot(msgspec.msgpack.encode(state), tuple(segments))

    def restore(self, snapshot: Snapshot) -> None:
        """Take back what `snapshot` gave."""
        state = msgspec.msgpack.decode(snapshot.state)
        self.chain, self.position = state["chain"], state["position"]
        self.counts.clear()
        self.counts.update(state["counts"])
        version, spec, runtime = state["spec"]
        self.pending.restore(state["pending"], snapshot.segments)
        if spec:
            self._follow(spec, version, runtime)
        self._schemas = set(state["schemas"])
        self._unseen = set(state["schemas"])
        self.champion, self.serving = state["serving"][0], (state["serving"][1], state["serving"][2])
        self.causes, self.proposed = set(state["causes"]), set(state["proposed"])
        self._reactions.fired_at_labels = state["reactions"]
        self.cohort.load(state["cohort"])
        self.history.load(state["history"])
        self.watermark.load(state["watermark"])
        self.watermark.sources = state.get("partitions", 1)  # as in `_applied`
        self._origins.load(state["origins"])


def model_of(name: str, spec: str) -> Model:
    """The model that a specification declares. Raises: SpecError."""
    model = part_from_json("model", name, spec)
    assert isinstance(model, Model)
    return model
