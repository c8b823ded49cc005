"""Sends events to Kafka in order, each of them acknowledged, as fast as it may; on request with ticks that end every prediction."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer

from penstock.spec import Spec

CLOSING_HORIZONS = 2
LOOK_BACK_EVERY_EVENTS = 50
OPTIONS = {"acks": "all", "enable_idempotence": True, "linger_ms": 5, "request_timeout_ms": 40_000}

Hold = Callable[[Counter[str]], Awaitable[None]]
"""Asked before each event with what has been sent, by stream; returns when one more may be sent."""


class Message(NamedTuple):
    """One event on its way: the stream, its key, its JSON, and its event time if it has one."""

    stream: str
    key: str
    body: bytes
    time_ms: int | None


def at_rate(rate: float, clock: Callable[[], float] = time.monotonic) -> Hold:
    """Holds so that `rate` events are sent per second; who falls behind catches up."""
    began_s = clock()

    async def hold(sent: Counter[str]) -> None:
        if (ahead_s := sent.total() / rate - (clock() - began_s)) > 0:
            await asyncio.sleep(ahead_s)

    return hold


@dataclass(slots=True)
class Replay:
    """Sends events; every one of `holds` may make it wait. `sent` counts by stream, `time_ms` is the event time of the last event."""

    bootstrap: str
    topic_prefix: str = ""
    holds: tuple[Hold, ...] = ()
    sent: Counter[str] = field(default_factory=Counter)
    time_ms: int = 0
    done: bool = False
    _last_ms: dict[str, int] = field(default_factory=dict)
    _pending: list[asyncio.Future[Any]] = field(default_factory=list)

    async def run(self, messages: Iterable[Message], closing: Spec | None = None) -> None:
        """Send every event, and with a specification the ticks that close every prediction. Raises: KafkaError when one cannot be sent."""
        async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, **OPTIONS) as producer:
            for number, message in enumerate(messages):
                for hold in self.holds:
                    await hold(self.sent)
                topic = f"{self.topic_prefix}events.{message.stream}"
                self._pending.append(await producer.send(topic, message.body, key=message.key.encode()))
                self._note(message)
                if number % LOOK_BACK_EVERY_EVENTS == 0:
                    self._pending = [future for future in self._pending if not future.done() or future.result() is None]
            await asyncio.gather(*self._pending)
            for stream, partition, tick in closing_ticks(closing, self._last_ms) if closing else ():
                await producer.send_and_wait(f"{self.topic_prefix}events.{stream}", tick, partition=partition)
        self.done = True

    def _note(self, message: Message) -> None:
        self.sent[message.stream] += 1
        if message.time_ms is not None:
            self.time_ms = message.time_ms
            self._last_ms[message.stream] = max(self._last_ms.get(message.stream, 0), message.time_ms)


def closing_ticks(spec: Spec, last_ms: dict[str, int]) -> Iterator[tuple[str, int, bytes]]:
    """Ticks (stream, partition, JSON) beyond every horizon: after them each prediction is labelled or expired.

    A stream's clock moves by `max_jump` at most, so a long way takes several.
    """
    horizon_ms = max((model.label.horizon_ms for model in spec.models.values()), default=0)
    end_ms = max(last_ms.values(), default=0) + CLOSING_HORIZONS * horizon_ms + 1_000
    for name, from_ms in last_ms.items():
        stream = spec.streams[name]
        for partition in range(stream.partitions):
            for at_ms in (*range(from_ms, end_ms, max(stream.max_jump_ms, 1)), end_ms):
                yield name, partition, _tick(at_ms)


def _tick(at_ms: int) -> bytes:
    return json.dumps({"penstock.tick": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()}).encode()
