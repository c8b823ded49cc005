"""The gateway's producer: appends messages to Kafka and says at which offsets they stand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence

from penstock.fold.protocol import Output
from penstock.fold.weather import Weather
from penstock.kafka.producer import KafkaProducer
from penstock_ingestion.door import Message


class Sender:
    """One idempotent producer (acks=all) for all requests. An error ends its life; the next request makes a new one.

    It is not penstock.kafka.sender.Sender: requests wait side by side in one batch here, and each is told its offsets. A request that
    gives up waiting ends nothing: what the producer has taken, it goes on sending until the broker is back.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: KafkaProducer | None = None
        self._starting = asyncio.Lock()

    async def send(self, topic: str, messages: Sequence[Message]) -> list[int]:
        """Append the messages, in order within a partition; their offsets. Raises: Weather, and then some of them may stand in the log."""
        producer = await self._started()
        try:
            return await producer.append([Output(topic, each.partition, each.key, each.value, each.headers) for each in messages])
        except Weather:
            await self._drop(producer)
            raise

    async def close(self) -> None:
        """Give up whatever is on its way."""
        if self._producer is not None:
            await self._drop(self._producer)

    async def _started(self) -> KafkaProducer:
        async with self._starting:
            if self._producer is None:
                producer = KafkaProducer(self._bootstrap)
                await producer.start()
                self._producer = producer
            return self._producer

    async def _drop(self, producer: KafkaProducer) -> None:
        if self._producer is producer:
            self._producer = None
        await producer.stop()


@contextlib.asynccontextmanager
async def opened(bootstrap: str) -> AsyncIterator[Sender]:
    """A sender to the cluster at `bootstrap`; it connects with the first request."""
    sender = Sender(bootstrap)
    try:
        yield sender
    finally:
        await sender.close()
