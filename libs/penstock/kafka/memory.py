"""The twin of Kafka in memory, with every fault we know of, drawn from one seed: for tests and the deterministic simulation."""

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from random import Random
from typing import Protocol

from penstock.fold.poison import LETTER_BYTES_MAX, check_sizes
from penstock.fold.protocol import Header, LogRecord, Output, Record
from penstock.fold.weather import SendFailed, Weather
from penstock.kafka.ports import Assigned, Bounds, Consumer, Producer, TopicPartition

SESSION_S = 6.0


class Crash(BaseException):
    """The process is dead: nothing that it still tries has an effect."""


class Fate(Enum):
    """What becomes of one batch."""

    FINE = auto()
    DELAYED = auto()
    DUPLICATED = auto()
    UNACKNOWLEDGED = auto()  # it stands in the log, but its sender does not learn so
    LATE = auto()  # its sender gives up, and then it is appended after all
    FAILED = auto()


class Faults(Protocol):
    """The hooks of one process."""

    async def point(self, where: str) -> None:
        """Called before every operation: may wait, or raise Weather or Crash."""

    def fate(self) -> Fate:
        """Called for every batch."""


class NoFaults:
    """A world in which nothing goes wrong."""

    async def point(self, where: str) -> None:
        """Let other tasks run, as real input and output does."""
        await asyncio.sleep(0)

    def fate(self) -> Fate:
        """Always fine."""
        return Fate.FINE


class SeededFaults:
    """Faults drawn from a seed: the same seed gives the same faults at the same places.

    `crash`, `weather` and `freeze` are the chances at every point, `batch` that of any bad fate. After a crash every operation of the
    process raises, so that its tasks end without a trace.
    """

    def __init__(self, random: Random, *, crash: float = 0.0, weather: float = 0.0, freeze: float = 0.0, batch: float = 0.0) -> None:
        self.alive = True
        self._random = random
        self._crash, self._weather, self._freeze, self._batch = crash, weather, freeze, batch

    def calm(self) -> None:
        """No more faults from now on."""
        self._crash = self._weather = self._freeze = self._batch = 0.0

    async def point(self, where: str) -> None:
        """See Faults."""
        self._breathe()
        drawn = self._random.random()
        if drawn < self._crash:
            self.alive = False
        elif drawn < self._crash + self._weather:
            raise Weather(f"{where}: a connection was lost")
        frozen = drawn > 1 - self._freeze
        await asyncio.sleep(self._random.uniform(SESSION_S, 2 * SESSION_S) if frozen else self._random.choice([0, 0.001, 0.01]))
        self._breathe()

    def fate(self) -> Fate:
        """See Faults."""
        self._breathe()
        return self._random.choice(list(Fate)) if self._random.random() < self._batch else Fate.FINE

    def _breathe(self) -> None:
        if not self.alive:
            raise Crash


class MemoryBroker:
    """Topics, partitions and groups. Its processes reach it through MemoryKafka, each with faults of its own."""

    def __init__(self) -> None:
        self._logs: dict[TopicPartition, list[LogRecord]] = {}
        self._starts: dict[TopicPartition, int] = {}
        self._groups: dict[str, dict[str, MemoryConsumer]] = {}
        self._appended = asyncio.Event()
        self._now_ms = 0

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic."""
        for number in range(partitions):
            self._logs[TopicPartition(topic, number)] = []

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has; 0 if there is none."""
        return sum(name == topic for name, _ in self._logs)

    def append(self, partition: TopicPartition, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> LogRecord:
        """Append one record, as any producer would."""
        log = self._logs[partition]
        self._now_ms += 1
        offset = log[-1].offset + 1 if log else self._starts.get(partition, 0)
        log.append(LogRecord(*partition, offset, self._now_ms, key, value, tuple(headers)))
        self._appended.set()
        self._appended = asyncio.Event()
        return log[-1]

    def records(self, partition: TopicPartition) -> Sequence[LogRecord]:
        """What stands in the log."""
        return list(self._logs[partition])

    def bounds(self, partition: TopicPartition) -> Bounds:
        """Where the log starts and ends."""
        log, start = self._logs[partition], self._starts.get(partition, 0)
        return Bounds(start, log[-1].offset + 1 if log else start)

    def cut(self, partition: TopicPartition, end: int) -> None:
        """Lose every record from `end` on, as a broker does that was restored from an old disk."""
        self._logs[partition] = [record for record in self._logs[partition] if record.offset < end]

    def delete_before(self, partition: TopicPartition, start: int) -> None:
        """Let everything below `start` age out."""
        end = self.bounds(partition).end
        self._logs[partition] = [record for record in self._logs[partition] if record.offset >= start]
        self._starts[partition] = min(start, end)

    async def more(self, timeout_s: float) -> None:
        """Wait until something is appended, but no longer."""
        appended = self._appended
        try:
            async with asyncio.timeout(timeout_s):
                await appended.wait()
        except TimeoutError:
            return

    def join(self, consumer: "MemoryConsumer") -> None:
        """Take in a member. One that comes back under its own name gets its partitions, and nobody else notices (static membership)."""
        members = self._groups.setdefault(consumer.group, {})
        known = consumer.instance in members
        members[consumer.instance] = consumer
        if known:
            consumer.take_over(self._share(consumer))
        else:
            self._rebalance(consumer.group)

    def expire(self, consumer: "MemoryConsumer") -> None:
        """Throw out a member that has not been heard of, unless it has come back."""
        members = self._groups.get(consumer.group, {})
        if members.get(consumer.instance) is consumer:
            del members[consumer.instance]
            self._rebalance(consumer.group)

    def is_member(self, consumer: "MemoryConsumer") -> bool:
        """Whether the group still counts on this member."""
        return self._groups.get(consumer.group, {}).get(consumer.instance) is consumer

    def _rebalance(self, group: str) -> None:
        for member in self._groups[group].values():
            member.take_over(self._share(member))

    def _share(self, consumer: "MemoryConsumer") -> frozenset[TopicPartition]:
        """The range assignor: neighbouring partitions of every topic, the first members one more."""
        names = sorted(self._groups[consumer.group])
        index = names.index(consumer.instance)
        mine: set[TopicPartition] = set()
        for topic in consumer.topics:
            each, extra = divmod(self.partitions(topic), len(names))
            first = index * each + min(index, extra)
            mine.update(TopicPartition(topic, number) for number in range(first, first + each + (index < extra)))
        return frozenset(mine)


class MemoryConsumer:
    """The twin of KafkaConsumer."""

    def __init__(self, broker: MemoryBroker, faults: Faults, *, group: str, instance: str, topics: Sequence[str]) -> None:
        self.group, self.instance, self.topics = group, instance, tuple(topics)
        self._broker = broker
        self._faults = faults
        self._assigned: Assigned | None = None
        self._mine: frozenset[TopicPartition] = frozenset()
        self._positions: dict[TopicPartition, int] = {}
        self._highwaters: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()
        self._heard_s = 0.0

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
        asyncio.get_running_loop().call_later(SESSION_S, self._broker.expire, self)

    def take_over(self, partitions: frozenset[TopicPartition]) -> None:
        """A new assignment; its member learns of it a moment later, from another task."""
        asyncio.get_running_loop().call_soon(self._hand_over, partitions)

    async def getmany(self, *, records_max: int, timeout_ms: int) -> Mapping[TopicPartition, Sequence[Record]]:
        """See ports.Consumer. A member that was frozen for longer than its session has been thrown out, and joins again."""
        await self._faults.point("fetch")
        self._hear()
        if not self._broker.is_member(self):
            self._broker.join(self)
        batches = self._drain(records_max)
        if not batches and timeout_ms:
            await self._broker.more(timeout_ms / 1000)
            batches = self._drain(records_max)
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
            self._mine = partitions
            self._positions.clear()
            self._highwaters.clear()
            self._paused = set(partitions)
            self._assigned(partitions)

    def _drain(self, records_max: int) -> dict[TopicPartition, Sequence[Record]]:
        batches: dict[TopicPartition, Sequence[Record]] = {}
        for partition in sorted(self._mine - self._paused):
            position = self._positions.get(partition)
            if position is None:
                continue
            start, end = self._broker.bounds(partition)
            if not start <= position <= end:
                raise Weather(f"offset {position} of {partition} is out of range [{start}, {end}]")
            self._highwaters[partition] = end
            log = self._broker.records(partition)
            first = next((index for index, record in enumerate(log) if record.offset >= position), len(log)) if position < end else len(log)
            records = log[first : first + records_max]
            records_max -= len(records)
            if records:
                batches[partition] = records
                self._positions[partition] = records[-1].offset + 1
        return batches

    def _hear(self) -> None:
        """A heartbeat: the member that is silent for a session from now on is thrown out."""
        loop = asyncio.get_running_loop()
        self._heard_s = heard_s = loop.time()
        loop.call_later(SESSION_S, lambda: self._broker.expire(self) if self._heard_s == heard_s else None)


class MemoryProducer:
    """The twin of KafkaProducer: useless after the first error."""

    def __init__(self, broker: MemoryBroker, faults: Faults) -> None:
        self._broker = broker
        self._faults = faults
        self._broken = False

    async def stop(self) -> None:
        """Nothing is open."""

    async def send(self, outputs: Sequence[Output]) -> None:
        """See ports.Producer."""
        check_sizes(outputs, LETTER_BYTES_MAX)
        if self._broken:
            raise SendFailed("this producer has failed before")
        batches: dict[TopicPartition, list[Output]] = {}
        for output in outputs:
            batches.setdefault(TopicPartition(output.topic, output.partition), []).append(output)
        try:
            for partition, batch in batches.items():
                await self._send_to(partition, batch)
        except Weather as error:
            self._broken = True
            raise SendFailed(str(error)) from error

    async def _send_to(self, partition: TopicPartition, batch: Sequence[Output]) -> None:
        await self._faults.point("send")
        fate = self._faults.fate()
        if fate is Fate.DELAYED:
            await asyncio.sleep(1.0)
        if fate is Fate.LATE:
            asyncio.get_running_loop().call_later(3.0, self._append, partition, batch)
        if fate in {Fate.LATE, Fate.FAILED}:
            raise SendFailed(f"a batch for {partition} was given up")
        if partition.partition >= self._broker.partitions(partition.topic):
            raise SendFailed(f"{partition} does not exist")
        self._append(partition, batch)
        if fate is Fate.DUPLICATED:
            self._append(partition, batch)
        await self._faults.point("acknowledge")
        if fate is Fate.UNACKNOWLEDGED:
            raise SendFailed(f"the acknowledgement of a batch for {partition} was lost")

    def _append(self, partition: TopicPartition, batch: Sequence[Output]) -> None:
        for output in batch:
            self._broker.append(partition, output.key, output.value, output.headers)


class MemoryKafka:
    """What one process sees of the broker; the twin of KafkaCluster."""

    def __init__(self, broker: MemoryBroker, faults: Faults | None = None) -> None:
        self._broker = broker
        self._faults: Faults = faults or NoFaults()

    def consumer(self, *, group: str, instance: str, topics: Sequence[str]) -> Consumer:
        """See ports.Kafka."""
        return MemoryConsumer(self._broker, self._faults, group=group, instance=instance, topics=topics)

    async def producer(self) -> Producer:
        """See ports.Kafka."""
        await self._faults.point("connect")
        return MemoryProducer(self._broker, self._faults)

    async def partitions(self, topic: str) -> int:
        """See ports.Kafka."""
        return self._broker.partitions(topic)

    async def ensure(self, topic: str, *, kind: str, partitions: int) -> int:
        """See ports.Kafka; topics here have no settings."""
        if not self._broker.partitions(topic):
            self._broker.create(topic, partitions)
        return self._broker.partitions(topic)

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """See ports.Kafka."""
        await self._faults.point("bounds")
        return self._broker.bounds(partition)

    async def read(self, partition: TopicPartition, offset: int) -> Record | None:
        """See ports.Kafka."""
        await self._faults.point("read")
        return next((record for record in self._broker.records(partition) if record.offset == offset), None)
