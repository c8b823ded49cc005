"""What a producer holds: a buffer with a bound, rounds taken from it, and failures that must be heard."""

import asyncio
import logging
from collections import deque

from penstock.producer.courier import Courier
from penstock.producer.delivery import Delivery, Parcel, Room, held_bytes
from penstock.producer.encoder import Message
from penstock.producer.errors import Closed
from penstock.producer.options import Settings

FAILURES_KEPT = 1_000
log = logging.getLogger(__name__)


class Outbox:
    """Takes messages as long as there is room, and gives them to the courier in their order."""

    def __init__(self, courier: Courier, settings: Settings) -> None:
        self._courier = courier
        self._settings = settings
        self._room = Room(settings.buffer_bytes)
        self._waiting: deque[Parcel] = deque()
        self._undecided: set[Delivery] = set()
        self._failed: deque[Delivery] = deque(maxlen=FAILURES_KEPT)
        self._arrived = asyncio.Event()

    @property
    def held_bytes(self) -> int:
        """What is in the buffer, with what is on its way."""
        return self._room.used_bytes

    async def accept(self, message: Message) -> Delivery:
        """Put a message into the buffer when there is room."""
        await self._room.take(held_bytes(message))
        loop = asyncio.get_running_loop()
        delivery = Delivery(loop.create_future())
        self._undecided.add(delivery)
        self._waiting.append(Parcel(message, loop.time() + self._settings.timeout_s, delivery))
        self._arrived.set()
        return delivery

    async def flush(self) -> None:
        """Return when everything that was accepted before is decided. Raises: the first failure that nobody has awaited."""
        pending = list(self._undecided)
        for delivery in pending:
            await delivery.settled()
        unheard = [each for each in (*self._failed, *pending) if each.unheard() is not None]
        self._failed.clear()
        failures = [failure for each in unheard if (failure := each.heard()) is not None]
        if failures:
            raise failures[0]

    async def run(self) -> None:
        """Send until cancelled; whatever ends it, nobody waits in vain."""
        try:
            while True:
                await self._arrived.wait()
                if self._room.used_bytes < self._settings.batch_bytes:
                    await asyncio.sleep(self._settings.linger_s)
                taken = self._round()
                await self._courier.deliver(taken)
                self._release(taken)
        except Exception:
            log.exception("the producer has failed")
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Give up what is not decided yet, and take nothing more; who waits is told so."""
        for delivery in self._undecided:
            if not delivery.done():
                delivery.fail(Closed("the producer was closed before the event was acknowledged. It may stand in the log"))
        self._waiting.clear()
        self._room.close()

    def _round(self) -> list[Parcel]:
        """The next parcels, at least one."""
        taken, size_bytes = [], 0
        while self._waiting and size_bytes < self._settings.batch_bytes:
            taken.append(self._waiting.popleft())
            size_bytes += taken[-1].size_bytes
        if not self._waiting:
            self._arrived.clear()
        return taken

    def _release(self, parcels: list[Parcel]) -> None:
        for parcel in parcels:
            self._undecided.discard(parcel.delivery)
            if parcel.delivery.failure() is not None:
                self._failed.append(parcel.delivery)
        self._room.give(sum(parcel.size_bytes for parcel in parcels))
