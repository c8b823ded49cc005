"""Topics read from their beginnings to the ends that they had, and whether records have left them before their time."""

import contextlib
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import TypeVar

from aiokafka import AIOKafkaConsumer
from aiokafka.structs import TopicPartition as Key

from penstock.errors import PenstockError
from penstock.fold.protocol import Missing, Poison, Record
from penstock.fold.weather import Weather
from penstock.inspection.declared import Declared
from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.seen import Standing
from penstock.kafka.cluster import KafkaCluster
from penstock.kafka.consumer import READER, translated
from penstock.kafka.ports import Bounds, TopicPartition
from penstock.kafka.topics import FOR_EVER, RETENTION_MS
from penstock.records import Wire

SILENCE_MAX_POLLS = 30
POLL_MS = 1_000
BATCH_RECORDS_MAX = 5_000
FETCH_BYTES_MAX = 8 * 1024 * 1024  # one topic at a time is read to its end: larger fetches, fewer waits

BoundsOf = Mapping[TopicPartition, Bounds]
Result = TypeVar("Result")


async def with_its_schema(wire: Wire, see: Callable[[Record], Result], record: Record) -> Result:
    """What `see` makes of a record; a schema that it misses is fetched. Raises: PenstockError for one that the registry has lost."""
    try:
        return see(record)
    except Missing as missing:
        try:
            await wire.fetch(int(missing.reference))
        except Poison as poison:
            raise PenstockError(f"the schema registry has lost {missing}: {poison.reason}") from poison
        return see(record)


async def bounds_of(kafka: KafkaCluster, topics: Sequence[str]) -> dict[TopicPartition, Bounds]:
    """The bounds of every partition of topics that are given in the order of the flow.

    The last topic is asked first: then whatever caused a record that is to be read is read too.
    """
    found: dict[TopicPartition, Bounds] = {}
    for topic in reversed(topics):
        found |= await kafka.bounds_of(topic)
    return found


class TopicReader:
    """Reads topics without a group: nobody notices."""

    def __init__(self, consumer: AIOKafkaConsumer) -> None:
        self._consumer = consumer

    async def read(self, topic: str, bounds: BoundsOf) -> AsyncIterator[Sequence[Record]]:
        """Batches of a topic's records inside their bounds, each partition in log order. Raises: Weather."""
        ends = {Key(*each): bound.end for each, bound in bounds.items() if each.topic == topic and bound.start < bound.end}
        self._consumer.assign(list(ends))
        for partition in ends:
            self._consumer.seek(partition, bounds[TopicPartition(*partition)].start)
        silent = 0
        while ends:
            with translated(f"{topic} cannot be read"):
                batches = await self._consumer.getmany(*ends, timeout_ms=POLL_MS, max_records=BATCH_RECORDS_MAX)
                silent = 0 if batches else silent + 1
                if silent > SILENCE_MAX_POLLS:
                    raise Weather(f"nothing came of {topic} for {SILENCE_MAX_POLLS * POLL_MS / 1000:.0f} s. Try: penstock status")
                for partition, records in batches.items():
                    yield [record for record in records if record.offset < ends[partition]]
                for partition in [each for each in ends if await self._consumer.position(each) >= ends[each]]:
                    del ends[partition]
                    self._consumer.pause(partition)


@contextlib.asynccontextmanager
async def topic_reader(bootstrap: str) -> AsyncIterator[TopicReader]:
    """A reader of the cluster at `bootstrap`."""
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **{**READER, "max_partition_fetch_bytes": FETCH_BYTES_MAX})
    try:
        with translated("the topics cannot be read"):
            await consumer.start()
        yield TopicReader(consumer)
    finally:
        await consumer.stop()


def kept(bounds: BoundsOf, prefix: str, declared: Declared, standing: Standing, now_ms: int) -> Finding:
    """`acknowledged_is_kept`: no record has left its topic before its time.

    A log that does not begin at 0 is a break if it is kept for ever, or if the part that it belongs to is younger than what it keeps.
    """
    breaks = Breaks("acknowledged_is_kept")
    for (topic, partition), bound in sorted(bounds.items()):
        breaks.checked += bound.end
        family, _, name = topic.removeprefix(prefix).partition(".")
        owner = name.partition(".")[2] if family == "dlq" else name
        if (
            bound.start
            and not _may_have_aged(family, owner, declared, now_ms)
            and not _was_there_before(topic, partition, bound, owner, standing)
        ):
            days = RETENTION_MS[family] / 86_400_000
            promise = "for ever" if RETENTION_MS[family] == FOR_EVER else f"for {days:.0f} days"
            breaks.add(f"{topic}[{partition}] begins at offset {bound.start}: {bound.start:,} records are lost that are kept {promise}")
    return breaks.finding()


def _may_have_aged(family: str, owner: str, declared: Declared, now_ms: int) -> bool:
    retention_ms = RETENTION_MS[family]
    born_ms = min((at_ms for (_, name), at_ms in declared.applied_at_ms.items() if name == owner), default=0)
    return retention_ms != FOR_EVER and now_ms - born_ms >= retention_ms


def _was_there_before(topic: str, partition: int, bound: Bounds, owner: str, standing: Standing) -> bool:
    """Producers' topics may be older than their stream; ingestion then has folded no more than what is still there."""
    stood = standing.of(f"ingestion/{owner}").get(partition)
    if stood is None or topic not in stood.next_offsets or stood.counts is None:
        return False
    return sum(stood.counts.get(name, 0) for name in ("sent", "ticks", "commands")) <= stood.next_offsets[topic] - bound.start


def records_in(bounds: BoundsOf, topic: str) -> int:
    """How many records lie inside the bounds of a topic."""
    return sum(bound.end - bound.start for partition, bound in bounds.items() if partition.topic == topic)
