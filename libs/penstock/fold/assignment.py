"""Law IV, assignments: the rebalance callback only notes; folds are restored and positions sought in the runner's own task."""

from collections.abc import Callable

from penstock.errors import PenstockError
from penstock.fold.lane import Lane
from penstock.fold.protocol import Refold, Unfit
from penstock.fold.restore import Restorer
from penstock.fold.setup import Setup
from penstock.kafka.ports import Consumer, TopicPartition


class Handover:
    """The newest assignment, put here by the consumer from any task."""

    def __init__(self) -> None:
        self.partitions: frozenset[TopicPartition] = frozenset()
        self.version = 0

    def assigned(self, partitions: frozenset[TopicPartition]) -> None:
        """The callback; the consumer has paused them all."""
        self.partitions = partitions
        self.version += 1


class NotCoPartitioned(PenstockError):
    """The inputs of one fold have different numbers of partitions."""

    def __init__(self, unit: str, counts: dict[str, int]) -> None:
        listed = ", ".join(f"{topic}: {count}" for topic, count in counts.items())
        super().__init__(
            f"{unit} reads topics that differ in their number of partitions ({listed}). Give their streams the same `partitions:`"
        )


class Assignment:
    """The lanes that are live here."""

    def __init__(self, setup: Setup, consumer: Consumer, handover: Handover) -> None:
        self.lanes: dict[int, Lane] = {}
        self._setup = setup
        self._consumer = consumer
        self._handover = handover
        self._followed = -1
        self._restorer = _restorer(setup)

    @property
    def stale(self) -> bool:
        """Whether there is an assignment that has not been followed yet."""
        return self._followed != self._handover.version

    async def follow(self) -> None:
        """Drop the lanes that are gone, restore the new ones, and seek all of them anew: an assignment forgets positions.

        A lane that stays is a true statement about a prefix, as a snapshot is, so it is kept as it stands.
        """
        version = self._handover.version
        wanted = {partition for topic, partition in self._handover.partitions}
        self.lanes = {partition: lane for partition, lane in self.lanes.items() if partition in wanted}
        for partition in sorted(wanted - self.lanes.keys()):
            self.lanes[partition] = await self._restored(partition)
            if self._handover.version != version:
                return  # a newer one has come: start over, nothing is read yet
        for lane in self.lanes.values():
            self._read_from_here(lane)
        self._followed = version

    async def refold(self, partition: int, refold: Refold) -> Lane:
        """Put a fold in the place of one that has asked for it, and read on from where that one stands."""
        self._setup.metrics.count("refolds", fold=self._setup.unit.name)
        lane = self.lanes[partition] = await self._restored(partition, refold)
        if not self.stale:
            self._read_from_here(lane)
        return lane

    async def rebuild(self, partition: int, position: int, unfit: Unfit) -> Lane:
        """Put a fold in the place of one that is unfit at this position, if the log demands one. Raises: `unfit` if not."""
        return await self.refold(partition, await self._restorer.demanded(position, unfit))

    async def _restored(self, partition: int, refold: Refold | None = None) -> Lane:
        setup = self._setup
        restored = await self._restorer.restore(partition, refold)
        setup.metrics.count("restored", fold=setup.unit.name)
        setup.log.info("restored", fold=setup.unit.name, partition=partition, next_offsets=dict(restored.next_offsets))
        return Lane(setup.unit, partition, restored, setup.limits, setup.clock())

    def _read_from_here(self, lane: Lane) -> None:
        lane.rewind()
        for input in lane.inputs():
            self._consumer.seek(input, lane.next_offsets[input.topic])
            self._consumer.resume(input)


def _restorer(setup: Setup) -> Restorer:
    count_bad: Callable[[], None] = lambda: setup.metrics.count("bad_snapshots", fold=setup.unit.name)  # noqa: E731
    unit = setup.unit
    return Restorer(unit.name, unit.generation, unit.topics, unit.make_fold, setup.kafka, setup.snapshots, setup.log, count_bad, unit.again)
