"""What the runner needs of Kafka: small protocols with two implementations, aiokafka and the twin in memory."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from penstock.fold.protocol import Output, Record


class TopicPartition(NamedTuple):
    """One partition of one topic; equal to aiokafka's."""

    topic: str
    partition: int


class Bounds(NamedTuple):
    """The first offset that is still in the log, and the one the next record will get."""

    start: int
    end: int


Assigned = Callable[[frozenset[TopicPartition]], None]


class Consumer(Protocol):
    """A member of a consumer group. Raises `Weather` for all that Kafka can throw."""

    async def start(self, assigned: Assigned) -> None:
        """Join the group. `assigned` is called, from any task, with every new assignment, whose partitions are all paused."""

    async def stop(self) -> None: ...

    async def getmany(self, *, records_max: int, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Record]]: ...

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """The next record to read; nothing happens if the partition is no longer assigned (so for pause and resume)."""

    def pause(self, partition: TopicPartition) -> None: ...
    def resume(self, partition: TopicPartition) -> None: ...

    def position(self, partition: TopicPartition) -> int:
        """The offset that will be read next; -1 if the partition is not assigned."""

    def highwater(self, partition: TopicPartition) -> int | None:
        """The end of the log at the last fetch; None before the first."""

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Tell lag tools and auditors how far we have stored; no fold reads it back."""


class Producer(Protocol):
    """A producer that any exception makes useless."""

    async def send(self, outputs: Sequence[Output]) -> None:
        """Send one round: in order within a partition, one batch in flight per partition; returns when all is acknowledged.

        Raises: TooLarge before anything is sent; SendFailed when it is not known what stands in the log.
        """

    async def stop(self) -> None: ...


class Kafka(Protocol):
    """A cluster: what makes consumers and producers, and looks things up."""

    def consumer(self, *, group: str, instance: str, topics: Sequence[str]) -> Consumer: ...
    async def producer(self) -> Producer: ...

    async def partitions(self, topic: str) -> int:
        """How many partitions the topic has; 0 if there is no such topic."""

    async def ensure(self, topic: str, *, kind: str, partitions: int) -> int:
        """Make the topic unless it is there; the number of partitions it has."""

    async def bounds(self, partition: TopicPartition) -> Bounds: ...

    async def read(self, partition: TopicPartition, offset: int) -> Record | None:
        """The record at exactly this offset, or None if there is none (compacted, or a transaction's marker)."""
