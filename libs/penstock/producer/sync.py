"""The producer for code that waits: the asynchronous one on an event loop in a thread of its own."""

import asyncio
import logging
import threading
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import CancelledError, Future
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from penstock.errors import PenstockError
from penstock.fold.protocol import Header
from penstock.producer.delivery import CLOSED, Acknowledgement, Delivery
from penstock.producer.encoder import Time
from penstock.producer.errors import Closed
from penstock.producer.options import Options
from penstock.producer.producer import Producer

Result = TypeVar("Result")
log = logging.getLogger(__name__)
_CLOSED = CLOSED.replace("async with Producer", "with SyncProducer")


class SyncDelivery:
    """What becomes of an event; see Delivery."""

    def __init__(self, producer: "SyncProducer", delivery: Delivery) -> None:
        self._producer = producer
        self._delivery = delivery

    def result(self) -> Acknowledgement:
        """Wait for the acknowledgement. Raises: TooLarge, NotAcknowledged, Closed."""
        return self._delivery.result() if self._delivery.done() else self._producer._call(_awaited(self._delivery))


class SyncProducer:
    """As Producer, for threads: `with SyncProducer("localhost:9092") as producer: producer.send("orders", {…})`.

    Several threads may use one. Each call raises what its twin raises. An event loop may not: it would stand still; use Producer there.
    """

    def __init__(self, bootstrap: str, **options: Unpack[Options]) -> None:
        self._bootstrap = bootstrap
        self._options = options
        self._producer: Producer | None = None
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._live()), name="penstock-producer", daemon=True)

    def send(
        self, stream: str, event: Mapping[str, Any], *, id: str | None = None, time: Time | None = None, headers: Sequence[Header] = ()
    ) -> Acknowledgement:
        """Send an event, and return when it stands in the log."""
        return self._call(self._open().send(stream, event, id=id, time=time, headers=headers))

    def send_soon(
        self, stream: str, event: Mapping[str, Any], *, id: str | None = None, time: Time | None = None, headers: Sequence[Header] = ()
    ) -> SyncDelivery:
        """As `send`, but return as soon as the event is in the buffer."""
        return SyncDelivery(self, self._call(self._open().send_soon(stream, event, id=id, time=time, headers=headers)))

    def send_all(self, stream: str, events: Iterable[Mapping[str, Any]]) -> list[Acknowledgement]:
        """Send events of one stream, none if one of them is refused; return when all are acknowledged."""
        return self._call(self._open().send_all(stream, list(events)))

    def flush(self) -> None:
        """Return when everything that was sent before is decided. Raises: the first failure that nobody has asked for."""
        self._call(self._open().flush())

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            producer, self._producer = self._producer, None
            if producer is not None:
                self._loop.call_soon_threadsafe(self._leave.set_result, kind is None or issubclass(kind, Exception))
            self._thread.join()

    async def _live(self) -> None:
        """The life of the loop: as long as the producer is open."""
        self._loop = asyncio.get_running_loop()
        self._leave: asyncio.Future[bool] = self._loop.create_future()
        try:
            async with Producer(self._bootstrap, **self._options) as self._producer:
                self._started.set_result(None)
                if not await self._leave:
                    raise asyncio.CancelledError  # what is in the buffer is given up
        except BaseException as error:
            if not self._started.done():
                self._started.set_exception(error)
            elif isinstance(error, PenstockError):  # who left the block was told by `flush`, or left it with an error
                log.error("the producer has ended: %s", error)
            elif not isinstance(error, asyncio.CancelledError):
                raise

    def _open(self) -> Producer:
        if self._producer is None:
            raise Closed(_CLOSED)
        return self._producer

    def _call(self, work: Coroutine[Any, Any, Result]) -> Result:
        try:
            future = asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError:  # the loop was closed meanwhile
            work.close()
            raise Closed(_CLOSED) from None
        try:
            return future.result()
        except CancelledError:  # it was closed while this waited
            raise Closed(_CLOSED) from None


async def _awaited(delivery: Delivery) -> Acknowledgement:
    return await delivery
