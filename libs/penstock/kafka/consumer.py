"""The consumer of folds: a static member of a group that never commits to read, never resets and hands partitions over paused."""

import asyncio
import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError, NoOffsetForPartitionError
from aiokafka.structs import TopicPartition as Key

from penstock.fold.protocol import Record
from penstock.fold.weather import Weather
from penstock.kafka.ports import Assigned, TopicPartition

STOP_S = 5.0

READER = {
    "enable_auto_commit": False,
    "auto_offset_reset": "none",
    "isolation_level": "read_committed",
    "request_timeout_ms": 40_000,
    "fetch_max_wait_ms": 20,  # what is asked for next waits for the fetch that is on its way, if only to learn that there is no more
    "max_partition_fetch_bytes": 1024 * 1024,
    "fetch_max_bytes": 16 * 1024 * 1024,
    "metadata_max_age_ms": 30_000,
}
"""Options of everything that reads, and of what reads up to an end."""

FOLLOWER = READER | {"fetch_max_wait_ms": 500}
"""Options of what stays: a topic that is silent is asked twice a second."""

MEMBER = FOLLOWER | {
    "partition_assignment_strategy": (RangePartitionAssignor,),
    "session_timeout_ms": 6_000,
    "heartbeat_interval_ms": 1_000,
    "max_poll_interval_ms": 300_000,
}
"""Options of a member of a group."""


class KafkaConsumer:
    """A member of a consumer group, through aiokafka. See ports.Consumer."""

    def __init__(self, bootstrap: str, *, group: str, instance: str, topics: Sequence[str]) -> None:
        self._topics = list(topics)
        self._consumer: Any = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=group, group_instance_id=instance, **MEMBER)
        self._positions: dict[TopicPartition, int] = {}

    async def start(self, assigned: Assigned) -> None:
        """Join the group; returns with the first assignment."""
        self._consumer.subscribe(self._topics, listener=_Listener(self, assigned))
        with translated("the consumer cannot start"):
            await self._consumer.start()

    async def stop(self) -> None:
        """Leave without a word to the group: a static member comes back."""
        with contextlib.suppress(KafkaError, OSError, TimeoutError):
            async with asyncio.timeout(STOP_S):
                await self._consumer.stop()

    async def getmany(self, *, records_max: int, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        """See ports.Consumer; a position that nobody has set yet is not an error: its partition is about to be restored."""
        with translated("nothing can be fetched"):
            try:
                batches = await self._consumer.getmany(timeout_ms=timeout_ms, max_records=records_max)
            except NoOffsetForPartitionError:
                return {}
            for partition in self._consumer.assignment():
                if partition in self._positions:
                    self._positions[partition] = await self._consumer.position(partition)
        return {TopicPartition(*partition): records for partition, records in batches.items()}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See ports.Consumer."""
        if self._is_mine(partition):
            self._consumer.seek(Key(*partition), offset)
            self._positions[partition] = offset

    def pause(self, partition: TopicPartition) -> None:
        """See ports.Consumer."""
        if self._is_mine(partition):
            self._consumer.pause(Key(*partition))

    def resume(self, partition: TopicPartition) -> None:
        """See ports.Consumer."""
        if self._is_mine(partition):
            self._consumer.resume(Key(*partition))

    def position(self, partition: TopicPartition) -> int:
        """See ports.Consumer."""
        return self._positions.get(partition, -1)

    def highwater(self, partition: TopicPartition) -> int | None:
        """The end of what is committed, as of the last fetch."""
        if not self._is_mine(partition):
            return None
        end: int | None = self._consumer.last_stable_offset(Key(*partition))
        return end

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See ports.Consumer."""
        mine = {Key(*partition): offset for partition, offset in offsets.items() if self._is_mine(partition)}
        if mine:
            with translated("offsets cannot be committed"):
                await self._consumer.commit(mine)

    def hand_over(self, partitions: Iterable[Key], assigned: Assigned) -> None:
        """A new assignment: nothing of it is read before somebody seeks, so it is paused at once.

        aiokafka fetches nothing from a broker while one partition there has no position, not even for the others: so each gets one.
        """
        self._positions.clear()
        for partition in partitions:
            self._consumer.pause(partition)
            self._consumer.seek(partition, 0)
        assigned(frozenset(TopicPartition(*partition) for partition in partitions))

    def _is_mine(self, partition: TopicPartition) -> bool:
        return partition in self._consumer.assignment()


class _Listener(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka has no types
    def __init__(self, consumer: KafkaConsumer, assigned: Assigned) -> None:
        self._consumer = consumer
        self._assigned = assigned

    def on_partitions_revoked(self, revoked: Iterable[Key]) -> None:
        """Nothing: what is folded until the next assignment is harmless (law II), and law IV forbids more than to pause."""

    def on_partitions_assigned(self, assigned: Iterable[Key]) -> None:
        self._consumer.hand_over(list(assigned), self._assigned)


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turns what aiokafka raises into weather."""
    try:
        yield
    except (KafkaError, OSError) as error:
        raise Weather(f"{what}: {type(error).__name__}: {error}") from error
