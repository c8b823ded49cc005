"""What the outside world does in a run, drawn from its seed: orders, payments that answer them or do not, poison and ticks."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from penstock.fold.protocol import Header
from penstock.kafka.partition import partition_of
from penstock.kafka.ports import TopicPartition
from penstock.records import Writer
from penstock.spec import Spec
from tests.simulation.shop import ANSWERS, BAD_BELOW, HOUR_MS, QUESTIONS, SHOPS

BEGIN_MS = 1_700_000_000_000
MINUTE_MS, DAY_MS = 60_000, 86_400_000

POISON: tuple[bytes, ...] = (
    b"",
    b"\xffgarbage",
    b"{not json",
    b"[1]",
    b'{"order_id": "x"}',
    b'{"order_id": "x", "shop": "amber", "amount": NaN, "at": 1700000000000}',
    b'{"order_id": "x", "shop": "amber", "amount": "12", "at": 1700000000000}',
    b'{"order_id": "x", "shop": "nowhere", "amount": 1.0, "at": 1700000000000}',
    b'{"order_id": "x", "shop": "amber", "amount": 1e9, "at": 1700000000000}',
    b'{"order_id": "x", "shop": "amber", "amount": 1.0, "at": 4070908800000}',
    b'{"order_id": "", "shop": "amber", "amount": 1.0, "at": 1700000000000}',
    b'{"payment_id": "x", "order_id": "o1", "shop": "amber", "paid": -1.0, "at": 1700000000000}',
    b'{"penstock.tick": "soon"}',
    b"\0\0\0\x27\x0fnobody knows this schema",
)


@dataclass(frozen=True, slots=True)
class Sent:
    """One record as a producer sends it, `at_s` into the run. `fields` is what it says, None for poison; of a tick only its time."""

    at_s: float
    partition: TopicPartition
    key: bytes | None
    value: bytes
    fields: dict[str, Any] | None = None
    tick_ms: int | None = None
    headers: tuple[Header, ...] = ()


@dataclass(slots=True)
class Story:
    """Draws the records of a run; `patient` worlds have labels whose fate does not depend on who is down when."""

    random: Random
    spec: Spec
    writers: dict[str, Writer]
    patient: bool
    seconds: float
    orders: int
    end_ms: int = BEGIN_MS
    _sent: list[Sent] = field(default_factory=list)
    _pace: float = 0.0
    _payments: int = 0

    def tell(self) -> list[Sent]:
        """Every record, in the order of sending."""
        random, time_ms = self.random, BEGIN_MS
        step_ms = random.choice([20_000, 60_000, 180_000])
        self._pace = self.seconds / (self.orders * step_ms)
        flip = random.randrange(self.orders)  # the world changes here: what was paid well is paid badly
        for number in range(self.orders):
            time_ms += int(random.expovariate(1 / step_ms))
            self._order(f"o{number}", time_ms, changed=number > flip)
            if random.random() < 0.06:
                self._poison(time_ms)
            if random.random() < 0.04:
                self._tick(time_ms)
        self.end_ms = max(self.end_ms, time_ms)
        return sorted(self._sent, key=lambda sent: sent.at_s)

    def last_ticks(self) -> Iterator[Sent]:
        """The ticks that close what is open: far enough for the longest horizon."""
        horizon_ms = next(iter(self.spec.models.values())).label.horizon_ms
        for step in (1, 2, 3, 4):  # one tick may not jump further than ten times max_jump
            for stream in (ANSWERS, QUESTIONS):
                for partition in range(self.spec.streams[stream].partitions):
                    yield self.tick(stream, partition, self.end_ms + step * horizon_ms // 3 + HOUR_MS)

    def _order(self, order_id: str, time_ms: int, *, changed: bool) -> None:
        random, shop = self.random, self.random.choice(SHOPS)
        late_ms = random.randrange(20 * MINUTE_MS) if random.random() < 0.1 else 0
        amount = round(random.uniform(0, 400), 2)
        channel = random.choice(["web", "till", None])
        fields = {"order_id": order_id, "shop": shop, "amount": amount, "channel": channel, "at": time_ms - late_ms}
        at_s = self._when(time_ms)
        self._send(QUESTIONS, fields, at_s)
        if random.random() < 0.05:
            self._far_ahead({**fields, "order_id": f"{order_id}-far"}, at_s + 0.7)
        is_bad = (amount > 200) != changed
        self._repeat(QUESTIONS, fields, self._when(time_ms))
        if random.random() < 0.9:
            self._answer(order_id, shop, time_ms, is_bad)

    def _answer(self, order_id: str, shop: str, asked_ms: int, is_bad: bool) -> None:
        """The payment of an order: mostly once and later, sometimes early, too late, twice, or twice with another answer."""
        random = self.random
        delay_ms = random.randrange(MINUTE_MS, 25 * MINUTE_MS)
        if random.random() < 0.08:
            delay_ms = -random.randrange(1, 10 * MINUTE_MS)
        elif random.random() < 0.05:
            delay_ms = random.randrange(40 * MINUTE_MS, 120 * MINUTE_MS)
        fields = self._payment(order_id, shop, asked_ms + delay_ms, is_bad)
        self._send(ANSWERS, fields, self._when(fields["at"]))
        match random.random():
            case drawn if drawn < 0.07:
                self._repeat(ANSWERS, fields, self._when(fields["at"]), always=True)
            case drawn if drawn < 0.12:
                again = self._payment(order_id, shop, fields["at"] + random.randrange(10 * MINUTE_MS), is_bad != (random.random() < 0.6))
                self._send(ANSWERS, again, self._when(again["at"]))
            case drawn if drawn < 0.15:  # the same payment says something else: a conflict that ingestion refuses
                self._send(ANSWERS, {**fields, "paid": fields["paid"] + 1.0}, self._when(fields["at"]) + 0.2)
            case drawn if drawn < 0.17:
                orphan = self._payment(f"nobody-{order_id}", shop, fields["at"], is_bad)
                self._send(ANSWERS, orphan, self._when(orphan["at"]))

    def _payment(self, order_id: str, shop: str, time_ms: int, is_bad: bool) -> dict[str, Any]:
        self._payments += 1
        paid = round(self.random.uniform(0, BAD_BELOW - 1) if is_bad else self.random.uniform(BAD_BELOW, 500), 2)
        return {"payment_id": f"p{self._payments}", "order_id": order_id, "shop": shop, "paid": paid, "at": time_ms}

    def _repeat(self, stream: str, fields: dict[str, Any], at_s: float, *, always: bool = False) -> None:
        """The producer sends the same again, perhaps through another partition."""
        if always or self.random.random() < 0.06:
            partition = self.random.randrange(self.spec.streams[stream].partitions) if self.random.random() < 0.4 else None
            self._send(stream, fields, at_s + self.random.uniform(0, 3), partition)

    def event(self, stream: str, fields: dict[str, Any], at_s: float = 0.0, partition: int | None = None) -> Sent:
        """One event, as JSON or as Avro, to the partition of its shop unless its producer takes another one."""
        self.end_ms = max(self.end_ms, fields["at"])
        value = self.writers[stream](fields) if self.random.random() < 0.3 else json.dumps(fields).encode()
        return Sent(at_s, self._partition(stream, fields["shop"], partition), fields["shop"].encode(), value, fields)

    def tick(self, stream: str, partition: int, time_ms: int, at_s: float = 0.0) -> Sent:
        """A producer says how far it is, in one of two ways."""
        text = datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds")
        place = TopicPartition(f"events.{stream}", partition)
        if self.random.random() < 0.5:
            return Sent(at_s, place, None, json.dumps({"penstock.tick": text}).encode(), tick_ms=time_ms)
        headers = (("ce_type", b"penstock.tick"), ("ce_time", text.encode()))
        return Sent(at_s, place, None, b"", tick_ms=time_ms, headers=headers)

    def _send(self, stream: str, fields: dict[str, Any], at_s: float, partition: int | None = None) -> None:
        self._sent.append(self.event(stream, fields, at_s, partition))

    def _poison(self, time_ms: int) -> None:
        stream = self.random.choice([QUESTIONS, ANSWERS])
        place = self._partition(stream, self.random.choice(SHOPS), None)
        self._sent.append(Sent(self._when(time_ms), place, b"k", self.random.choice(POISON)))

    def _far_ahead(self, fields: dict[str, Any], at_s: float) -> None:
        """An order from a time that no other order has come near to: poison, after the one that stands before it."""
        value = json.dumps({**fields, "at": fields["at"] + 20 * DAY_MS}).encode()
        self._sent.append(Sent(at_s, self._partition(QUESTIONS, fields["shop"], None), fields["shop"].encode(), value))

    def _tick(self, time_ms: int) -> None:
        """A producer says how far it is; in a world that is not patient it may run ahead of what still waits."""
        stream = self.random.choice([QUESTIONS, ANSWERS])
        ahead_ms = 0 if self.patient else self.random.choice([0, 0, 30 * MINUTE_MS])
        partition = self.random.randrange(self.spec.streams[stream].partitions)
        self._sent.append(self.tick(stream, partition, time_ms + ahead_ms, self._when(time_ms)))

    def _partition(self, stream: str, shop: str, partition: int | None) -> TopicPartition:
        """Where Kafka's partitioner puts it."""
        found = partition_of(shop.encode(), self.spec.streams[stream].partitions) if partition is None else partition
        return TopicPartition(f"events.{stream}", found)

    def _when(self, time_ms: int) -> float:
        """When it is sent: in bursts, in the order of event time but for some noise."""
        at_s = min(max(0.0, (time_ms - BEGIN_MS) * self._pace), 1.3 * self.seconds) + self.random.uniform(0, 0.5)
        return round(at_s * 3) / 3
