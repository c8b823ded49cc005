"""The load: payments and, a moment later, verdicts on most of them; seeded, steady, and every one acknowledged in the end."""

import asyncio
import contextlib
import heapq
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any, NamedTuple

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

MODEL, PAYMENTS, VERDICTS = "payments-fraud", "payments", "verdicts"
VERDICT_AFTER_S = 0.3
VERDICT_SHARE = 0.95  # of the others nobody ever hears
TWICE_SHARE = 0.02  # sent two times by their producer
SHOPS = 40
PACE_S = 0.02
OVERSIZE_BYTES = 1_010_000  # Kafka takes it, the platform does not
OPTIONS = {"acks": "all", "enable_idempotence": True, "linger_ms": 5, "request_timeout_ms": 40_000, "max_request_size": 2_000_000}

SPECIFICATION = """
streams:
  payments:
    key: shop
    id: id
    time: at
    partitions: 2
    dedup_window: 10m
    fields:
      id: string
      shop: string
      at: timestamp
      amount: {type: double, range: [0, 10000]}
      haste: double
  verdicts:
    key: shop
    id: id
    time: at
    partitions: 2
    dedup_window: 10m
    fields: {id: string, shop: string, at: timestamp, fraud: {type: long, range: [0, 1]}}
views:
  payments-basic:
    from: payments
    select: [amount, haste]
    compute:
      fraud_10s:  {mean: verdicts.fraud, window: 10s, default: 0}
      last_fraud: {last: verdicts.fraud, max_age: 1m, default: 0}
models:
  payments-fraud:
    task: binary_classification
    view: payments-basic
    label: {from: verdicts, id: id, positive: "fraud == 1", horizon: 30s}
    preprocess: [{select: numbers, then: preprocessing.StandardScaler}]
    learners:
      sgd:     {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.02}}}
      adagrad: {linear_model.LogisticRegression: {optimizer: {optim.AdaGrad: 0.05}}}
    champion: sgd
    challengers: [adagrad]
    metrics: [log_loss, rocauc, accuracy]
    checkpoint_every_labels: 50
    promotion: {mode: automatic, metric: log_loss, after_labels: 2000, margin: 0.001}
"""


class Message(NamedTuple):
    """One record on its way; `due_s` is when it should be sent, in seconds since the epoch. A bad one has no event id."""

    due_s: float
    number: int
    stream: str
    event_id: str
    key: bytes
    value: bytes


class Place(NamedTuple):
    """Where the broker has put a record."""

    topic: str
    partition: int
    offset: int


@dataclass(slots=True)
class Sent:
    """What was acknowledged: when each event of a stream was sent, in seconds since the epoch, and where the bad records stand.

    `receipts`: the bytes that were said to stand at a place, until somebody looks.
    """

    payments: dict[str, float] = field(default_factory=dict)
    verdicts: dict[str, float] = field(default_factory=dict)
    bad: set[Place] = field(default_factory=set)
    receipts: dict[Place, bytes] = field(default_factory=dict)

    @property
    def events(self) -> int:
        """How many events were acknowledged, each once."""
        return len(self.payments) + len(self.verdicts)

    def note(self, message: Message, place: Place) -> None:
        """Take an acknowledgement."""
        self.receipts[place] = message.value
        if message.event_id:
            (self.payments if message.stream == PAYMENTS else self.verdicts)[message.event_id] = message.due_s
        else:
            self.bad.add(place)


class Schedule:
    """What is to be sent when: a function of the seed and of the times at which it is held. The ids begin with `name`."""

    def __init__(self, seed: int, rate_per_s: float, name: str = "payment") -> None:
        self.bad_share = 0.0
        self._name = name
        self._rate_per_s = rate_per_s
        self._chance = Random(seed)
        self._payments = self._numbers = 0
        self._began_s: float | None = None
        self._waiting: list[Message] = []  # a heap

    @property
    def is_held(self) -> bool:
        """Whether no new payments are made."""
        return self._began_s is None

    @property
    def empty(self) -> bool:
        """Whether nothing waits for its time."""
        return not self._waiting

    def hold(self) -> None:
        """Make no new payments; verdicts on those that were made still come."""
        self._began_s = None

    def go_on(self, now_s: float) -> None:
        """Make payments from now on."""
        self._began_s = now_s - self._payments / self._rate_per_s

    def due(self, now_s: float) -> list[Message]:
        """What is to be sent by now and was not given before, in order of time."""
        while self._began_s is not None and (at_s := self._began_s + self._payments / self._rate_per_s) <= now_s:
            self._pay(at_s)
        due = []
        while self._waiting and self._waiting[0].due_s <= now_s:
            due.append(heapq.heappop(self._waiting))
        return due

    def _pay(self, at_s: float) -> None:
        chance, event_id = self._chance, f"{self._name}-{self._payments}"
        self._payments += 1
        shop = f"shop-{chance.randrange(SHOPS)}"
        amount, haste = round(chance.expovariate(0.01) % 10_000, 2), round(chance.gauss(0, 1), 6)
        payment = {"id": event_id, "shop": shop, "at": _rfc3339(at_s), "amount": amount, "haste": haste}
        self._add(PAYMENTS, event_id, at_s, payment)
        if chance.random() < VERDICT_SHARE:
            late_s = at_s + VERDICT_AFTER_S
            fraud = int(chance.random() < 1 / (1 + 2.7 ** (1 - haste - amount / 200)))
            self._add(VERDICTS, event_id, late_s, {"id": event_id, "shop": shop, "at": _rfc3339(late_s), "fraud": fraud})
        if chance.random() < self.bad_share:
            spoil = chance.choices(SPOILT, WEIGHTS)[0]
            self._put(PAYMENTS, "", at_s, shop, spoil(payment, chance))

    def _add(self, stream: str, event_id: str, at_s: float, body: dict[str, Any]) -> None:
        for _ in range(2 if self._chance.random() < TWICE_SHARE else 1):
            self._put(stream, event_id, at_s, body["shop"], json.dumps(body).encode())

    def _put(self, stream: str, event_id: str, at_s: float, key: str, value: bytes) -> None:
        self._numbers += 1
        heapq.heappush(self._waiting, Message(at_s, self._numbers, stream, event_id, key.encode(), value))


@dataclass(slots=True)
class Load:
    """Sends a schedule to Kafka, each record until it is acknowledged."""

    bootstrap: str
    schedule: Schedule
    sent: Sent = field(default_factory=Sent)
    _unacknowledged: dict[int, Message] = field(default_factory=dict)
    _failed: bool = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Send while inside, whenever the schedule is not held."""
        work = asyncio.create_task(self._run())
        try:
            yield
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await work

    @property
    def settled(self) -> bool:
        """Whether the schedule is held and everything of it is acknowledged."""
        return self.schedule.is_held and self.schedule.empty and not self._unacknowledged

    async def _run(self) -> None:
        """Send for ever; a producer that fails is replaced, and sends again what it left open, in order."""
        while True:
            self._failed = False
            with contextlib.suppress(KafkaError, OSError):
                async with AIOKafkaProducer(bootstrap_servers=self.bootstrap, **OPTIONS) as producer:
                    await self._send(producer)
            await asyncio.sleep(PACE_S)

    async def _send(self, producer: AIOKafkaProducer) -> None:
        for message in list(self._unacknowledged.values()):
            await self._submit(producer, message)
        while not self._failed:
            due = self.schedule.due(time.time())
            self._unacknowledged |= {message.number: message for message in due}
            for message in due:
                await self._submit(producer, message)
            await asyncio.sleep(PACE_S)

    async def _submit(self, producer: AIOKafkaProducer, message: Message) -> None:
        acknowledged = await producer.send(f"events.{message.stream}", message.value, key=message.key)

        def done(future: "asyncio.Future[Any]") -> None:
            if future.cancelled() or future.exception():
                self._failed = True
            elif self._unacknowledged.pop(message.number, None):
                place = future.result()
                self.sent.note(message, Place(place.topic, place.partition, place.offset))

        acknowledged.add_done_callback(done)


def _rfc3339(at_s: float) -> str:
    return datetime.fromtimestamp(at_s, UTC).isoformat(timespec="milliseconds")


Spoil = Callable[[dict[str, Any], Random], bytes]


def _changed(**changes: Any) -> Spoil:
    return lambda payment, _: json.dumps({**payment, "id": "bad-" + payment["id"], **changes}).encode()


SPOILT: tuple[Spoil, ...] = (
    lambda payment, chance: json.dumps(payment).encode()[: chance.randrange(1, 60)],  # cut off
    lambda _, chance: b"\x00\x00\x00\x00\x01" + chance.randbytes(30),  # framed, of a schema that it does not fit
    lambda _, chance: b"\x00\x7f\xff\xff\xff" + chance.randbytes(30),  # framed, of a schema that does not exist
    lambda _, chance: bytes([chance.randrange(1, 123)]) + chance.randbytes(30),
    lambda payment, _: json.dumps({**payment, "amount": 1}).encode(),  # an id that is remembered, with another payload
    _changed(amount=-1.0),
    _changed(haste=float("nan")),
    _changed(haste="much"),
    _changed(at="2099-01-01T00:00:00Z"),
    _changed(shop=""),
    _changed(shop="s" * OVERSIZE_BYTES),
)
WEIGHTS = (*(3,) * (len(SPOILT) - 1), 1)
