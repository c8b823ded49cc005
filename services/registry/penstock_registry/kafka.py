"""The registry's part of Kafka: makes topics, and sends the outbox to the compacted topic."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from aiokafka.errors import KafkaError

from penstock.fold.protocol import Output, Record
from penstock.fold.weather import Weather
from penstock.kafka.cluster import KafkaCluster
from penstock.kafka.log import read_log
from penstock.kafka.ports import TopicPartition
from penstock.kafka.topics import TopicSpec
from penstock_registry.outbox import Send

TOPICS_TIMEOUT_S = 30.0
SEND_TIMEOUT_S = 30.0


async def make_topics(cluster: KafkaCluster, topics: Sequence[TopicSpec]) -> None:
    """Make the topics that are not there. Raises: TopicError; Weather."""
    try:
        async with asyncio.timeout(TOPICS_TIMEOUT_S):
            await cluster.create(topics)
    except TimeoutError as error:
        raise Weather(f"the topics could not be made within {TOPICS_TIMEOUT_S:.0f} s") from error


async def is_empty(cluster: KafkaCluster, topic: str) -> bool:
    """Whether nothing was ever appended to partition 0. Raises: Weather."""
    return (await cluster.bounds(TopicPartition(topic, 0))).end == 0


async def everything(cluster: KafkaCluster, bootstrap: str, topic: str) -> list[Record]:
    """Every record that partition 0 still holds, oldest first. Raises: Weather."""
    bounds = await cluster.bounds(TopicPartition(topic, 0))
    try:
        return [record async for batch in read_log(bootstrap, topic, bounds.start, bounds.end) for record in batch]
    except (KafkaError, TimeoutError) as error:
        raise Weather(f"{topic} cannot be read: {type(error).__name__}: {error}") from error


@contextlib.asynccontextmanager
async def sender(cluster: KafkaCluster, topic: str) -> AsyncIterator[Send]:
    """Sends to partition 0 of a topic, in order; good for nothing after its first error (design, law III). Raises: Weather."""
    producer = await cluster.producer()

    async def send(messages: Sequence[tuple[bytes, bytes]]) -> None:
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await producer.send([Output(topic, 0, key, value) for key, value in messages])

    try:
        yield send
    finally:
        await producer.stop()
