"""The producer of the demo: events in event-time order, as fast as the pipeline takes them, every one acknowledged."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer

from examples.flights.events import Event
from penstock.cli.produce import closing_ticks
from penstock.spec import Spec

FLIGHTS_AHEAD_MAX = 800  # questions that have been sent and not yet folded by the trainer; not quite a day of flights
WAIT_S = 0.02
BREATH_EVERY_EVENTS = 100


@dataclass(slots=True)
class Replay:
    """Sends events to Kafka; `predicted` says how many events of the stream `questions` have been answered so far."""

    bootstrap: str
    predicted: Callable[[], int]
    rate: float = 0.0
    questions: str = "flights"
    sent: Counter[str] = field(default_factory=Counter)
    day_ms: int = 0
    done: bool = False
    _last_ms: dict[str, int] = field(default_factory=dict)

    async def run(self, events: Iterable[Event], spec: Spec) -> None:
        """Send every event, then ticks that close every prediction. Raises: KafkaError when one cannot be acknowledged."""
        async with AIOKafkaProducer(
            bootstrap_servers=self.bootstrap, acks="all", enable_idempotence=True, linger_ms=5, request_timeout_ms=40_000
        ) as producer:
            began = time.monotonic()
            pending: list[Any] = []
            for number, event in enumerate(events):
                pending.append(await producer.send(f"events.{event.stream}", json.dumps(event.body).encode(), key=event.key.encode()))
                self._note(event)
                if number % BREATH_EVERY_EVENTS == 0:
                    await self._hold(number, began)
                    pending = [future for future in pending if not future.done() or future.result() is None]
            await asyncio.gather(*pending)
            for topic, partition, tick in closing_ticks(spec, self._last_ms):
                await producer.send_and_wait(topic, tick, partition=partition)
        self.done = True

    def _note(self, event: Event) -> None:
        self.sent[event.stream] += 1
        self._last_ms[event.stream] = self.day_ms = event.time

    async def _hold(self, number: int, began: float) -> None:
        """Do not run ahead of the pipeline, nor of the wanted rate."""
        await asyncio.sleep(0)
        while self.sent[self.questions] - self.predicted() > FLIGHTS_AHEAD_MAX or (
            self.rate and number > (time.monotonic() - began) * self.rate
        ):
            await asyncio.sleep(WAIT_S)
