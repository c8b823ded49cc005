"""The twin of Kafka for tests of the runner: it writes down what happens, in virtual time."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from penstock.fold.protocol import Output
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.fold.weather import SendFailed
from penstock.kafka.memory import MemoryBroker, MemoryKafka
from penstock.kafka.ports import Consumer, Producer, TopicPartition
from tests.folds import Summing, encode
from tests.simulation.virtual import run

NUMBERS, SUMS = TopicPartition("numbers", 0), TopicPartition("sums", 0)
UNIT = Unit("sums", ("numbers",), lambda partition: Summing(partition, "sums"))


class Recorder:
    """A producer that keeps what it is asked, and acknowledges when the test says so."""

    def __init__(self) -> None:
        self.rounds: list[int] = []
        self.sending = 0
        self.open = asyncio.Event()
        self.open.set()
        self.failing = False

    async def send(self, outputs: Sequence[Output]) -> None:
        self.sending += 1
        assert self.sending == 1, "a round was sent before the one before it was acknowledged"
        self.rounds.append(len(outputs))
        await self.open.wait()
        self.sending -= 1
        if self.failing:
            raise SendFailed("no")

    async def stop(self) -> None:
        return None


class Cluster(MemoryKafka):
    """The twin with parts that a test can take hold of."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__(broker)
        self.broker = broker
        self.recorder: Recorder | None = None
        self.producers = 0
        self.consumers: list[Any] = []
        self.wrap: Callable[[Consumer], Consumer] = lambda consumer: consumer

    def consumer(self, *, group: str, instance: str, topics: Sequence[str]) -> Consumer:
        self.consumers.append(self.wrap(super().consumer(group=group, instance=instance, topics=topics)))
        return self.consumers[-1]  # type: ignore[no-any-return]

    async def producer(self) -> Producer:
        self.producers += 1
        return self.recorder or await super().producer()


def cluster(count: int = 0, topics: Sequence[str] = ("numbers", "sums")) -> Cluster:
    broker = MemoryBroker()
    for topic in topics:
        broker.create(topic)
    for number in range(count):
        broker.append(NUMBERS, None, encode(number=number))
    return Cluster(broker)


def in_virtual_time(test: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def main() -> None:
        await test()

    def timed() -> None:
        run(main())

    timed.__name__, timed.__doc__ = test.__name__, test.__doc__
    return timed


async def to_the_end(worker: Runner) -> None:
    """Run a worker that must end by itself."""
    async with asyncio.timeout(60):
        await worker.run()


def after(seconds: float) -> Callable[[], bool]:
    start_s = asyncio.get_running_loop().time()
    return lambda: asyncio.get_running_loop().time() >= start_s + seconds


def snapshots_of(snapshots: MemorySnapshots) -> list[int]:
    return sorted(id.sequence for id in snapshots._rows)
