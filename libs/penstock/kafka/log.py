"""Reading a partition, such as a learning log, beside those who follow it: no group, nothing is committed."""

import asyncio
from collections.abc import AsyncGenerator

from aiokafka import AIOKafkaConsumer, TopicPartition

from penstock.errors import PenstockError
from penstock.fold.protocol import Record
from penstock.kafka.consumer import READER

POLL_MS = 500
SILENCE_MAX_S = 30.0


async def read_log(bootstrap: str, topic: str, start: int, end: int, number: int = 0) -> AsyncGenerator[list[Record]]:
    """The records at the offsets from `start` up to `end`, in batches. Raises: PenstockError when the log does not hold all of them."""
    partition = TopicPartition(topic, number)
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None, **READER)
    await consumer.start()
    try:
        consumer.assign([partition])
        first, last = (await consumer.beginning_offsets([partition]))[partition], (await consumer.end_offsets([partition]))[partition]
        if first > start or last < end:
            raise PenstockError(f"{topic} holds the offsets {first} … {last - 1}; {start} … {end - 1} are needed. Try: restore the topic")
        consumer.seek(partition, start)
        while (at := await consumer.position(partition)) < end:
            async with asyncio.timeout(SILENCE_MAX_S):
                batches = await consumer.getmany(partition, timeout_ms=POLL_MS)
            yield [record for record in batches.get(partition, []) if at <= record.offset < end]
    finally:
        await consumer.stop()
