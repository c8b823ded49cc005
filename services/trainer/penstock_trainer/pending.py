"""The life of a prediction: pending, then exactly one of labelled, expired or quarantined, then remembered, then forgotten."""

import struct
from collections.abc import Iterator, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import msgspec

from penstock.fold.protocol import Segment
from penstock.fold.segments import SegmentedMap
from penstock.tasks import Answer
from penstock_trainer.due import Calendar, Due

DECODED_MAX = 4_096
HEADER = struct.Struct("<BqqqH")  # state, due, event time, offset; number of scores, or PACKED
SCORE = struct.Struct("<Id")  # version, score
PACKED = 0xFFFF  # the answers are of classes: MessagePack follows, after its length
LENGTH = struct.Struct("<I")


class State(IntEnum):
    """Where an event id stands."""

    OPEN = 1
    LABELLED = 2
    EXPIRED = 3
    EARLY = 4  # a label whose prediction has not come yet
    QUARANTINED = 5  # it, or its label, was cut by a rewind


class Entry(NamedTuple):
    """What is known of one event id.

    `due_ms`: the watermark at which its state ends. `offset`: of the record that put it here. `scores`: (version, prequential answer).
    `body`: the framed record of an open prediction or of an early label; of a labelled one, the label.
    """

    state: State
    due_ms: int
    event_time_ms: int
    offset: int
    scores: tuple[tuple[int, Answer], ...] = ()
    body: bytes = b""

    def pack(self) -> bytes:
        """The entry as bytes: it is serialised once, when it is made."""
        numbers = all(isinstance(score, float) for _, score in self.scores)
        head = HEADER.pack(self.state, self.due_ms, self.event_time_ms, self.offset, len(self.scores) if numbers else PACKED)
        if numbers:
            return b"".join((head, *(SCORE.pack(version, score) for version, score in self.scores), self.body))
        packed = msgspec.msgpack.encode(self.scores)
        return b"".join((head, LENGTH.pack(len(packed)), packed, self.body))

    @classmethod
    def unpack(cls, data: bytes) -> "Entry":
        """The entry that `pack` wrote."""
        state, due_ms, event_time_ms, offset, count = HEADER.unpack_from(data)
        if count == PACKED:
            begin = HEADER.size + LENGTH.size
            end = begin + LENGTH.unpack_from(data, HEADER.size)[0]
            scores = tuple((version, answer) for version, answer in msgspec.msgpack.decode(data[begin:end]))
        else:
            end = HEADER.size + count * SCORE.size
            scores = tuple(SCORE.iter_unpack(data[HEADER.size : end]))
        return cls(State(state), due_ms, event_time_ms, offset, scores, data[end:])


class Decoded:
    """The newest predictions as they were decoded when they were asked, so that a label that comes soon does not decode them again.

    No part of the state: what is not here is read from its bytes, and is equal. The oldest of more than DECODED_MAX make room.
    """

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}

    def put(self, event_id: str, value: Any) -> None:
        """Keep a prediction until it is taken or too old."""
        if len(self._values) >= DECODED_MAX:
            del self._values[next(iter(self._values))]
        self._values[event_id] = value

    def pop(self, event_id: str) -> Any | None:
        """Take a prediction out; None if it is not here."""
        return self._values.pop(event_id, None)

    def clear(self) -> None:
        """Keep nothing."""
        self._values.clear()


class Pending:
    """Every event id that is open or remembered, and which of them are due.

    Memory is bounded by horizon × rate: an id is forgotten when the watermark passes its event time + 2 × horizon.
    """

    def __init__(self) -> None:
        self._entries = SegmentedMap("pending")
        self._calendar = Calendar()
        self.open_count = 0

    def get(self, event_id: str) -> Entry | None:
        """What is known of this id."""
        data = self._entries.get(event_id)
        return None if data is None else Entry.unpack(data)

    def put(self, event_id: str, entry: Entry) -> None:
        """Set what is known of this id."""
        self._forget(event_id)
        self._store(event_id, entry)
        self.open_count += entry.state is State.OPEN
        self._calendar.add(event_id, Due(entry.due_ms, entry.offset))

    def due(self, watermark_ms: int) -> Iterator[tuple[str, Entry]]:
        """The ids whose state has ended, in the order of their due times; each is removed. Due *at* the watermark is not yet past."""
        for event_id in self._calendar.before(watermark_ms, self._due_of):
            entry = self.get(event_id)
            assert entry is not None
            self._forget(event_id)
            yield event_id, entry

    def set_horizon(self, horizon_ms: int) -> None:
        """From the first specification on it is known how long what is pending waits, and what has ended is remembered."""
        for event_id in self._ids():
            entry = self.get(event_id)
            assert entry is not None
            horizons = 1 if entry.state in (State.OPEN, State.EARLY) else 2
            self.put(event_id, entry._replace(due_ms=entry.event_time_ms + horizons * horizon_ms))

    def _store(self, event_id: str, entry: Entry) -> None:
        self._entries.put(event_id, entry.pack())

    def _ids(self) -> list[str]:
        return list(self._entries)

    def _due_of(self, event_id: str) -> Due | None:
        data = self._entries.get(event_id)
        return None if data is None else _due_in(data)

    def _forget(self, event_id: str) -> None:
        data = self._entries.pop(event_id)
        self.open_count -= data is not None and data[0] == State.OPEN

    def capture(self) -> tuple[Any, Sequence[Segment]]:
        """The manifest, and the segments it refers to."""
        return self._entries.capture()

    def restore(self, manifest: Any, segments: Sequence[Segment]) -> None:
        """Take back what `capture` gave; the order of what is due follows from the entries."""
        self._entries.restore(manifest, segments)
        self._calendar, self.open_count = Calendar(), 0
        for event_id, data in self._entries.unordered():
            self._calendar.add(event_id, _due_in(data))
            self.open_count += data[0] == State.OPEN


def _due_in(packed: bytes) -> Due:
    _, due_ms, _, offset, _ = HEADER.unpack_from(packed)
    return Due(due_ms, offset)
