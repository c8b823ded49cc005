"""A platform without faults for a story told by hand: for interleavings that must be exactly so."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random

from penstock.kafka.ports import TopicPartition
from penstock.spec import load
from tests.simulation.checks import violations_of
from tests.simulation.mischief import COMMANDS
from tests.simulation.platform import Choices, Run, end, make, send, settle, tell
from tests.simulation.processes import Host
from tests.simulation.shop import ANSWERS, MODEL, QUESTIONS, TEXT
from tests.simulation.story import BEGIN_MS, MINUTE_MS, Story
from tests.waiting import until

ORDINARY = {"PARTITIONS": "2", "WINDOW": "10d", "HORIZON": "10d", "CHALLENGERS": "adagrad", "METRICS": "log_loss", "CHECKPOINTS": "5"}


@dataclass(frozen=True, slots=True)
class Stage:
    """The platform, and words to tell a story with; times in minutes of event time."""

    run: Run
    story: Story

    def host(self, service: str, instance: str = "a") -> Host:
        """One process."""
        return next(host for host in self.run.hosts if (host.name, host.instance) == (service, instance))

    def down(self, service: str) -> None:
        """Every instance of a service dies."""
        for instance in "ab":
            self.host(service, instance).down()

    def up(self, service: str) -> None:
        """Every instance of a service is started again."""
        for instance in "ab":
            self.host(service, instance).up()

    def order(self, id: str, minutes: float, shop: str = "amber", amount: float = 10.0) -> None:
        """Somebody orders."""
        fields = {"order_id": id, "shop": shop, "amount": amount, "channel": None, "at": _ms(minutes)}
        send(self.run, self.story.event(QUESTIONS, fields))

    def paid(self, id: str, minutes: float, shop: str = "amber", paid: float = 100.0) -> None:
        """Somebody pays."""
        fields = {"payment_id": f"p-{id}", "order_id": id, "shop": shop, "paid": paid, "at": _ms(minutes)}
        send(self.run, self.story.event(ANSWERS, fields))

    def tick(self, minutes: float) -> None:
        """The producers say how far they are, everywhere."""
        for stream in (QUESTIONS, ANSWERS):
            for partition in range(self.run.spec.streams[stream].partitions):
                send(self.run, self.story.tick(stream, partition, _ms(minutes)))

    def end(self, family: str, number: int = 0) -> int:
        """Where a topic of the model ends."""
        return self.run.broker.bounds(TopicPartition(f"{family}.{MODEL}", number)).end

    def names(self, family: str, number: int = 0) -> list[str]:
        """The kinds of records in a topic of the model."""
        return [self.run.wire.read(record.value)[0] for record in self.run.records(family, MODEL, number)]

    def is_command(self, value: bytes) -> bool:
        """Whether somebody else than a fold made this record."""
        return self.run.wire.read(value)[0] in COMMANDS

    async def settled(self) -> None:
        """Everything is read and served."""
        await settle(self.run)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Something has happened, within a minute of the stage's time."""
        await until(condition, timeout_s=60)

    async def violations(self) -> list[str]:
        """Close what is open, stop everything, and check every invariant."""
        await end(self.run, self.story)
        return await violations_of(self.run)


@asynccontextmanager
async def staged(**changes: str) -> AsyncIterator[Stage]:
    """A platform that has told its trainer the specification, and serves."""
    text = TEXT
    for name, value in {**ORDINARY, **changes}.items():
        text = text.replace(name, value)
    random = Random(1)
    run = await make(Choices(0, faults=0.0), random, load(text))
    story = await tell(run, random)
    hosts = asyncio.gather(*(host.run() for host in run.hosts))
    run.registry.announce()
    try:
        await settle(run)
        yield Stage(run, story)
    finally:
        hosts.cancel()
        await asyncio.gather(hosts, return_exceptions=True)


def _ms(minutes: float) -> int:
    return BEGIN_MS + int(minutes * MINUTE_MS)
