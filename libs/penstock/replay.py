"""Sends events to Kafka in order, each of them acknowledged, as fast as it may; on request with ticks that end every prediction."""

import asyncio
import contextlib
import json
import time
from collections import Counter, deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from penstock.contract.contract import TICK
from penstock.journal import Journal
from penstock.kafka.cluster import KafkaCluster
from penstock.kafka.log import read_log
from penstock.kafka.ports import TopicPartition
from penstock.spec import Spec

CLOSING_HORIZONS = 2
OPTIONS = {"acks": "all", "enable_idempotence": True, "linger_ms": 5, "request_timeout_ms": 40_000}

Hold = Callable[[Counter[str]], Awaitable[None]]
"""Asked before each event with what has been sent, by stream; returns when one more may be sent."""


class Message(NamedTuple):
    """One event on its way: the stream, its key, its JSON, its event time if it has one, and Kafka's headers."""

    stream: str
    key: str
    body: bytes
    time_ms: int | None
    headers: Sequence[tuple[str, bytes]] = ()


Pace = Callable[[Message], Awaitable[None]]
"""Asked before each event with that event; returns when it is due."""


def at_rate(rate: float, clock: Callable[[], float] = time.monotonic) -> Hold:
    """Holds so that `rate` events are sent per second; who falls behind catches up."""
    began_s = clock()

    async def hold(sent: Counter[str]) -> None:
        if (ahead_s := sent.total() / rate - (clock() - began_s)) > 0:
            await asyncio.sleep(ahead_s)

    return hold


def at_speed(
    factor: float,
    jump_ms_max: int,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Pace:
    """A pace at which event time goes `factor` times as fast as the clock, from the first event on; who falls behind catches up.

    An event that is further ahead of those before it than `jump_ms_max` is not waited for: ingestion refuses it.
    """
    began: list[tuple[float, int]] = []
    newest_ms = 0

    async def pace(message: Message) -> None:
        nonlocal newest_ms
        time_ms = message.time_ms
        if time_ms is None or (began and time_ms > newest_ms + jump_ms_max):
            return
        newest_ms = max(newest_ms, time_ms)
        began[:] = began or [(clock(), time_ms)]
        began_s, first_ms = began[0]
        ahead_s = (time_ms - first_ms) / 1_000 / factor - (clock() - began_s)
        if ahead_s > 0:
            await sleep(ahead_s)

    return pace


@dataclass(slots=True)
class Replay:
    """Sends events; every one of `holds` may make it wait, and so may `pace`.

    `sent` counts by stream, `time_ms` is the event time of the last event. Events for which `was_sent(number)` are passed over. `mark` is
    told how many of the first events are acknowledged, and the offsets behind them by topic:partition.
    """

    bootstrap: str
    topic_prefix: str = ""
    holds: tuple[Hold, ...] = ()
    pace: Pace | None = None
    was_sent: Callable[[int], bool] = lambda _: False
    mark: Callable[[int, Mapping[str, int]], None] = lambda _, __: None
    sent: Counter[str] = field(default_factory=Counter)
    time_ms: int = 0
    done: bool = False
    _last_ms: dict[str, int] = field(default_factory=dict)
    _pending: deque[tuple[int, asyncio.Future[Any]]] = field(default_factory=deque)
    _next: int = 0

    async def run(self, messages: Iterable[Message] | AsyncIterable[Message], closing: Spec | None = None) -> None:
        """Send every event, and with a specification the ticks that close every prediction. Raises: KafkaError when one cannot be sent."""
        try:
            async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, **OPTIONS) as producer, aclosing(_numbered(messages)) as numbered:
                async for number, message in numbered:
                    if not self.was_sent(number):
                        await self._send(producer, number, message)
                    self._note(message)
                    self._next = number + 1
                    self._look_back()
                await asyncio.gather(*(future for _, future in self._pending))
                self._look_back()
                for stream, partition, tick in closing_ticks(closing, self._last_ms) if closing else ():
                    await producer.send_and_wait(f"{self.topic_prefix}events.{stream}", tick, partition=partition)
        finally:  # the producer has flushed what it had
            with contextlib.suppress(KafkaError):
                self._look_back()
        self.done = True

    async def _send(self, producer: AIOKafkaProducer, number: int, message: Message) -> None:
        for hold in self.holds:
            await hold(self.sent)
        if self.pace:
            await self.pace(message)
        topic = f"{self.topic_prefix}events.{message.stream}"
        sending = await producer.send(topic, message.body, key=message.key.encode(), headers=list(message.headers))
        self._pending.append((number, sending))
        self.sent[message.stream] += 1

    def _look_back(self) -> None:
        """Tell how many of the first events are acknowledged. Raises: KafkaError when one was not taken."""
        ends: dict[str, int] = {}
        while self._pending and self._pending[0][1].done() and not self._pending[0][1].cancelled():
            place = self._pending[0][1].result()
            ends[f"{place.topic}:{place.partition}"] = place.offset + 1
            self._pending.popleft()
        if ends:
            self.mark(self._pending[0][0] if self._pending else self._next, ends)

    def _note(self, message: Message) -> None:
        if message.time_ms is not None:
            self.time_ms = message.time_ms
            self._last_ms[message.stream] = max(self._last_ms.get(message.stream, 0), message.time_ms)


async def _numbered(messages: Iterable[Message] | AsyncIterable[Message]) -> AsyncGenerator[tuple[int, Message]]:
    number = 0
    if isinstance(messages, AsyncIterable):
        async for message in messages:
            yield number, message
            number += 1
    else:
        for message in messages:
            yield number, message
            number += 1


async def sent_before(bootstrap: str, kafka: KafkaCluster, journal: Journal) -> Callable[[int], bool]:
    """Which events of an interrupted run were sent: those that it had noted, and those that stand in the log behind them."""
    found = {journal.number_of(id) for id in await ids_behind(bootstrap, kafka, journal.ends, journal.is_own)}
    return lambda number: number < journal.acknowledged or number in found


async def ids_behind(bootstrap: str, kafka: KafkaCluster, ends: Mapping[str, int], is_own: Callable[[str], bool]) -> set[str]:
    """The ids (ce_id) of one's own events that stand in the log from these offsets on, by topic:partition. Raises: PenstockError."""
    found: set[str] = set()
    for place, start in ends.items():
        topic, _, partition = place.rpartition(":")
        if int(partition) >= await kafka.partitions(topic):
            continue  # nobody has made it: the run ended before it had sent anything there
        end = (await kafka.bounds(TopicPartition(topic, int(partition)))).end
        async with aclosing(read_log(bootstrap, topic, min(start, end), end, int(partition))) as batches:
            async for records in batches:
                ids = (value.decode(errors="replace") for record in records for name, value in record.headers if name == "ce_id" and value)
                found.update(id for id in ids if is_own(id))
    return found


async def ends_of(kafka: KafkaCluster, topics: Iterable[str]) -> dict[str, int]:
    """Where the partitions of these topics end now, by topic:partition."""
    found = [await kafka.bounds_of(topic) for topic in topics]
    return {f"{topic}:{number}": bounds.end for each in found for (topic, number), bounds in each.items()}


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
    return json.dumps({TICK: datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()}).encode()
