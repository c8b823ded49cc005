"""The runner in a world where everything goes wrong, drawn from a seed: what readers accept is what a world without faults gives."""

import asyncio
import contextlib
import json
from random import Random
from typing import Any

import pytest

from penstock.fold.limits import Limits
from penstock.fold.runner import Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.kafka.memory import Crash, MemoryBroker, MemoryKafka, SeededFaults
from penstock.kafka.ports import TopicPartition
from tests.folds import Summing, accepted, encode, gaps
from tests.simulation.virtual import run
from tests.waiting import until
from tests.worlds import World, runner

NUMBERS = 400
FAULTY_S = 40.0
LIMITS = Limits(snapshot_every_s=0.5, snapshot_cost_factor=0.0, round_records_max=25)

FIRST = Unit("first", ("numbers",), lambda partition: Summing(partition, "sums", fan_out=2), group="first")
SECOND = Unit("second", ("sums",), lambda partition: Summing(partition, "results"), group="second")


class Machine:
    """Keeps one runner of a unit going, as a supervisor does: a process that dies is started anew with new faults."""

    def __init__(self, broker: MemoryBroker, unit: Unit, snapshots: MemorySnapshots, instance: str, random: Random) -> None:
        self._broker, self._unit, self._snapshots, self._instance, self._random = broker, unit, snapshots, instance, random
        self.faults: SeededFaults | None = None
        self.calm = False
        self.deaths = 0
        self.world = World()

    async def run(self) -> None:
        while True:
            self.faults = SeededFaults(self._random, crash=0.004, weather=0.01, freeze=0.002, batch=0.1)
            if self.calm:
                self.faults.calm()
            worker = runner(
                self._unit, MemoryKafka(self._broker, self.faults), self._snapshots, self.world,
                instance=self._instance, limits=LIMITS, seed=self._random.randrange(1000),
            )  # fmt: skip
            with contextlib.suppress(Crash):
                await worker.run()
            self.deaths += 1
            await asyncio.sleep(1.0)

    def settle(self) -> None:
        """No more faults."""
        self.calm = True
        if self.faults:
            self.faults.calm()


async def feed(broker: MemoryBroker, random: Random) -> None:
    for number in range(NUMBERS):
        broker.append(TopicPartition("numbers", 0), None, encode(number=number, word="poison" if number % 50 == 7 else ""))
        await asyncio.sleep(random.uniform(0, 2 * FAULTY_S / NUMBERS))


async def spoil(snapshots: MemorySnapshots, random: Random) -> None:
    """Bad disks and lost replies."""
    while True:
        await asyncio.sleep(random.uniform(1, 5))
        snapshots.lost_replies = random.choice([0, 1])
        snapshots.unavailable = random.random() < 0.1
        for unit in (FIRST, SECOND):
            with contextlib.suppress(Exception):
                ids = await snapshots.newest(unit.name, 0, 1)
                if len(ids) > 1 and random.random() < 0.5:
                    await snapshots.load(ids[1])  # an older one is good, so that not all of them are bad
                    snapshots.rot(ids[0])


async def simulate(seed: int, *, faults: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, float]]:
    """What readers accept of both stages, and what was counted."""
    random = Random(seed)
    broker, snapshots = MemoryBroker(), MemorySnapshots()
    for topic in ("numbers", "sums", "results"):
        broker.create(topic)
    machines = [Machine(broker, unit, snapshots, instance, random) for unit in (FIRST, SECOND) for instance in "ab"]
    if not faults:
        for machine in machines:
            machine.settle()
    tasks = [asyncio.create_task(machine.run()) for machine in machines]
    spoiling = asyncio.create_task(spoil(snapshots, random)) if faults else None
    await feed(broker, Random(0))
    if spoiling:
        spoiling.cancel()
        snapshots.lost_replies, snapshots.unavailable = 0, False
    for machine in machines:
        machine.settle()
    expected = (NUMBERS - NUMBERS // 50) * 2
    results = TopicPartition("results", 0)
    with contextlib.suppress(AssertionError):  # what is missing shows in the comparison
        await until(lambda: broker.bounds(results).end >= expected == len(accepted(broker.records(results))), timeout_s=120)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    for task in tasks:
        assert task.cancelled(), task.exception()
    sums = accepted(broker.records(TopicPartition("sums", 0)))
    counted = {"deaths": float(sum(machine.deaths for machine in machines))}
    for machine in machines:
        for name, count in machine.world.counted.items():
            counted[name] = counted.get(name, 0) + count
    counted["echoes"] = len(broker.records(TopicPartition("sums", 0))) - len(sums)
    return sums, accepted(broker.records(results)), counted


def without_positions(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Echoes shift the offsets of the next stage: what is said stays the same, where it stands does not."""
    return [{name: value for name, value in record.items() if name != "origin"} for record in records]


@pytest.fixture(scope="module")
def calm() -> tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, float]]:
    return run(simulate(0, faults=False))


def test_a_world_without_faults_has_no_echoes_and_no_gaps(
    calm: tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, float]],
) -> None:
    sums, results, counted = calm
    assert len(sums) == len(results) == 2 * (NUMBERS - NUMBERS // 50)
    assert gaps(results, 1) == []
    assert counted["echoes"] == counted["deaths"] == counted.get("restarts", 0) == 0


@pytest.mark.parametrize("seed", range(10))
def test_readers_accept_the_same_whatever_goes_wrong(
    seed: int, calm: tuple[list[dict[str, Any]], list[dict[str, Any]], dict[str, float]]
) -> None:
    sums, results, counted = run(simulate(seed, faults=True))
    assert counted["restarts"] > 0
    assert sums == calm[0]
    assert without_positions(results) == without_positions(calm[1])


def test_the_same_seed_gives_the_same_run() -> None:
    first, second = run(simulate(3, faults=True)), run(simulate(3, faults=True))
    assert json.dumps(first) == json.dumps(second)
