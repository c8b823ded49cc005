"""The producer of the demo: events in event-time order, as fast as the pipeline takes them, every one acknowledged."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaProducer

from examples.flights.events import Event
from penstock.cli.produce import closing_ticks
from penstock.spec import Spec

LABELS_AHEAD_MAX = 300  # labels that have been sent and not yet learned: some eight hours of arrivals
BREATH_EVERY_EVENTS = 50
WAIT_S = 0.02
OPTIONS = {"acks": "all", "enable_idempotence": True, "linger_ms": 5, "request_timeout_ms": 40_000}


@dataclass(slots=True)
class Replay:
    """Sends events to Kafka. `learned` is asked often: how many labels have been learned so far. `rate` is in events/s, 0: no limit."""

    bootstrap: str
    label_stream: str
    learned: Callable[[], Awaitable[int]]
    rate: float = 0.0
    sent: Counter[str] = field(default_factory=Counter)
    day_ms: int = 0
    done: bool = False
    _last_ms: dict[str, int] = field(default_factory=dict)

    async def run(self, events: Iterable[Event], spec: Spec) -> None:
        """Send every event, then ticks that close every prediction. Raises: KafkaError when one cannot be acknowledged."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, **OPTIONS) as producer:
            began, pending = time.monotonic(), list[asyncio.Future[Any]]()
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
        """Do not run ahead of the wanted rate, nor of the pipeline: what serves would fall behind what is asked."""
        while self.rate and number > (time.monotonic() - began) * self.rate:
            await asyncio.sleep(WAIT_S)
        while self.sent[self.label_stream] - await self.learned() > LABELS_AHEAD_MAX:
            await asyncio.sleep(WAIT_S)
