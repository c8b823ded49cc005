"""What goes wrong in a run beside the faults at every operation: an operator, bad disks, storms, and commands that come late."""

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from penstock.fold.protocol import LogRecord
from penstock.kafka.ports import TopicPartition
from penstock.records import Wire, platform_schema
from tests.simulation.processes import Host
from tests.simulation.settled import runners
from tests.simulation.shop import MODEL, QUESTIONS, changed
from tests.simulation.twins import Outside

COMMANDS = ("SpecApplied", "DriftDetected", "Rewound", "Rebuilt", "Serve")
DRIFTS_MAX = 3
LEARNING = TopicPartition(f"learning.{MODEL}", 0)


@dataclass(slots=True)
class Mischief:
    """Acts until it is stopped; everything it does is counted in `injected`."""

    outside: Outside
    hosts: list[Host]
    wire: Wire
    random: Random
    injected: Counter[str]
    rewinds: int = 0

    def acts(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What goes on side by side."""
        acts = (self._operate(), self._spoil(), self._append_late(), self._detect(), self._apply_again(), self._watch())
        return iter((*acts, self._rewind()) if self.rewinds else acts)

    def stop(self) -> None:
        """From here on nothing goes wrong any more."""
        self.outside.snapshots.lost_replies, self.outside.snapshots.unavailable = 0, False
        for host in self.hosts:
            host.settle()

    async def _operate(self) -> None:
        """Kill, stop or freeze a process, or one of its consumers; or all lose sight of the broker."""
        pause_s = self.random.choice([1.0, 3.0, 10.0])
        while True:
            await asyncio.sleep(self.random.expovariate(1 / pause_s))
            host = self.random.choice(self.hosts)
            match self.random.randrange(9):
                case 0 | 1 | 2:
                    host.kill()
                case 3 | 4:
                    host.stop()
                case 5 | 6:
                    host.freeze(self.random.uniform(1.0, 14.0))
                case 7:
                    host.stick()
                case _:
                    self.injected["storm"] += 1
                    for each in self.hosts:
                        if each.faults:
                            each.faults.storm(self.random.uniform(0.5, 4.0))

    async def _spoil(self) -> None:
        """Bad disks, lost replies and old backups."""
        snapshots = self.outside.snapshots
        while True:
            await asyncio.sleep(self.random.expovariate(1 / 2.0))
            snapshots.unavailable = self.random.random() < 0.1
            snapshots.lost_replies = self.random.choice([0, 0, 1])
            self.injected["snapshots away"] += snapshots.unavailable
            self.injected["lost commit reply"] += snapshots.lost_replies
            ids = snapshots.ids()
            if ids and self.random.random() < 0.5:
                spoil, name = self.random.choice([(snapshots.rot, "corrupt snapshot"), (snapshots.lose, "stale snapshot")])
                spoil(self.random.choice(ids))
                self.injected[name] += 1

    async def _append_late(self) -> None:
        """A reconciler that was frozen appends what it decided long ago; or junk stands in a log."""
        while True:
            await asyncio.sleep(self.random.expovariate(1 / 4.0))
            topic = self.random.choice(["learning", "features"])
            number = self.random.randrange(self.outside.broker.partitions(f"{topic}.{MODEL}"))
            place = TopicPartition(f"{topic}.{MODEL}", number)
            if self.random.random() < 0.2:
                self.injected["junk"] += 1
                self.outside.broker.append(place, b"junk", self.random.choice([b"junk", b"", b"\0\0\0\0\1\2"]))
                continue
            commands = [record for record in self.outside.broker.records(place) if self._name(record.value) in COMMANDS]
            if commands:
                self.injected["late command"] += 1
                late = self.random.choice(commands)
                self.outside.broker.append(place, late.key, late.value)

    async def _detect(self) -> None:
        """Drift that another detector has seen, told perhaps twice."""
        write = await self.wire.writer("drift", platform_schema("DriftDetected"))
        for number in range(DRIFTS_MAX):
            await asyncio.sleep(self.random.expovariate(1 / 6.0))
            drift = {"event_time_ms": 1, "origin": None, "model": MODEL, "kind": "concept", "signal": "loss", "detector": "drill"}
            evidence = {"statistic": 1.0, "baseline": 0.5, "severity": 1.0, "window_from": 0, "window_to": 1, "labels": 1}
            for _ in range(self.random.choice([1, 2])):
                self.injected["drift drill"] += 1
                value = write({**drift, **evidence, "cause": f"drill:{number}"})
                self.outside.broker.append(TopicPartition("drift", 0), MODEL.encode(), value)

    async def _apply_again(self) -> None:
        """Somebody applies the specification again, or changed, while everything runs."""
        await asyncio.sleep(self.random.uniform(2.0, 15.0))
        catalogue, spec = self.outside.catalogue, self.outside.registry.spec
        if self.random.random() < 0.5:
            self.injected["new specification"] += 1
            model = changed(spec.models[MODEL])
            self.outside.registry.apply(model)
            catalogue.change(lambda each: each.models, MODEL, model)
        if self.random.random() < 0.5:
            self.injected["unit restarted"] += 1
            catalogue.change(lambda each: each.streams, QUESTIONS, spec.streams[QUESTIONS])

    async def _rewind(self) -> None:
        """Somebody takes back what was learned from a part of the log, told perhaps twice, and perhaps before the last time is done."""
        for number in range(self.rewinds):
            await asyncio.sleep(self.random.choice([0.5, 3.0, 8.0]))
            if (drawn := draw_rewind(list(self.outside.broker.records(LEARNING)), self._name, self.random)) is None:
                continue
            write = await self.wire.writer(LEARNING.topic, platform_schema("Rewound"))
            value = write({"event_time_ms": 1, "cause": f"rewind:{number}", "reason": "drill", **drawn})
            for _ in range(self.random.choice([1, 1, 2])):
                self.injected["rewind"] += 1
                self.outside.broker.append(LEARNING, MODEL.encode(), value)

    async def _watch(self) -> None:
        """Count the moments at which two processes take themselves for the owner of one partition."""
        while True:
            await asyncio.sleep(0.5)
            owned = [input for runner in runners(self.hosts) for input in runner.positions]
            self.injected["two owners"] += len(owned) - len(set(owned))

    def _name(self, value: bytes | None) -> str:
        try:
            return self.wire.read(value)[0]
        except Exception:  # junk
            return ""


def draw_rewind(records: Sequence[LogRecord], name: Callable[[bytes | None], str], random: Random) -> dict[str, Any] | None:
    """Where a rewind goes back to and what it cuts, of a log as it stands; None while it has no specification."""
    first = next((record.offset for record in records if name(record.value) == "SpecApplied"), None)
    if first is None or len(records) - first < 3:  # something must stand between
        return None
    to = random.randrange(first + 1, len(records) - 1)
    cuts = []
    for _ in range(random.choice([0, 1, 1, 2])):
        start = random.randrange(to, len(records) - 1)
        cuts.append({"start": start, "end": random.randrange(start + 1, min(len(records), start + 40) + 1)})
    return {"to": to, "cuts": cuts}
