"""An upgrade in the middle of a run: the trainers are stopped, come back with another River, and an operator has the log rebuilt."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from penstock.fold.protocol import Missing, Poison
from penstock.fold.weather import Weather
from penstock.kafka.ports import TopicPartition
from penstock.records import Wire, platform_schema
from penstock_trainer.cohort import canonical
from tests.simulation.processes import Host
from tests.simulation.shop import MODEL
from tests.simulation.twins import Outside

LEARNING = TopicPartition(f"learning.{MODEL}", 0)
UNIT = f"trainer/{MODEL}"
LOOK_EVERY_S = 1.0


@dataclass(slots=True)
class Upgrade:
    """Who upgrades the trainers, and cures what they refuse for as long as they refuse it."""

    outside: Outside
    hosts: Sequence[Host]
    wire: Wire
    random: Random
    injected: Counter[str]

    async def act(self) -> None:
        """One upgrade; then an operator who looks every second."""
        await asyncio.sleep(self.random.uniform(2.0, 12.0))
        trainers = [host for host in self.hosts if host.name == "trainer"]
        for host in trainers:
            host.down()
        self.injected["upgrade"] += 1
        self.outside.runtime["river"] = "9.0"
        await asyncio.sleep(self.random.uniform(0.1, 3.0))
        for host in trainers:
            host.up()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for host in trainers:
                if host.fleet and UNIT in host.fleet.refused:
                    with contextlib.suppress(Weather):  # the operator asks again
                        await rebuild(self.outside, self.wire)
                        host.fleet.try_again(UNIT)


async def rebuild(outside: Outside, wire: Wire, cause: str = "rebuild:1") -> int:
    """Append the command as the trainer does when somebody asks for it, unless it is there; its offset."""
    runtime = canonical(outside.runtime)
    for record in outside.broker.records(LEARNING):
        if _rebuilds(record.value, wire, runtime):
            return record.offset
    known = await outside.snapshots.newest(UNIT, 0, 1)
    versions = {str(version): each.learner for (version, _), each in sorted(outside.registry.checkpoints.items())}
    write = await wire.writer(LEARNING.topic, platform_schema("Rebuilt"))
    told = known[0].sequence if known else 0
    value = write({"event_time_ms": 1, "cause": cause, "runtime": runtime, "versions": versions, "told": told, "reason": "drill"})
    return outside.broker.append(LEARNING, MODEL.encode(), value).offset


def _rebuilds(value: bytes | None, wire: Wire, runtime: str) -> bool:
    try:
        name, fields = wire.read(value)
    except (Poison, Missing):
        return False
    return name == "Rebuilt" and bool(fields["runtime"] == runtime)
