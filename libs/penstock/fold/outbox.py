"""Law III, the barrier: the outputs and effects of one round are acknowledged before those of the next are sent."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field

from structlog.typing import FilteringBoundLogger

from penstock.crashpoint import CrashPoints
from penstock.errors import PenstockError
from penstock.fold.protocol import Effect, Output
from penstock.fold.weather import Backoff, Weather
from penstock.kafka.ports import Producer

Deliver = Callable[[Sequence[Effect]], Awaitable[None]]


@dataclass(slots=True)
class Round:
    """What the records of one round caused, in order."""

    records: int = 0
    outputs: list[Output] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def add(self, caused: Iterable[Output | Effect]) -> None:
        """Take what one record caused."""
        self.records += 1
        for each in caused:
            if isinstance(each, Output):
                self.outputs.append(each)
            else:
                self.effects.append(each)


class Outbox:
    """Sends one round at a time while the next one is being folded."""

    def __init__(self, producer: Producer, patient: "Patience", deliver: Deliver, crash_points: CrashPoints) -> None:
        self._producer = producer
        self._patient = patient
        self._deliver = deliver
        self._crash_points = crash_points
        self._sending: asyncio.Task[None] | None = None

    @property
    def empty(self) -> bool:
        """Whether everything that was given has been acknowledged."""
        return self._sending is None

    async def settled(self) -> None:
        """Wait until everything that was given is acknowledged. Raises: SendFailed, and then this outbox is of no more use."""
        if self._sending is not None:
            await asyncio.shield(self._sending)
            self._sending = None

    def send(self, caused: Round) -> None:
        """Start to send one round; the one before must be settled."""
        assert self._sending is None, "two rounds at once: outputs could overtake one another"
        if caused.outputs or caused.effects:
            self._sending = asyncio.create_task(self._send(caused))

    async def close(self) -> None:
        """Give up what is on its way."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait([self._sending])
            if not self._sending.cancelled():
                self._sending.exception()  # seen: the session that dropped us knows why

    async def _send(self, caused: Round) -> None:
        if caused.outputs:
            await self._producer.send(caused.outputs)
        self._crash_points.reach("round.sent")
        if caused.effects:
            await self._patient.until_done("deliver", lambda: self._deliver(caused.effects))


class Patience:
    """Repeats what fails because of the weather, as long as it takes; errors of our own and bugs pass."""

    def __init__(self, backoff: Backoff, stop: asyncio.Event, log: FilteringBoundLogger) -> None:
        self._backoff = backoff
        self._stop = stop
        self._log = log

    async def until_done(self, what: str, attempt: Callable[[], Awaitable[None]]) -> None:
        """Await `attempt()` until it does not raise.

        Services speak to databases and to one another through many drivers: whatever is not a PenstockError or an assertion counts as
        weather. Raises: Weather when the worker is to stop meanwhile.
        """
        while True:
            try:
                await attempt()
                self._backoff.reset()
                return
            except (AssertionError, MemoryError, RecursionError):
                raise
            except Exception as error:
                if isinstance(error, PenstockError) and not isinstance(error, Weather):
                    raise
                self._log.warning("waiting", on=what, error=f"{type(error).__name__}: {error}")
                if self._stop.is_set():
                    raise Weather(f"{what} was still failing at the stop: {error}") from error
            await self._backoff.wait(self._stop)
