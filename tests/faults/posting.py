"""The other door: the same load over the HTTP gateway, in batches that are sent again until they are accepted, as a careful user does."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import httpx

from tests.faults.load import PACE_S, PAYMENTS, VERDICTS, Message, Place, Schedule, Sent

BATCH_EVENTS_MAX = 100
CONNECTIONS = 4
RETRY_S = 0.1
ANSWER_TIMEOUT_S = 20.0
COME_BACK = (429, 503)
TOLD_MAX = 300


class Answered(NamedTuple):
    """When a request that was accepted was begun and answered, in seconds since the epoch."""

    begun_s: float
    ended_s: float


class Posting:
    """Sends a schedule to a gateway. A request that is not answered, or asked to come back, is made again; any other refusal is an error.

    Raises: AssertionError, out of `running`, for a refusal.
    """

    def __init__(self, gateway: str, schedule: Schedule, sent: Sent) -> None:
        self.schedule = schedule
        self.answers: list[Answered] = []
        self.accepted = 0
        """Events, each once."""
        self.resent = 0
        """Events that were sent again."""
        self._gateway = gateway
        self._sent = sent
        self._waiting: dict[str, deque[Message]] = {PAYMENTS: deque(), VERDICTS: deque()}
        self._under_way = 0
        self._work: list[asyncio.Task[None]] = []

    @property
    def settled(self) -> bool:
        """Whether the schedule is held and everything of it is acknowledged. Raises: AssertionError for a refusal."""
        self.raise_refusal()
        return self.schedule.is_held and self.schedule.empty and not any(self._waiting.values()) and not self._under_way

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send while inside, whenever the schedule is not held."""
        async with httpx.AsyncClient(base_url=self._gateway, trust_env=False, timeout=ANSWER_TIMEOUT_S) as client:
            self._work = [asyncio.create_task(each) for each in (self._fill(), *(self._send(client) for _ in range(CONNECTIONS)))]
            try:
                yield
            finally:
                for task in self._work:
                    task.cancel()
                for task in self._work:
                    with contextlib.suppress(asyncio.CancelledError):
                        await task

    def raise_refusal(self) -> None:
        """Raises: AssertionError when the gateway has refused something for good."""
        for task in self._work:
            if task.done():
                task.result()

    async def _fill(self) -> None:
        while True:
            for message in self.schedule.due(time.time()):
                self._waiting[message.stream].append(message)
            await asyncio.sleep(PACE_S)

    async def _send(self, client: httpx.AsyncClient) -> None:
        while True:
            waiting = max(self._waiting.values(), key=len)
            batch = [waiting.popleft() for _ in range(min(len(waiting), BATCH_EVENTS_MAX))]
            self._under_way += len(batch)
            if batch:
                await self._deliver(client, batch)
            await asyncio.sleep(0 if batch else PACE_S)

    async def _deliver(self, client: httpx.AsyncClient, batch: list[Message]) -> None:
        body = b"[%b]" % b",".join(message.value for message in batch)
        while (receipts := await self._try(client, batch[0].stream, body)) is None:
            self.resent += len(batch)
            await asyncio.sleep(RETRY_S)
        before = self._sent.events
        for message, receipt in zip(batch, receipts, strict=True):
            assert receipt["id"] == message.event_id, f"the receipt of {message.event_id} is that of {receipt['id']}"
            self._sent.note(message, Place(receipt["topic"], receipt["partition"], receipt["offset"]))
        self.accepted += self._sent.events - before
        self._under_way -= len(batch)

    async def _try(self, client: httpx.AsyncClient, stream: str, body: bytes) -> list[dict[str, Any]] | None:
        """The receipts; None if nobody knows whether the events have arrived."""
        begun_s = time.time()
        try:
            answer = await client.post(f"/events/{stream}", content=body, headers={"content-type": "application/json"})
        except httpx.TransportError:
            return None
        if answer.status_code in COME_BACK:
            return None
        assert answer.status_code == httpx.codes.ACCEPTED, f"the gateway answers {answer.status_code}: {answer.text[:TOLD_MAX]}"
        self.answers.append(Answered(begun_s, time.time()))
        receipts: list[dict[str, Any]] = answer.json()["accepted"]
        return receipts
