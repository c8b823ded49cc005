"""Brings rounds of records to Kafka: again and again, with a new connection after each failure, until their time is over."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from random import Random
from typing import Protocol

from aiokafka.errors import MessageSizeTooLargeError

from penstock.fold.protocol import Output
from penstock.fold.weather import Backoff, Weather
from penstock.kafka.producer import KafkaProducer
from penstock.producer.delivery import Acknowledgement, Parcel
from penstock.producer.errors import NotAcknowledged, TooLarge

WAIT_FIRST_S, WAIT_MAX_S = 0.1, 2.0
log = logging.getLogger(__name__)


class Carrier(Protocol):
    """A connected producer that is good for nothing after its first failure. See penstock.kafka.producer.KafkaProducer."""

    async def deliver(self, outputs: Sequence[Output], *, alone: bool = False) -> list[int | Exception]: ...
    async def stop(self) -> None: ...


Connect = Callable[[], Awaitable[Carrier]]


class Courier:
    """Delivers one round after the other, so events of a partition stand in the order in which they were given, also after failures.

    An event whose round failed may stand in the log all the same. It is sent again with its id, and ingestion takes an id once.
    """

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._carrier: Carrier | None = None

    async def deliver(self, parcels: Sequence[Parcel]) -> None:
        """Returns when every parcel is decided."""
        backoff, reason, alone = Backoff(WAIT_FIRST_S, WAIT_MAX_S, Random()), "", False  # noqa: S311 (jitter)
        waiting = list(parcels)
        while waiting := _in_time(waiting, reason):
            results = await self._attempt(waiting, alone)
            failures = [result for result in results if isinstance(result, Exception)]
            if not failures:
                _settle(waiting, results)
                return
            reason = f"{type(failures[0]).__name__}: {failures[0]}"
            waiting = _settle(waiting, results, alone)
            alone = alone or any(isinstance(failure, MessageSizeTooLargeError) for failure in failures)
            await self.close()
            if waiting:
                log.warning("%d events are not acknowledged and will be sent again: %s", len(waiting), reason)
                await asyncio.sleep(backoff.next_s())

    async def close(self) -> None:
        """Give up the connection, and what is on its way."""
        carrier, self._carrier = self._carrier, None
        if carrier is not None:
            await carrier.stop()

    async def _attempt(self, parcels: Sequence[Parcel], alone: bool) -> list[int | Exception]:
        """Send all once, until the first of them is out of time."""
        try:
            async with asyncio.timeout_at(min(parcel.deadline_s for parcel in parcels)):
                if self._carrier is None:
                    self._carrier = await self._connect()
                return await self._carrier.deliver([parcel.message.output for parcel in parcels], alone=alone)
        except (Weather, TimeoutError) as error:
            return [error] * len(parcels)


def connect_to(bootstrap: str) -> Connect:
    """Connects to the cluster at `bootstrap`. Raises: Weather."""

    async def connect() -> Carrier:
        producer = KafkaProducer(bootstrap)
        await producer.start()
        return producer

    return connect


def _settle(parcels: Sequence[Parcel], results: Iterable[int | Exception], alone: bool = False) -> list[Parcel]:
    """Tell those whose fate is known; the others, in their order."""
    again = []
    for parcel, result in zip(parcels, results, strict=True):
        output, id = parcel.message
        if isinstance(result, int):
            parcel.delivery.arrive(Acknowledgement(output.topic, output.partition, result, id))
        elif alone and isinstance(result, MessageSizeTooLargeError):
            parcel.delivery.fail(TooLarge(f"{output.topic} takes no record of this size: {result}. Try: its max.message.bytes"))
        else:
            again.append(parcel)
    return again


def _in_time(parcels: Sequence[Parcel], reason: str) -> list[Parcel]:
    """Those that have time left; the others are told."""
    now_s = asyncio.get_running_loop().time()
    for parcel in parcels:
        if parcel.deadline_s <= now_s:
            parcel.delivery.fail(
                NotAcknowledged(
                    f"{parcel.message.output.topic} did not acknowledge the event {parcel.message.event_id} in time"
                    f"{' (' + reason + ')' if reason else ''}. It may stand in the log. Try: send it again with the same id"
                )
            )
    return [parcel for parcel in parcels if parcel.deadline_s > now_s]
