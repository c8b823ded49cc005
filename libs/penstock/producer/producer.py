"""The asynchronous producer: judges an event, waits for room, and says where it stands in the log."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self, Unpack

from penstock.contract.problems import Problem
from penstock.errors import PenstockError
from penstock.fold.protocol import Header
from penstock.producer.courier import Courier, connect_to
from penstock.producer.delivery import CLOSED, Acknowledgement, Delivery
from penstock.producer.directory import Directory
from penstock.producer.encoder import Encoder, Message, Time
from penstock.producer.errors import Closed, Invalid
from penstock.producer.options import Options, Settings
from penstock.producer.outbox import Outbox
from penstock.producer.streams import Known

log = logging.getLogger(__name__)


class Producer:
    """Sends events to the streams of the platform whose Kafka is at `bootstrap`. `options`: see Settings.

    Used as `async with Producer("localhost:9092") as producer: await producer.send("orders", {…})`. All else it learns from Kafka: the
    streams, their fields and rules, the ids of their schemas; and it follows their changes.

    Entering raises Unavailable if no platform can be read in time. Leaving flushes, and raises what `flush` raises.
    """

    def __init__(self, bootstrap: str, **options: Unpack[Options]) -> None:
        self._settings = settings = Settings(**options)
        self._directory = Directory(bootstrap, f"{settings.topic_prefix}registry")
        self._courier = Courier(connect_to(bootstrap))
        self._outbox = Outbox(self._courier, settings)
        self._encoders: dict[str, tuple[Known, Encoder]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def send(
        self, stream: str, event: Mapping[str, Any], *, id: str | None = None, time: Time | None = None, headers: Sequence[Header] = ()
    ) -> Acknowledgement:
        """Send an event, and return when it stands in the log.

        `id` and `time` are for streams that have no field for them; without an id the event gets one. `headers` go along; `traceparent`
        and `tracestate` go on behind ingestion. Raises: UnknownStream, Invalid, TooLarge, NotAcknowledged, Closed; UsageError.
        """
        return await (await self.send_soon(stream, event, id=id, time=time, headers=headers))

    async def send_soon(
        self, stream: str, event: Mapping[str, Any], *, id: str | None = None, time: Time | None = None, headers: Sequence[Header] = ()
    ) -> Delivery:
        """As `send`, but return as soon as the event is in the buffer; await what is returned for the acknowledgement.

        Events of one key keep the order of these calls. A failure that nobody has awaited is raised by `flush`.
        """
        encoder = await self._encoder(stream)
        return await self._outbox.accept(encoder.message(event, id=id, time=time, headers=headers))

    async def send_all(self, stream: str, events: Iterable[Mapping[str, Any]]) -> list[Acknowledgement]:
        """Send events of one stream, none if one of them is refused; return when all are acknowledged.

        The problems of an Invalid name events by number, from 0. It is no transaction: after NotAcknowledged some may stand in the log.
        """
        messages = _messages(await self._encoder(stream), stream, events)
        deliveries = [await self._outbox.accept(message) for message in messages]
        for delivery in deliveries:
            await delivery.settled()
        failures = [error for delivery in deliveries if (error := delivery.heard()) is not None]
        if failures:
            raise failures[0]
        return [delivery.result() for delivery in deliveries]

    async def flush(self) -> None:
        """Return when everything that was sent before is decided. Raises: the first failure that nobody has awaited."""
        await self._outbox.flush()

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._directory.run())]
        try:
            await self._directory.ready(self._settings.timeout_s)
        except BaseException:
            await self._stop()
            raise
        self._tasks.append(asyncio.create_task(self._outbox.run()))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            if kind is None:
                await self.flush()
            elif issubclass(kind, Exception):
                try:
                    await self.flush()
                except PenstockError as failure:  # what ended the block comes first
                    log.error("the producer has ended: %s", failure)
        finally:
            await self._stop()

    async def _encoder(self, name: str) -> Encoder:
        """The encoder for the stream as it is now. Raises: UnknownStream, Closed."""
        if not self._tasks:
            raise Closed(CLOSED)
        for task in self._tasks:
            if task.done():
                raise Closed(f"the producer has failed: {task.exception()!r}. Try: a new one")
        known = await self._directory.find(name)
        if name not in self._encoders or self._encoders[name][0] is not known:
            settings, topic = self._settings, f"{self._settings.topic_prefix}events.{name}"
            encoder = Encoder(known, topic, format=settings.format, validate=settings.validate, source=settings.source)
            self._encoders[name] = known, encoder
        return self._encoders[name][1]

    async def _stop(self) -> None:
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._outbox.close()  # a task that was cancelled before it began closes nothing
        await self._courier.close()


def _messages(encoder: Encoder, stream: str, events: Iterable[Mapping[str, Any]]) -> list[Message]:
    """Every event as a message. Raises: Invalid with the problems of all; TooLarge."""
    messages: list[Message] = []
    problems: list[Problem] = []
    for number, event in enumerate(events):
        try:
            messages.append(encoder.message(event, number))
        except Invalid as invalid:
            problems += invalid.problems
    if problems:
        raise Invalid(stream, problems)
    return messages
