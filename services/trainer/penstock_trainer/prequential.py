"""Questions and their labels, test first and then train: what happened on a learning log, and what it teaches."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from penstock.fold.protocol import Effect, Output, Poison, Record
from penstock.fold.watermark import Watermark
from penstock.learning import present
from penstock.records import Wire
from penstock.records.wire import schema_id
from penstock.spec import Model
from penstock.spec.label_rule import RELEARN, LabelRule
from penstock.tasks import LABELLED, PREDICTIONS
from penstock_trainer.chain import Chain
from penstock_trainer.checkpoints import Place
from penstock_trainer.corrections import Correction, Corrections
from penstock_trainer.labels import Life
from penstock_trainer.lessons import Lessons
from penstock_trainer.outcomes import Outcomes
from penstock_trainer.pending import Decoded, Entry, Pending, State
from penstock_trainer.rewind import Rewinds
from penstock_trainer.selection import Selection

UNKNOWN_HORIZON_MS = 1 << 60
UNKNOWN_SOURCES = 1 << 30  # the clock waits for the first specification, which counts its sources

Made = Iterator[Output | Effect]


class Prequential:
    """What the trainer's fold does with questions, labels and ticks: everything but commands.

    Each answer is scored before its label is learned (A. P. Dawid, 1984: prequential).
    """

    def __init__(self, name: str, wire: Wire, outcomes: Outcomes, pending: Pending) -> None:
        self.name = name
        self.counts: Counter[str] = Counter()
        self.chain = Chain()
        self.model: Model | None = None
        self.runtime = ""
        self.selection = Selection(self.counts, self._place)
        self.cohort = self.selection.cohort
        self.watermark = Watermark(UNKNOWN_SOURCES)
        self.pending = pending
        self.rewinds = Rewinds()
        self.corrections = Corrections()
        self._schemas: set[int] = set()
        self._life = Life(pending, self.counts, wire)
        self._lessons = Lessons(self.cohort, self.counts)
        self._decoded = Decoded()
        self._wire = wire
        self._outcomes = outcomes

    @property
    def horizon_ms(self) -> int:
        """How long a label is waited for; for ever, until a specification says."""
        return self.model.label.horizon_ms if self.model else UNKNOWN_HORIZON_MS

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

    def _place(self) -> Place:
        return Place(self.name, self.chain.position, self.chain.value, self.watermark.value, self.runtime)
