"""The desk where dead letters are looked through on a running platform, sent again, and thrown away."""

import asyncio
from collections.abc import AsyncGenerator, Mapping as ReadOnly, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from penstock.crashpoint import CrashPoints
from penstock.deadletters.book import Book, Filter
from penstock.deadletters.letters import Letter, Note, read
from penstock.errors import PenstockError, UsageError
from penstock.fold.protocol import Output
from penstock.kafka.cluster import KafkaCluster
from penstock.kafka.log import read_log
from penstock.kafka.ports import Bounds, TopicPartition

FAMILY = "dlq."
EVENTS = "events."
ASK_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Desk:
    """Reads the dead-letter topics of one installation, by its Kafka and its topics' prefix."""

    bootstrap: str
    kafka: KafkaCluster
    prefix: str = ""
    crash_points: CrashPoints = field(default_factory=CrashPoints)

    async def topics(self, name: str | None = None) -> list[str]:
        """The dead-letter topics: all, or the one of a stream or a topic. Raises: PenstockError when there is none of this name."""
        start = self.prefix + FAMILY
        found = [topic for topic in await self.kafka.topics() if topic.startswith(start)]
        if name is None:
            return found
        plain = name.removeprefix(self.prefix).removeprefix(FAMILY)
        wanted = [topic for topic in (start + EVENTS + plain, start + plain) if topic in found]
        if not wanted:
            known = ", ".join(topic.removeprefix(start) for topic in found) or "there are none at all"
            raise PenstockError(f"nothing was ever refused on {name} ({known}). Try: penstock dlq ls")
        return wanted[:1]

    async def read(self, bounds: ReadOnly[TopicPartition, Bounds]) -> AsyncGenerator[Letter | Note]:
        """Every letter and note within these bounds, partition by partition."""
        for (topic, number), (start, end) in bounds.items():
            if start < end:
                async with aclosing(read_log(self.bootstrap, topic, start, end, number)) as batches:
                    async for records in batches:
                        for record in records:
                            if (entry := read(record)) is not None:
                                yield entry

    async def book(self, bounds: ReadOnly[TopicPartition, Bounds]) -> Book:
        """What is known of each record that was refused."""
        book = Book()
        async for entry in self.read(bounds):
            book.take(entry)
        return book

    async def letters(self, bounds: ReadOnly[TopicPartition, Bounds], chosen: Filter) -> AsyncGenerator[Letter]:
        """The letters that a filter takes."""
        async with aclosing(self.read(bounds)) as entries:
            async for entry in entries:
                if isinstance(entry, Letter) and chosen.takes(entry):
                    yield entry

    async def newest(self, bounds: ReadOnly[TopicPartition, Bounds], chosen: Filter) -> Letter:
        """The letter that was written last. Raises: PenstockError when there is none."""
        newest: Letter | None = None
        async for letter in self.letters(bounds, chosen):
            newest = letter if newest is None or letter.time_ms >= newest.time_ms else newest
        if newest is None:
            raise PenstockError("no dead letter is like that. Try: penstock dlq ls")
        return newest

    async def letter(self, topic: str, partition: int, offset: int) -> Letter:
        """The letter at a place. Raises: PenstockError when there is none."""
        bounds = await self.kafka.bounds_of(topic)
        at = TopicPartition(topic, partition)
        start, end = bounds.get(at, Bounds(0, 0))
        if start <= offset < end:
            async with aclosing(self.read({at: Bounds(offset, offset + 1)})) as entries:
                async for entry in entries:
                    if isinstance(entry, Letter):
                        return entry
        raise PenstockError(
            f"no letter stands at {partition}:{offset} of {topic}, which holds {start} … {end - 1} there. Try: penstock dlq ls"
        )

    async def send(self, letters: Sequence[Letter]) -> dict[TopicPartition, int]:
        """Send the records of letters again, and note it; the offset behind the last one, by partition.

        Each goes to the partition that it came from: the fold there knows which of them were taken before. If the process dies before the
        note, they are sent a second time, and count once. Raises: Weather.
        """
        outputs = [Output(letter.of.topic, letter.of.partition, letter.key, letter.value, letter.again()) for letter in letters]
        producer = await self.kafka.producer()
        try:
            offsets = await producer.append(outputs)
            self.crash_points.reach("replay.sent")
            await producer.append([self._note(partition, letters) for partition in sorted({_at(letter) for letter in letters})])
            self.crash_points.reach("replay.noted")
        finally:
            await producer.stop()
        ends: dict[TopicPartition, int] = {}
        for output, offset in zip(outputs, offsets, strict=True):
            partition = TopicPartition(output.topic, output.partition)
            ends[partition] = max(ends.get(partition, 0), offset + 1)
        return ends

    @staticmethod
    def _note(partition: TopicPartition, letters: Sequence[Letter]) -> Output:
        note = Note({str(letter.root): letter.attempt + 1 for letter in letters if _at(letter) == partition})
        return Output(*partition, None, note.value(), note.headers())

    async def judged(self, group: str, ends: ReadOnly[TopicPartition, int], timeout_s: float) -> bool:
        """Wait until the group of folds has passed these offsets, with all that it caused; whether it has in time."""
        try:
            async with asyncio.timeout(timeout_s):
                while await self._behind(group, ends):
                    await asyncio.sleep(ASK_EVERY_S)
        except TimeoutError:
            return False
        return True

    async def _behind(self, group: str, ends: ReadOnly[TopicPartition, int]) -> bool:
        committed = await self.kafka.committed(group)
        return any(committed.get(partition, 0) < end for partition, end in ends.items())

    async def purge(self, before: ReadOnly[TopicPartition, Bounds]) -> None:
        """Delete what stands within these bounds, for good; an empty note stays in each partition, to say that it does not begin here."""
        producer = await self.kafka.producer()
        try:
            await producer.append([Output(*partition, None, Note({}).value(), Note({}).headers()) for partition in before])
        finally:
            await producer.stop()
        for partition, (_, end) in before.items():
            await self.kafka.delete_before(partition, end)

    def stream_of(self, topic: str) -> str:
        """The stream whose letters stand on a topic. Raises: UsageError for letters that no producer has sent."""
        name = topic.removeprefix(self.prefix + FAMILY)
        if not name.startswith(EVENTS):
            raise UsageError(
                f"{name} is written by Penstock: its letters are evidence, and are neither sent again nor purged. Try: penstock verify"
            )
        return name.removeprefix(EVENTS)


def _at(letter: Letter) -> TopicPartition:
    return TopicPartition(letter.at.topic, letter.at.partition)
