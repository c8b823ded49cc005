"""The twin of KafkaConsumer: a member of a group that can be thrown out, frozen, and handed records before it has restored."""

import asyncio
from collections.abc import Mapping, Sequence

from penstock.fold.protocol import Record
from penstock.fold.weather import Weather
from penstock.kafka.memory.broker import MemoryBroker
from penstock.kafka.memory.faults import SESSION_S, Faults
from penstock.kafka.ports import Assigned, TopicPartition

Batches = dict[TopicPartition, Sequence[Record]]


class MemoryConsumer:
    """The twin of KafkaConsumer."""

    def __init__(self, broker: MemoryBroker, faults: Faults, *, group: str, instance: str, topics: Sequence[str]) -> None:
        self.group, self.instance, self.topics = group, instance, tuple(topics)
        self._broker = broker
        self._faults = faults
        self._assigned: Assigned | None = None
        self._assignments = 0
        self._mine: frozenset[TopicPartition] = frozenset()
        self._positions: dict[TopicPartition, int] = {}
        self._highwaters: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._heard_s = 0.0
        self._watched = False
        self._is_stuck = False

    async def start(self, assigned: Assigned) -> None:
        """See ports.Consumer."""
        await self._faults.point("join")
        self._assigned = assigned
        self._hear()
        self._broker.join(self)
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """A static member does not say good-bye: it is missed after its session."""
        self._assigned = None

    def take_over(self, partitions: frozenset[TopicPartition]) -> None:
        """A new assignment; its member learns of it a moment later, from another task."""
        asyncio.get_running_loop().call_soon(self._hand_over, partitions)

    async def getmany(self, *, records_max: int, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        """See ports.Consumer. A member that was frozen for longer than its session has been thrown out, and joins again."""
        assignments = self._assignments
        await self._faults.point("fetch")
        self._hear()
        if not self._broker.is_member(self):
            self._broker.join(self)
        self._is_stuck = self._is_stuck or self._faults.stuck()
        if self._is_stuck:
            await asyncio.sleep(timeout_ms / 1000)
            return {}
        batches = self._drain(records_max)
        if not batches and timeout_ms:
            await self._broker.more(self._mine - self._paused, timeout_ms / 1000)
            batches = self._drain(records_max)
        if self._assignments != assignments and self._faults.hasty():
            batches |= self._unasked(records_max)
        return batches

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """See ports.Consumer."""
        if partition in self._mine:
            self._positions[partition] = offset

    def pause(self, partition: TopicPartition) -> None:
        """See ports.Consumer."""
        if partition in self._mine:
            self._paused.add(partition)

    def resume(self, partition: TopicPartition) -> None:
        """See ports.Consumer."""
        self._paused.discard(partition)

    def position(self, partition: TopicPartition) -> int:
        """See ports.Consumer."""
        return self._positions.get(partition, -1)

    def highwater(self, partition: TopicPartition) -> int | None:
        """See ports.Consumer."""
        return self._highwaters.get(partition)

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """See ports.Consumer."""
        await self._faults.point("commit")

    def _hand_over(self, partitions: frozenset[TopicPartition]) -> None:
        if self._assigned is not None:
            self._assignments += 1
            self._mine = partitions
            self._positions.clear()
            self._highwaters.clear()
            self._paused = set(partitions)
            self._assigned(partitions)

    def _drain(self, records_max: int) -> Batches:
        batches: Batches = {}
        for partition in sorted(self._mine - self._paused):
            position = self._positions.get(partition)
            if position is None:
                continue
            start, end = self._broker.bounds(partition)
            if not start <= position <= end:
                raise Weather(f"offset {position} of {partition} is out of range [{start}, {end}]")
            self._highwaters[partition] = end
            records = self._broker.read(partition, position, records_max)
            records_max -= len(records)
            if records:
                batches[partition] = records
                self._positions[partition] = records[-1].offset + 1
        return batches

    def _unasked(self, records_max: int) -> Batches:
        """aiokafka makes an assignment live before its callback returns: a fetch that is under way may bring records of it."""
        found = {partition: self._broker.read(partition, self._broker.bounds(partition).start, records_max) for partition in self._mine}
        return {partition: found[partition] for partition in sorted(found) if found[partition]}

    def _hear(self) -> None:
        """A heartbeat: the member that is silent for a session from now on is thrown out."""
        self._heard_s = asyncio.get_running_loop().time()
        if not self._watched:
            self._watched = True
            self._watch()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() >= self._heard_s + SESSION_S:
            self._watched = False
            self._broker.expire(self)
        else:
            loop.call_at(self._heard_s + SESSION_S, self._watch)
