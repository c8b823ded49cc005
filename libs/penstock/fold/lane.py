"""A lane: one live fold, what waits to be folded, and where both stand in the log."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from penstock.fold.limits import Limits
from penstock.fold.merge import Merge
from penstock.fold.protocol import Effect, Output, Record, Refolding
from penstock.fold.pulse import Beat, Pulse
from penstock.fold.restore import Restored
from penstock.fold.setup import Unit
from penstock.fold.snapshots import Saved, SnapshotId, Tail, tail_of
from penstock.kafka.ports import TopicPartition

Say = Callable[[str, Beat], Iterable[Output | Effect]]


class Lane:
    """One partition of a unit, from its restore until it goes to somebody else."""

    def __init__(self, unit: Unit, partition: int, restored: Restored, limits: Limits, now_s: float) -> None:
        self.partition = partition
        self.fold = restored.fold
        self.changed = False  # since the last capture
        self.due_s = now_s + limits.snapshot_every_s
        self.paused: set[str] = set()
        self.merge = Merge(unit.topics, limits.merge_wait_s, getattr(restored.fold, "resting", _never))
        self.next_offsets = dict(restored.next_offsets)
        self._unit = unit
        self._read = dict(self.next_offsets)  # what is buffered included
        self._tails: dict[str, Tail] = dict(restored.tails)
        self._last: dict[str, Record] = {}
        self._say: Say | None = getattr(restored.fold, "pulse", None)
        self._pulses = {topic: Pulse(limits, now_s) for topic in unit.topics}

    def inputs(self) -> list[TopicPartition]:
        """The partitions that this lane reads."""
        return [TopicPartition(topic, self.partition) for topic in self._unit.topics]

    @property
    def refolding(self) -> bool:
        """Whether the fold is on its way back to a record that it has asked to come to again."""
        return isinstance(self.fold, Refolding) and self.fold.refolding

    def tells(self, record: Record) -> bool:
        """Whether what a record causes is told."""
        return not isinstance(self.fold, Refolding) or self.fold.tells(record.offset)

    def rewind(self) -> None:
        """Forget what was read but not folded: it will be read again."""
        self.merge.clear()
        self.paused.clear()
        self._read = dict(self.next_offsets)

    def add(self, topic: str, records: Sequence[Record], now_s: float) -> None:
        """Take what was read. No record comes twice: a repeat here would be a fault of our own."""
        next_offset = self._read[topic]
        for record in records:
            assert record.offset >= next_offset, f"{topic}[{self.partition}]: {record.offset} came again; {next_offset} is next"
            next_offset = record.offset + 1
        self._read[topic] = next_offset
        self.merge.add(topic, records, now_s)

    def folded(self, record: Record, now_s: float) -> None:
        """Note that `record` is in the fold now."""
        self.merge.advance(record)
        self.next_offsets[record.topic] = record.offset + 1
        self._last[record.topic] = record
        if self._say is not None:
            self._pulses[record.topic].move(now_s)
        self.changed = True

    def pulse(self, topic: str, read_to_end: bool, now_s: float) -> Iterable[Output | Effect]:
        """What the fold has to say of how far an input has come."""
        if self._say is None:
            return ()
        beat = self._pulses[topic].beat(read_to_end and not self.merge.buffered(topic), now_s)
        return () if beat is None else self._say(topic, beat)

    def capture(self) -> Saved:
        """The fold's whole state and where it stands: true only once all that it has caused is acknowledged."""
        self._tails.update({topic: tail_of(record) for topic, record in self._last.items()})
        self._last.clear()
        self.changed = False
        epoch = self.fold.epoch if isinstance(self.fold, Refolding) else 0
        id = SnapshotId(self._unit.name, self.partition, self._unit.generation, epoch, sum(self.next_offsets.values()))
        return Saved(id, self.fold.snapshot(), dict(self.next_offsets), dict(self._tails), dict(self.fold.counts))

    def positions(self) -> Mapping[TopicPartition, int]:
        """The next offset to fold of every input."""
        return {TopicPartition(topic, self.partition): offset for topic, offset in self.next_offsets.items()}


def _never(_: Record) -> bool:
    return False
