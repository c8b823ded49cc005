"""Events on their way: a place in the buffer first, then the broker's word, or an error once the time is over."""

import asyncio
from collections import deque
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

from penstock.fold.poison import size_bytes
from penstock.producer.encoder import Message
from penstock.producer.errors import Closed

CLOSED = "the producer is closed. Try: async with Producer(…)"
PARCEL_BYTES = 1_000  # what an event takes in memory beside its record, about


class Acknowledgement(NamedTuple):
    """The event stands in the log, at this place."""

    topic: str
    partition: int
    offset: int
    event_id: str


@dataclass(frozen=True, slots=True)
class Parcel:
    """A record on its way; it fails if it is not acknowledged by `deadline_s`, a time of the event loop."""

    message: Message
    deadline_s: float
    delivery: "Delivery"

    @property
    def size_bytes(self) -> int:
        """What it takes of the buffer."""
        return held_bytes(self.message)


def held_bytes(message: Message) -> int:
    """What a message takes of the buffer until it is acknowledged."""
    return size_bytes(message.output) + PARCEL_BYTES


class Delivery:
    """What becomes of an event: `await` it for its acknowledgement. Raises: TooLarge, NotAcknowledged, Closed."""

    __slots__ = ("_future", "_listeners", "_was_heard")

    def __init__(self, future: "asyncio.Future[Acknowledgement]") -> None:
        self._future = future
        self._listeners = 0
        self._was_heard = False

    def done(self) -> bool:
        """Whether it is decided."""
        return self._future.done()

    def __await__(self) -> Generator[Any, None, Acknowledgement]:
        self._listeners += 1
        try:
            yield from asyncio.wait([self._future]).__await__()
        finally:
            self._listeners -= 1
        return self.result()

    def result(self) -> Acknowledgement:
        """The acknowledgement of one that is decided. Raises: as awaiting it does."""
        self._was_heard = True
        return self._future.result()

    def arrive(self, acknowledgement: Acknowledgement) -> None:
        """The broker has said so."""
        self._future.set_result(acknowledgement)

    def fail(self, error: Exception) -> None:
        """It is given up; whoever awaits it hears of it, else `flush` does."""
        self._future.set_exception(error)
        self._future.exception()  # so the loop does not complain of it as well

    async def settled(self) -> None:
        """Returns when it is decided."""
        if not self._future.done():
            await asyncio.wait([self._future])

    def failure(self) -> BaseException | None:
        """Why it failed, if it has."""
        return self._future.exception() if self._future.done() else None

    def heard(self) -> BaseException | None:
        """Why it failed, if it has: whoever asks is told by this."""
        self._was_heard = True
        return self.failure()

    def unheard(self) -> BaseException | None:
        """Why it failed, if it has, and nobody has been told nor waits to be."""
        return None if self._was_heard or self._listeners else self.failure()


class Room:
    """So many bytes of the buffer, given in the order of asking; who finds it full waits. One item alone always fits.

    >>> room = Room(100)
    >>> asyncio.run(room.take(70)), room.used_bytes
    (None, 70)
    """

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()
        self._closed = False
        self.used_bytes = 0

    async def take(self, size: int) -> None:
        """Take so many bytes, when they are free. Raises: Closed."""
        if self._closed:
            raise Closed(CLOSED)
        if not self._waiting and self._fits(size):
            self.used_bytes += size
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((size, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:  # the turn came, and nobody takes it
                self.give(size)
            raise

    def give(self, size: int) -> None:
        """Give so many bytes back; those who wait get them."""
        self.used_bytes -= size
        while self._waiting and (self._waiting[0][1].cancelled() or self._fits(self._waiting[0][0])):
            wanted, turn = self._waiting.popleft()
            if not turn.cancelled():
                self.used_bytes += wanted
                turn.set_result(None)

    def close(self) -> None:
        """From here on nobody gets anything."""
        self._closed = True
        for _, turn in self._waiting:
            if not turn.done():
                turn.set_exception(Closed(CLOSED))
        self._waiting.clear()

    def _fits(self, size: int) -> bool:
        return not self.used_bytes or self.used_bytes + size <= self._bytes_max
