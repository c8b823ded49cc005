"""The trainer's fold: a model as a deterministic function of its learning log. This is the page to read."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from penstock.fold.origin import Origins
from penstock.fold.protocol import Effect, Output, Poison, Record, Refold, Snapshot
from penstock.fold.watermark import BEGINNING_MS, Watermark
from penstock.learning import present
from penstock.records import Wire, Writer
from penstock.records.wire import schema_id
from penstock.spec import Model, part_from_json
from penstock.spec.label_rule import RELEARN, LabelRule
from penstock.tasks import LABELLED, PREDICTIONS
from penstock_trainer.chain import Chain
from penstock_trainer.checkpoints import Place
from penstock_trainer.corrections import NEVER_MS, Correction, Corrections
from penstock_trainer.errors import RuntimeChanged
from penstock_trainer.labels import Life
from penstock_trainer.lessons import Lessons
from penstock_trainer.outcomes import Outcomes
from penstock_trainer.pending import Decoded, Entry, Pending, State
from penstock_trainer.rebuild import rebuild_of
from penstock_trainer.rewind import Rewind, Rewinds, cuts_of
from penstock_trainer.selection import Selection

UNKNOWN_HORIZON_MS = 1 << 60
MOVES = ("Prediction", "Tick")  # what moves the clock; corrections that are due are learned before the next of them
UNKNOWN_SOURCES = 1 << 30  # the clock waits for the first specification, which counts its sources

Made = Iterator[Output | Effect]


class TrainerFold:
    """Folds `learning.<model>`: specs, predictions, labels, ticks, serves, drift, rewinds and rebuilds in; outcomes and checkpoints out.

    It reads nothing but the log. Its state after the record at offset n is a function of the records 0 … n, to the last bit. `runtime`
    changes nothing: when it is given, a log that is to be folded under another one is refused (design: equality is promised within one),
    unless its refold was begun up to a rebuild. Nor does `pending`, which a replay keeps in a quicker form.
    """

    def __init__(
        self,
        name: str,
        wire: Wire,
        write_outcome: Writer,
        outcomes_topic: str,
        runtime: str = "",
        generation: int = 1,
        pending: Pending | None = None,
    ) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.chain = Chain()
        self.model: Model | None = None
        self.spec = ""
        self.spec_version = 0
        self.runtime = ""
        self.causes: set[str] = set()
        self.selection = Selection(self.counts, self._place)
        self.cohort = self.selection.cohort
        self.watermark = Watermark(UNKNOWN_SOURCES)
        self.pending = pending or Pending()
        self.rewinds = Rewinds()
        self.corrections = Corrections()
        self._schemas: set[int] = set()
        self._unseen: set[int] = set()
        self._origins = Origins()
        self._life = Life(self.pending, self.counts, wire)
        self._lessons = Lessons(self.cohort, self.counts)
        self._decoded = Decoded()
        self._runtime = runtime
        self._wire = wire
        self._outcomes = Outcomes(write_outcome, outcomes_topic, generation)

    def step(self, record: Record) -> Iterable[Output | Effect]:
        """Fold one record. It is chained first, whatever it holds.

        Raises: Missing before anything else has changed; Poison; Refold; Unfit.
        """
        self.chain.append(record)
        self._recall_schemas()
        name, value = self._wire.read(record.value)
        self._outcomes.begin(record)
        if self.corrections.due_ms < self.watermark.value and name in MOVES and not self.rewinds.knows(record.offset):
            raise self._relearn(record)
        made = list(self._fold(name, value, record))
        if (rewind := self.rewinds.at(record.offset)) is not None:
            made += self._went_back(rewind, record)
        if not self.refolding:
            return made
        tells = self.tells(record.offset)  # outcomes: a checkpoint of a version that will not live is never told
        return [each for each in made if isinstance(each, Output)] if tells else ()

    def _fold(self, name: str, value: Any, record: Record) -> Made:
        match name:
            case "Prediction" if self._is_new(record, value):
                yield from self._predicted(value, record)
            case "Label" if self._is_new(record, value):
                yield from self._labelled(value, record)
            case "Tick":
                yield from self._ticked(value)
            case "Serve":
                yield from self.selection.served(self.model, value, known=self.rewinds.knew(value["version"], record.offset))
            case "SpecApplied" if self._is_first(value):
                yield from self._applied(value)
            case "DriftDetected" if self._is_first(value):
                yield from self.selection.drifted(self.model, value)
            case "Rewound" if self._is_first(value):
                yield from self._rewound(value, record)
            case "Rebuilt" if self._is_first(value):
                yield from self._rebuilt(value, record)
            case "Prediction" | "Label" | "SpecApplied" | "DriftDetected" | "Rewound" | "Rebuilt":
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
        is_cut = self.rewinds.cuts.hold(record.offset)
        scores = () if is_cut else self.cohort.predict(present(value["features"]))
        taught = not is_cut and self._lessons.give(PREDICTIONS, value)
        asked = Entry(State.OPEN, asked_ms + self.horizon_ms, asked_ms, record.offset, scores, record.value or b"")
        self.pending.put(event_id, asked)
        self._decoded.put(event_id, value)
        self._schemas.add(schema_id(record.value))
        origin = value["origin"]  # the clock first: a checkpoint at this position tells the time behind this record
        moved = self.watermark.advance((origin["topic"], origin["partition"]), value["watermark_ms"])
        if is_cut:
            yield from self._quarantined(event_id, asked, record.offset)
        elif entry is not None:
            yield from self._overtaken(event_id, asked, entry)
        if taught:
            yield from self._decided()
        if moved or asked.due_ms < self.watermark.value:  # one that comes too late for any label ends at once
            yield from self._expired()

    def _labelled(self, value: Any, record: Record) -> Made:
        if self.model is not None and (problem := self.cohort.task.wrong_label(value["value"])):
            raise Poison("wrong_label", problem)
        asked = self._life.label(value, record, self.watermark.value, self.horizon_ms)
        self._schemas.add(schema_id(record.value))
        if asked is not None:
            yield from self._answered(value["event_id"], asked, value, record.offset)
        elif self.model is not None and self.model.label.on_correction == RELEARN:
            self._contradicted(value, record, self.model.label)

    def _contradicted(self, label: Any, record: Record, rule: LabelRule) -> None:
        """A label for what has one: if it says otherwise, and not too late, it is learned in its place; the last one counts."""
        event_id = label["event_id"]
        entry = self.pending.get(event_id)
        if entry is None or entry.state not in (State.LABELLED, State.EARLY) or self.rewinds.cuts.hold(record.offset):
            return
        agrees = self._life.agrees(entry, label["value"])
        if entry.state is State.EARLY:
            if not agrees:
                self.pending.put(event_id, entry._replace(offset=record.offset, body=record.value or b""))
        elif agrees:
            self.corrections.withdraw(entry.offset)
        elif self.rewinds.supersedes(entry.offset, record.offset):
            self.counts["corrections.known"] += 1
        elif record.offset - entry.offset > rule.correction_depth:
            self.counts["corrections.refused"] += 1
            self.selection.refused_correction(event_id, record.offset - entry.offset)
        else:
            self.counts["corrections"] += 1
            self.corrections.gather(Correction(entry.offset, label["value"], record.offset), self.watermark.value, rule.correction_wait_ms)

    def _answered(self, event_id: str, asked: Entry, label: Any, label_offset: int) -> Made:
        """A prediction and its label have met."""
        if self.rewinds.cuts.hold(label_offset):
            self.counts["labels.quarantined"] += 1
            yield from self._quarantined(event_id, asked, label_offset)
        else:
            right = self.rewinds.correct(asked, label, label_offset)
            if right is not label:
                self.counts["labels.corrected"] += 1
            yield from self._learned(event_id, asked, right, label_offset)

    def _quarantined(self, event_id: str, asked: Entry, cut_offset: int) -> Made:
        """A prediction ends without reaching a learner: it, or its label, was cut at this offset."""
        prediction = self._decoded.pop(event_id) or self._wire.read(asked.body)[1]
        self._life.quarantine(event_id, asked, self.horizon_ms)
        self.rewinds.note(cut_offset, asked)
        yield self._outcomes.quarantined(asked, prediction, self.cohort, 0)

    def _overtaken(self, event_id: str, asked: Entry, early: Entry) -> Made:
        """A label has come before its prediction, perhaps even before the specification that says what a label is."""
        label = self._wire.read(early.body)[1]
        if self.cohort.task.wrong_label(label["value"]):
            self.counts["labels.orphan"] += 1
        else:
            yield from self._answered(event_id, asked, label, early.offset)

    def _learned(self, event_id: str, asked: Entry, label: Any, label_offset: int) -> Made:
        prediction = self._decoded.pop(event_id) or self._wire.read(asked.body)[1]
        self._life.close(event_id, asked, label["value"], self.horizon_ms)
        yield self._outcomes.labelled(asked, prediction, label, label_offset, self.cohort)
        self.cohort.score(label["value"], asked.scores, self.selection.champion)
        if self._lessons.give(LABELLED, prediction, label["value"]):
            yield from self._decided()

    def _decided(self) -> Made:
        """After all that a record has taught and scored: a checkpoint that is due holds every record below its position."""
        if self.model is not None:
            yield from self.selection.learned(self.model)

    def _ticked(self, value: Any) -> Made:
        self.counts["ticks"] += 1
        if self.watermark.advance((value["source"], value["partition"]), value["event_time_ms"]):
            yield from self._expired()

    def _expired(self) -> Made:
        for event_id, entry in self.pending.due(self.watermark.value):
            if self._life.end(event_id, entry):
                yield self._outcomes.expired(entry, self._wire.read(entry.body)[1], self.cohort)

    def _applied(self, value: Any) -> Made:
        if value["spec_version"] <= self.spec_version:
            self.counts["specs.ignored"] += 1
            return
        before, model = self.model, self._follow(value["spec"], value["spec_version"])
        if before is None:
            self._go_on_under(value["runtime"])
            self.pending.set_horizon(self.horizon_ms)
        moved = self.watermark.expect(value.get("partitions", 1))  # a log keeps the records that were written before there was this field
        yield from self.selection.applied(model, before, value)
        if moved:
            yield from self._expired()

    def _rewound(self, value: Any, record: Record) -> Made:
        """A rewind: the fold asks to come here again without what is cut; when it does, the model goes on as new versions."""
        rewind = self.rewinds.of(value["cause"])
        if rewind is None:
            raise self._refold(record, value["cause"], value["to"], cuts_of(value, record, self.spec_version))
        yield from self._went_back(rewind, record)

    def _rebuilt(self, value: Any, record: Record) -> Made:
        """A rebuild: everything before it was folded under the runtime that runs, or nobody is here; the model goes on as new versions."""
        rebuild = self.rewinds.of(value["cause"])
        if rebuild is None or record.offset == self.rewinds.until:
            rebuild = rebuild_of(value, record, self.runtime, self.selection.champion, self.selection.serving)
            self._go_on_under(rebuild.runtime)
            self.rewinds.meet(rebuild)
        self.runtime = rebuild.runtime
        yield from self._went_back(rebuild, record)

    def _relearn(self, record: Record) -> Refold:
        """The corrections that have been gathered are due: the log is folded again with the right labels."""
        due = tuple(self.corrections.all())
        return self._refold(record, f"correction:{record.offset}", due[0].asked, corrections=due)

    def _refold(
        self, record: Record, cause: str, to: int, cuts: tuple[tuple[int, int], ...] = (), corrections: tuple[Correction, ...] = ()
    ) -> Refold:
        versions = {number: version.learner_name for number, version in self.cohort.versions.items()}
        rewind = Rewind(record.offset, cause, cuts, versions, self.selection.champion, self.selection.serving, corrections)
        before = Place(self.name, record.offset, self.chain.before, self.watermark.value, self.runtime)
        return self.rewinds.ask(rewind, to, self.selection.ended(before))

    def _went_back(self, rewind: Rewind, record: Record) -> Made:
        """The fold has come again to where it went back from: the model goes on as new versions, and what ends otherwise is told."""
        assert self.model is not None, "a rewind before the first specification is poison"
        self.counts["rebuilds" if rewind.runtime else "rewinds"] += 1
        revised = self.rewinds.finish(record.offset)
        yield from self.selection.rewound(self.model, rewind)
        for asked, label, label_offset in revised:
            prediction = self._wire.read(asked.body)[1]
            if label is None:
                yield self._outcomes.quarantined(asked, prediction, self.cohort, self.rewinds.epoch)
            else:
                yield self._outcomes.labelled(asked, prediction, label, label_offset, self.cohort, self.rewinds.epoch)

    # Law II, and small helpers

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

    def _go_on_under(self, runtime: str) -> None:
        """The log says under which runtime it is folded. Raises: RuntimeChanged if it is not ours, unless that is to change."""
        if self._runtime and runtime != self._runtime and not self.refolding:
            raise RuntimeChanged(self.name, runtime, self._runtime)
        self.runtime = runtime

    def _follow(self, spec: str, version: int) -> Model:
        self.model = model_of(self.name, spec)
        self.cohort.follow(self.model)
        self.spec, self.spec_version = spec, version
        return self.model

    def _recall_schemas(self) -> None:
        """After a restore: what is pending must be readable before anything changes. Raises: Missing."""
        while self._unseen:
            self._wire.known(min(self._unseen))
            self._unseen.remove(min(self._unseen))

    @property
    def epoch(self) -> int:
        """How many rewinds and rebuilds there have been."""
        return self.rewinds.epoch

    @property
    def refolding(self) -> bool:
        """Whether the log is being folded again, up to a rewind."""
        return self.rewinds.until is not None

    def tells(self, offset: int) -> bool:
        """Whether what the record at this offset causes is told (see Refolding)."""
        return self.rewinds.tells(offset)

    def begin(self, refold: Refold) -> None:
        """Fold the log from here on as the rewind that asked for it says (see Refolding)."""
        self.rewinds.begin(refold, self.chain.position)

    def _place(self) -> Place:
        return Place(self.name, self.chain.position, self.chain.value, self.watermark.value, self.runtime)

    # The state

    def snapshot(self) -> Snapshot:
        """The whole state; what is pending lies in segments."""
        manifest, segments = self.pending.capture()
        state = {
            "chain": [self.chain.value, self.chain.position],
            "counts": dict(sorted(self.counts.items())),
            "spec": [self.spec_version, self.spec, self.runtime],
            "partitions": self.watermark.sources,
            "schemas": sorted(self._schemas),
            "causes": sorted(self.causes),
            "selection": self.selection.dump(),
            "watermark": self.watermark.dump(),
            "origins": self._origins.dump(),
            "lessons": self._lessons.dump(),
            "rewinds": self.rewinds.dump(),
            "corrections": self.corrections.dump(),
            "pending": manifest,
        }
        return Snapshot(msgspec.msgpack.encode(state), tuple(segments))

    def restore(self, snapshot: Snapshot) -> None:
        """Take back what `snapshot` gave."""
        state = msgspec.msgpack.decode(snapshot.state)
        self.chain.value, self.chain.position = state["chain"]
        self.counts.clear()
        self.counts.update(state["counts"])
        version, spec, runtime = state["spec"]
        self.rewinds.until = None
        if spec:
            self._go_on_under(runtime)
        self.pending.restore(state["pending"], snapshot.segments)
        self._decoded.clear()
        self.model, self.spec, self.spec_version, self.runtime = None, "", 0, runtime
        self.cohort.follow(None)
        if spec:
            self._follow(spec, version)
        self._schemas = set(state["schemas"])
        self._unseen = set(state["schemas"])
        self.causes = set(state["causes"])
        self.selection.load(state["selection"])
        self.watermark.load(state["watermark"])
        self.watermark.sources = state["partitions"]
        self._origins.load(state["origins"])
        self._lessons.load(state.get("lessons", BEGINNING_MS))  # a snapshot of before there were tasks has none
        self.rewinds.load(state.get("rewinds", []))  # a snapshot of before there were rewinds has none
        self.corrections.load(state.get("corrections", [NEVER_MS, []]))


def model_of(name: str, spec: str) -> Model:
    """The model that a specification declares. Raises: SpecError."""
    model = part_from_json("model", name, spec)
    assert isinstance(model, Model)
    return model
