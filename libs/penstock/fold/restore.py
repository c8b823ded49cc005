"""Law IV, restore proves itself: a fold goes on from a snapshot only if the log still holds what the snapshot has folded."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from structlog.typing import FilteringBoundLogger

from penstock.errors import PenstockError
from penstock.fold.protocol import Fold, Refold, Refolding, Unfit
from penstock.fold.setup import Again
from penstock.fold.snapshots import BadSnapshot, Saved, SnapshotId, SnapshotStore, Tail, tail_of
from penstock.kafka.ports import Kafka, TopicPartition

WAY_OUT = (
    "Bring the log back, or, if it was made anew on purpose, raise its generation in the spec and run `penstock apply`: "
    "then the fold starts from the beginning of the new log"
)


class LogReplaced(PenstockError):
    """An input no longer holds what was folded of it: it was cut, replaced, or aged out before it was read."""

    def __init__(self, fold: str, partition: TopicPartition, why: str) -> None:
        super().__init__(f"{fold}: {partition.topic}[{partition.partition}] {why}. {WAY_OUT}")


@dataclass(frozen=True, slots=True)
class Restored:
    """A fold and where it stands in its inputs."""

    fold: Fold
    next_offsets: Mapping[str, int]
    tails: Mapping[str, Tail]


@dataclass(frozen=True, slots=True)
class Restorer:
    """Brings the fold of a partition back; `bad` is told of every snapshot whose digest does not hold."""

    name: str
    generation: int
    topics: Sequence[str]
    make_fold: Callable[[int], Fold]
    kafka: Kafka
    snapshots: SnapshotStore
    log: FilteringBoundLogger
    bad: Callable[[], None]
    again: Again | None = None

    async def restore(self, partition: int, refold: Refold | None = None) -> Restored:
        """The fold as of the newest good snapshot, or a new one at the start of its inputs; for a refold of one from which it can start.

        Raises: LogReplaced; Unfit; Weather.
        """
        saved, lost = await self._newest_good(partition, refold)
        try:
            return await self._restored(partition, saved, lost, refold)
        except Unfit as unfit:
            demanded = await self.demanded(saved.id.sequence if saved else 0, unfit)
            self.log.info("refold_demanded", fold=self.name, until=demanded.until, reason=str(unfit))
            return await self._restored(partition, None, True, demanded)

    async def demanded(self, position: int, unfit: Unfit) -> Refold:
        """The refold that the log demands of a fold that is unfit at this position. Raises: `unfit` if there is none; Weather."""
        refold = await self.again(position) if self.again else None
        if refold is None:
            raise unfit
        return refold

    async def _restored(self, partition: int, saved: Saved | None, lost: bool, refold: Refold | None) -> Restored:
        fold = self.make_fold(partition)
        next_offsets: dict[str, int] = {}
        for topic in self.topics:
            input = TopicPartition(topic, partition)
            if saved is not None and topic in saved.next_offsets:
                next_offsets[topic] = saved.next_offsets[topic]
                await self._check_log(input, next_offsets[topic], saved.tails.get(topic))
            else:
                next_offsets[topic] = await self._start(input, lost)
        if saved is not None:
            fold.restore(saved.snapshot)
        if refold is not None:
            assert isinstance(fold, Refolding), "only such a fold asks for it"
            fold.begin(refold)
        return Restored(fold, next_offsets, saved.tails if saved else {})

    async def _newest_good(self, partition: int, refold: Refold | None) -> tuple[Saved | None, bool]:
        """The newest good snapshot, for a refold the one that has folded most; and, if there is none, whether there were others."""
        found = await self.snapshots.newest(self.name, partition, self.generation)
        for id in found if refold is None else starts(refold, found):
            try:
                return await self.snapshots.load(id), False
            except BadSnapshot as error:
                self.log.error("bad_snapshot", error=str(error))
                self.bad()
        return None, bool(found)

    async def _start(self, input: TopicPartition, lost: bool) -> int:
        start = (await self.kafka.bounds(input)).start
        if lost and start > 0:
            raise LogReplaced(self.name, input, f"starts at offset {start} and no snapshot of what came before is good")
        return start

    async def _check_log(self, input: TopicPartition, next_offset: int, tail: Tail | None) -> None:
        """The tail check: the last record that was folded still stands where it stood.

        Skipped when that record has aged out and nothing newer is lost, that is, when the log starts exactly behind it.
        """
        start, end = await self.kafka.bounds(input)
        if end < next_offset:
            raise LogReplaced(
                self.name, input, f"ends at offset {end}, but everything below {next_offset} was folded: it was cut or replaced"
            )
        if start > next_offset:
            raise LogReplaced(
                self.name, input, f"starts at offset {start}, but {next_offset} is the next to fold: records between are lost"
            )
        if tail is None or tail.offset < start:
            return
        record = await self.kafka.read(input, tail.offset)
        if record is None or tail_of(record).digest != tail.digest:
            raise LogReplaced(
                self.name, input, f"holds another record at offset {tail.offset} than the one that was folded: it was replaced"
            )


def starts(refold: Refold, found: Sequence[SnapshotId]) -> list[SnapshotId]:
    """The snapshots from which a refold can start, the one that has folded most first; of a fold of one input, whose offset it names."""
    return sorted(
        (id for id in found if refold.can_start(id.epoch, id.sequence)), key=lambda each: (each.sequence, each.epoch), reverse=True
    )
