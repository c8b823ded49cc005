"""Law I with several inputs: the record of lowest event time goes first, once no input can bring a lower one or has been waited for."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple

from penstock.fold.protocol import Poison, Record
from penstock.records.wire import event_time_ms

LONG_AGO_MS = -(2**62)


class _Waiting(NamedTuple):
    time_ms: int
    record: Record
    arrived_s: float


class _Input:
    __slots__ = ("ended_s", "last_time_ms", "queue", "resting")

    def __init__(self) -> None:
        self.queue: deque[_Waiting] = deque()
        self.last_time_ms = LONG_AGO_MS
        self.resting = False  # its last folded record said that it is idle
        self.ended_s: float | None = None  # since when nothing is buffered and its log is read to the end


class Merge:
    """Buffers of one partition's inputs, given out in the order of event time.

    A record waits until every other input has one buffered, or is idle, or is read to its end and has been so for `wait_s` since the
    record came. So a burst waits once, and an input that falls silent costs every record at most `wait_s`. Equal times: the order of
    `topics`. A record whose time cannot be read takes the time of the one before it, so that the fold sees it and refuses it.

    Source: Kafka Streams' `max.task.idle.ms` (KIP-353, KIP-695).
    """

    __slots__ = ("_inputs", "_resting", "_single", "_wait_s")

    def __init__(self, topics: Sequence[str], wait_s: float, resting: Callable[[Record], bool]) -> None:
        self._inputs = {topic: _Input() for topic in topics}
        self._single: deque[Record] | None = deque() if len(topics) == 1 else None  # one input needs no order, only its records
        self._wait_s = wait_s
        self._resting = resting

    def add(self, topic: str, records: Iterable[Record], now_s: float) -> None:
        """Buffer what was read from `topic`, in the order of its log."""
        if self._single is not None:
            self._single.extend(records)
            return
        source = self._inputs[topic]
        source.ended_s = None
        for record in records:
            with suppress(Poison):  # the fold will say so itself
                source.last_time_ms = event_time_ms(record.value)
            source.queue.append(_Waiting(source.last_time_ms, record, now_s))

    def note_end(self, topic: str, at_end: bool, now_s: float) -> None:
        """Tell whether the log of `topic` is read to its end."""
        source = self._inputs[topic]
        if not at_end or source.queue:
            source.ended_s = None
        elif source.ended_s is None:
            source.ended_s = now_s

    def peek(self, now_s: float) -> Record | None:
        """The record to fold now, or None if there is none, or it must wait."""
        if self._single is not None:
            return self._single[0] if self._single else None
        first = self._first()
        if first is None or self._ready_s(first) > now_s:
            return None
        return first.record

    def advance(self, record: Record) -> None:
        """The record that `peek` gave has been folded."""
        if self._single is not None:
            assert self._single.popleft() is record
            return
        source = self._inputs[record.topic]
        taken = source.queue.popleft()
        assert taken.record is record
        source.resting = self._resting(record)

    def next_s(self) -> float | None:
        """When the waiting record will be due by time alone; None if it takes a record, or there is nothing."""
        if self._single is not None:
            return 0.0 if self._single else None
        first = self._first()
        if first is None:
            return None
        due_s = self._ready_s(first)
        return None if due_s == float("inf") else due_s

    def buffered(self, topic: str) -> int:
        """How many records of `topic` wait here."""
        return len(self._inputs[topic].queue if self._single is None else self._single)

    def clear(self) -> None:
        """Forget what is buffered: it will be read again."""
        if self._single is not None:
            self._single.clear()
        for source in self._inputs.values():
            source.queue.clear()
            source.ended_s = None

    def _first(self) -> _Waiting | None:
        heads = [source.queue[0] for source in self._inputs.values() if source.queue]
        return min(heads, key=lambda head: head.time_ms) if heads else None  # min takes the first of equals

    def _ready_s(self, first: _Waiting) -> float:
        """From when on no other input keeps `first` back; infinite while one is known to have more, or nothing is known of it."""
        due_s = first.arrived_s
        for source in self._inputs.values():
            if source.queue or source.resting:
                continue
            if source.ended_s is None:
                return float("inf")
            due_s = max(due_s, max(first.arrived_s, source.ended_s) + self._wait_s)
        return due_s
