"""The gateway's producer: appends messages to Kafka and says at which offsets they stand."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from penstock.fold.weather import Weather
from penstock.kafka.producer import OPTIONS
from penstock_ingestion.door import Message

STOP_S = 2.0


class Sender:
    """One idempotent producer (acks=all) for all requests. An error ends its life; the next request makes a new one.

    A request that gives up waiting ends nothing: what the producer has taken, it goes on sending until the broker is back.
    """

    def __init__(self, bootstrap: str) -> None:
        self._bootstrap = bootstrap
        self._producer: Any = None
        self._starting = asyncio.Lock()

    async def send(self, topic: str, messages: Sequence[Message]) -> list[int]:
        """Append the messages, in order within a partition; their offsets. Raises: Weather, and then some of them may stand in the log."""
        producer = await self._started()
        try:
            taken = [await producer.send(topic, **_arguments(message)) for message in messages]
            places = await asyncio.shield(asyncio.gather(*taken))
        except KafkaError as error:
            await self._drop(producer)
            raise Weather(f"Kafka did not take the events: {type(error).__name__}") from error
        return [place.offset for place in places]

    async def close(self) -> None:
        """Give up whatever is on its way."""
        if self._producer is not None:
            await self._drop(self._producer)

    async def _started(self) -> Any:
        async with self._starting:
            if self._producer is None:
                self._producer = await _start(self._bootstrap)
            return self._producer

    async def _drop(self, producer: Any) -> None:
        if self._producer is producer:
            self._producer = None
        await _stop(producer)


def _arguments(message: Message) -> dict[str, Any]:
    return {"value": message.value, "key": message.key, "partition": message.partition, "headers": list(message.headers)}


async def _start(bootstrap: str) -> Any:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, **OPTIONS)
    try:
        await producer.start()
    except (KafkaError, OSError) as error:
        await _stop(producer)
        raise Weather(f"Kafka cannot be reached: {type(error).__name__}") from error
    except BaseException:
        await _stop(producer)
        raise
    return producer


async def _stop(producer: Any) -> None:
    with contextlib.suppress(KafkaError, OSError, TimeoutError):
        async with asyncio.timeout(STOP_S):
            await producer.stop()


@contextlib.asynccontextmanager
async def opened(bootstrap: str) -> AsyncIterator[Sender]:
    """A sender to the cluster at `bootstrap`; it connects with the first request."""
    sender = Sender(bootstrap)
    try:
        yield sender
    finally:
        await sender.close()
