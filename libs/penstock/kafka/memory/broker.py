"""The broker's twin: topics, partitions and groups."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from penstock.fold.protocol import Header, LogRecord
from penstock.kafka.ports import Bounds, TopicPartition


class Member(Protocol):
    """A member of a group, as the broker knows it."""

    group: str
    instance: str
    topics: tuple[str, ...]

    def take_over(self, partitions: frozenset[TopicPartition]) -> None: ...


class MemoryBroker:
    """Topics, partitions and groups. Its processes reach it through MemoryKafka, each with faults of its own.

    `now_ms` gives the append time; without it, every record comes 1 ms after the one before. `appended` counts the records of all time.
    """

    def __init__(self, now_ms: Callable[[], int] | None = None) -> None:
        self._logs: dict[TopicPartition, list[LogRecord]] = {}
        self._starts: dict[TopicPartition, int] = {}
        self._groups: dict[str, dict[str, Member]] = {}
        self._waiting: dict[TopicPartition, list[asyncio.Event]] = {}
        self.appended = 0
        self._now_ms = now_ms or (lambda: self.appended)

    def copy(self) -> "MemoryBroker":
        """The logs as they stand now, without members."""
        still = MemoryBroker()
        still._logs = {partition: list(records) for partition, records in self._logs.items()}
        still._starts, still.appended = dict(self._starts), self.appended
        return still

    def create(self, topic: str, partitions: int = 1) -> None:
        """Make a topic."""
        for number in range(partitions):
            self._logs[TopicPartition(topic, number)] = []

    def partitions(self, topic: str) -> int:
        """How many partitions the topic has; 0 if there is none."""
        return sum(name == topic for name, _ in self._logs)

    def append(self, partition: TopicPartition, key: bytes | None, value: bytes | None, headers: Sequence[Header] = ()) -> LogRecord:
        """Append one record, as any producer would."""
        self.appended += 1
        record = LogRecord(*partition, self.bounds(partition).end, self._now_ms(), key, value, tuple(headers))
        self._logs[partition].append(record)
        for waiting in self._waiting.get(partition, ()):
            waiting.set()
        return record

    def records(self, partition: TopicPartition) -> Sequence[LogRecord]:
        """What stands in the log."""
        return list(self._logs[partition])

    def read(self, partition: TopicPartition, offset: int, records_max: int) -> Sequence[LogRecord]:
        """The records from `offset` on, which lies in the log."""
        index = offset - self._starts.get(partition, 0)
        return self._logs[partition][index : index + records_max]

    def logs(self) -> Iterable[TopicPartition]:
        """Every partition that there is."""
        return sorted(self._logs)

    def bounds(self, partition: TopicPartition) -> Bounds:
        """Where the log starts and ends."""
        start = self._starts.get(partition, 0)
        return Bounds(start, start + len(self._logs[partition]))

    def cut(self, partition: TopicPartition, end: int) -> None:
        """Lose every record from `end` on, as a broker does that was restored from an old disk."""
        self._logs[partition] = [record for record in self._logs[partition] if record.offset < end]

    def delete_before(self, partition: TopicPartition, start: int) -> None:
        """Let everything below `start` age out."""
        start = min(start, self.bounds(partition).end)
        self._logs[partition] = [record for record in self._logs[partition] if record.offset >= start]
        self._starts[partition] = max(start, self._starts.get(partition, 0))

    async def more(self, partitions: Iterable[TopicPartition], timeout_s: float) -> None:
        """Wait until something is appended to one of these, but no longer."""
        appended, wanted = asyncio.Event(), list(partitions)
        for partition in wanted:
            self._waiting.setdefault(partition, []).append(appended)
        try:
            async with asyncio.timeout(timeout_s):
                await appended.wait()
        except TimeoutError:
            return
        finally:
            for partition in wanted:
                self._waiting[partition].remove(appended)

    def join(self, member: Member) -> None:
        """Take in a member. One that comes back under its own name gets its partitions, and nobody else notices (static membership)."""
        members = self._groups.setdefault(member.group, {})
        known = member.instance in members
        members[member.instance] = member
        if known:
            member.take_over(self._share(member))
        else:
            self._rebalance(member.group)

    def expire(self, member: Member) -> None:
        """Throw out a member that has not been heard of, unless it has come back."""
        if self.is_member(member):
            del self._groups[member.group][member.instance]
            self._rebalance(member.group)

    def is_member(self, member: Member) -> bool:
        """Whether the group still counts on this member."""
        return self._groups.get(member.group, {}).get(member.instance) is member

    def _rebalance(self, group: str) -> None:
        for member in self._groups[group].values():
            member.take_over(self._share(member))

    def _share(self, member: Member) -> frozenset[TopicPartition]:
        """The range assignor: neighbouring partitions of every topic, the first members one more."""
        names = sorted(self._groups[member.group])
        index = names.index(member.instance)
        mine: set[TopicPartition] = set()
        for topic in member.topics:
            each, extra = divmod(self.partitions(topic), len(names))
            first = index * each + min(index, extra)
            mine.update(TopicPartition(topic, number) for number in range(first, first + each + (index < extra)))
        return frozenset(mine)
