"""The buffer is bounded, order is kept through failures, and nothing is lost without a word."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiokafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from penstock.fold.protocol import Output
from penstock.fold.weather import SendFailed, Weather
from penstock.producer import Acknowledgement, Closed, NotAcknowledged, TooLarge
from penstock.producer.courier import Carrier, Courier
from penstock.producer.delivery import held_bytes
from penstock.producer.encoder import Message
from penstock.producer.options import Settings
from penstock.producer.outbox import Outbox
from tests.simulation.virtual import run
from tests.waiting import until

TIMEOUT_S = 60.0
STOP_S = 2.0  # of virtual time


@dataclass
class Broker:
    """One partition; its carriers fail as they are told: `fates` are those of the next rounds, each "ok", "lost", "half" or "away"."""

    fates: Iterator[str] = field(default_factory=lambda: iter(()))
    is_open: asyncio.Event = field(default_factory=asyncio.Event)
    size_max: int = 1_000
    log: list[bytes | None] = field(default_factory=list)
    connections: int = 0

    async def connect(self) -> Carrier:
        self.connections += 1
        return _Carrier(self)


class _Carrier:
    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._failed = False

    async def stop(self) -> None:
        self._failed = True
        await asyncio.sleep(STOP_S)

    async def deliver(self, outputs: Sequence[Output], *, alone: bool = False) -> list[int | Exception]:
        assert not self._failed, "a producer that has failed is good for nothing"
        await self._broker.is_open.wait()
        fate, log = next(self._broker.fates, "ok"), self._broker.log
        self._failed = fate != "ok"
        if fate == "away":
            raise Weather("the broker is away")
        places: list[int | Exception] = []
        sizes = [len(output.value or b"") for output in outputs]
        if not alone and max(sizes) > self._broker.size_max:
            self._failed = True
            return [MessageSizeTooLargeError()] * len(outputs)
        for output in outputs:
            if len(output.value or b"") > self._broker.size_max:
                self._failed = True
                places.append(MessageSizeTooLargeError())
                break
            places.append(len(log))
            log.append(output.value)
        if fate in ("lost", "half"):
            kept = len(places) // 2 if fate == "half" else 0
            places[kept:] = [KafkaTimeoutError()] * (len(places) - kept)
        return places + [SendFailed("behind a failure")] * (len(outputs) - len(places))


def message(value: bytes) -> Message:
    return Message(Output("events.x", 0, None, value), value.decode())


@asynccontextmanager
async def outbox(broker: Broker, **settings: float) -> AsyncIterator[Outbox]:
    box = Outbox(Courier(broker.connect), Settings(**{"timeout_s": TIMEOUT_S, **settings}))  # type: ignore[arg-type]
    work = asyncio.create_task(box.run())
    try:
        yield box
    finally:
        work.cancel()
        await asyncio.wait([work])
        box.close()


def test_back_pressure_bounds_the_buffer_and_lets_all_through_in_order() -> None:
    async def story() -> None:
        broker, size = Broker(), held_bytes(message(b"000"))
        async with outbox(broker, buffer_bytes=10 * size, batch_bytes=3 * size) as box:
            sending = asyncio.create_task(send(box, 100))
            await until(lambda: len(box._room._waiting) == 1)
            assert (box.held_bytes, sending.done()) == (10 * size, False)
            broker.is_open.set()
            await sending
            await box.flush()
            assert (box.held_bytes, broker.log) == (0, [b"%03d" % number for number in range(100)])

    run(story())


async def send(box: Outbox, count: int) -> list[Acknowledgement]:
    deliveries = [await box.accept(message(b"%03d" % number)) for number in range(count)]
    return [await delivery for delivery in deliveries]


@pytest.mark.parametrize("fates", [["lost"], ["half"], ["away", "lost", "half"], ["half", "half", "away", "half"]])
def test_what_failed_is_sent_again_in_order_over_a_new_connection(fates: list[str]) -> None:
    async def story() -> None:
        broker = Broker(iter(fates))
        broker.is_open.set()
        async with outbox(broker) as box:
            acknowledged = await send(box, 20)
        assert [broker.log[place.offset] for place in acknowledged] == [b"%03d" % number for number in range(20)]
        assert list(dict.fromkeys(broker.log)) == sorted(set(map(bytes, filter(None, broker.log)))), "first comes first"
        assert broker.connections == 1 + len(fates)

    run(story())


def test_what_is_not_acknowledged_in_time_fails_and_what_comes_later_does_not_wait_for_it() -> None:
    async def story() -> None:
        broker = Broker()
        async with outbox(broker) as box:
            late = await box.accept(message(b"late"))
            with pytest.raises(NotAcknowledged, match="send it again with the same id"):
                await late
            assert asyncio.get_running_loop().time() == pytest.approx(TIMEOUT_S, abs=STOP_S + 1)
            broker.is_open.set()
            assert (await (await box.accept(message(b"next")))).offset == 0
            await box.flush()

    run(story())


def test_a_failure_that_nobody_awaited_is_told_by_flush_once() -> None:
    async def story() -> None:
        async with outbox(Broker()) as box:
            for _ in range(3):
                await box.accept(message(b"lost"))
            with pytest.raises(NotAcknowledged):
                await box.flush()
            await box.flush()

    run(story())


def test_one_that_the_broker_does_not_take_takes_no_other_with_it() -> None:
    async def story() -> None:
        broker = Broker(size_max=10)
        broker.is_open.set()
        async with outbox(broker) as box:
            deliveries = [await box.accept(message(value)) for value in (b"a", b"b" * 20, b"c")]
            assert (await deliveries[0]).event_id == "a"
            with pytest.raises(TooLarge, match="takes no record of this size"):
                await deliveries[1]
            assert (await deliveries[2]).event_id == "c"
        assert list(dict.fromkeys(broker.log)) == [b"a", b"c"]

    run(story())


def test_flush_tells_of_a_record_that_was_refused_while_its_connection_is_still_being_closed() -> None:
    async def story() -> None:
        broker = Broker(size_max=10)
        broker.is_open.set()
        async with outbox(broker) as box:
            await box.accept(message(b"b" * 20))
            with pytest.raises(TooLarge):
                await box.flush()
            await box.flush()

    run(story())


def test_closing_tells_all_who_wait() -> None:
    async def story() -> None:
        size = held_bytes(message(b"a"))
        async with outbox(Broker(), buffer_bytes=size) as box:
            inside = await box.accept(message(b"a"))
            outside = asyncio.create_task(send(box, 1))
            await until(lambda: bool(box.held_bytes))
        for each in (inside, outside):
            with pytest.raises(Closed):
                await each
        with pytest.raises(Closed):
            await box.accept(message(b"b"))

    run(story())


def test_who_gives_up_waiting_for_room_leaves_it_to_the_next() -> None:
    async def story() -> None:
        broker, size = Broker(), held_bytes(message(b"000"))
        async with outbox(broker, buffer_bytes=size) as box:
            first = await box.accept(message(b"000"))
            hasty, patient = (asyncio.create_task(box.accept(message(value))) for value in (b"111", b"222"))
            await until(lambda: len(box._room._waiting) == 2)
            hasty.cancel()
            broker.is_open.set()
            await first
            await (await patient)
            await box.flush()
            assert (box.held_bytes, broker.log) == (0, [b"000", b"222"])

    run(story())
