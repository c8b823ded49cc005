"""The life of a label: matched, early, duplicate, conflicting, too late, or an orphan; each is counted."""

from collections import Counter
from typing import Any

import msgspec

from penstock.fold.protocol import Record
from penstock.records import Wire
from penstock.tasks import Label
from penstock_trainer.pending import Entry, Pending, State


class Life:
    """Moves event ids from state to state and counts: predictions = pending + labelled + expired + quarantined."""

    def __init__(self, pending: Pending, counts: Counter[str], wire: Wire) -> None:
        self._wire = wire
        self._pending = pending
        self._counts = counts

    def label(self, label: Any, record: Record, watermark_ms: int, horizon_ms: int) -> Entry | None:
        """The open prediction that this label closes, or None: then the label has been put where it belongs."""
        entry = self._pending.get(label["event_id"])
        if entry is None:
            self._without_prediction(label, record, watermark_ms, horizon_ms)
        elif entry.state is State.OPEN:
            return entry
        elif entry.state is State.EXPIRED:
            self._counts["labels.too_late"] += 1
        elif entry.state is State.QUARANTINED:  # perhaps a copy of what was cut: it teaches nothing
            self._counts["labels.quarantined"] += 1
        else:
            self._counts["labels.duplicate" if self.agrees(entry, label["value"]) else "labels.conflicting"] += 1
        return None

    def close(self, event_id: str, asked: Entry, value: Label, horizon_ms: int) -> None:
        """The prediction is labelled; its id is remembered until the watermark passes its event time + 2 × horizon."""
        self._counts["labelled"] += 1
        self._pending.put(event_id, self._remembered(State.LABELLED, asked, horizon_ms, _bytes(value)))

    def quarantine(self, event_id: str, asked: Entry, horizon_ms: int) -> None:
        """The prediction, or its label, was cut; its id is remembered as that of a labelled one."""
        self._counts["quarantined"] += 1
        self._pending.put(event_id, self._remembered(State.QUARANTINED, asked, horizon_ms, b""))

    def end(self, event_id: str, entry: Entry) -> bool:
        """The state of an id has run out; True if it was an open prediction, which has expired now."""
        if entry.state is State.OPEN:
            self._counts["expired"] += 1
            horizon_ms = entry.due_ms - entry.event_time_ms
            self._pending.put(event_id, self._remembered(State.EXPIRED, entry, horizon_ms, b""))
            return True
        if entry.state is State.EARLY:
            self._counts["labels.orphan"] += 1
        return False

    def _without_prediction(self, label: Any, record: Record, watermark_ms: int, horizon_ms: int) -> None:
        due_ms = label["event_time_ms"] + horizon_ms
        if due_ms < watermark_ms:
            self._counts["labels.orphan"] += 1
            return
        self._counts["labels.early"] += 1
        entry = Entry(State.EARLY, due_ms, label["event_time_ms"], record.offset, (), record.value or b"")
        self._pending.put(label["event_id"], entry)

    def agrees(self, entry: Entry, value: Label) -> bool:
        """Whether a label says what is known of its prediction already."""
        if entry.state is State.LABELLED:
            return entry.body == _bytes(value)
        early: Label = self._wire.read(entry.body)[1]["value"]
        return early == value

    @staticmethod
    def _remembered(state: State, asked: Entry, horizon_ms: int, body: bytes) -> Entry:
        return Entry(state, asked.event_time_ms + 2 * horizon_ms, asked.event_time_ms, asked.offset, (), body)


def _bytes(value: Label) -> bytes:
    """A label as it is remembered; a boolean takes one byte."""
    return bytes([value]) if isinstance(value, bool) else msgspec.msgpack.encode(value)
