"""A trainer that dies or stands still under load: how long until it learns again, and how fast it catches up.

A whole platform under the local supervisor learns from a steady RATE of events, each with a label 50 ms later (the pipeline benchmark's
load). *Kill*: KILLS times the trainer's process gets SIGKILL; from then to the append of the first outcome that follows is the time to
learn again, by the broker's clock on the same machine. Beside it stands what a new Python process needs to import what the trainer imports,
and River alone, measured in between on the same busy machine. *Catch-up*: the trainer is stopped (SIGSTOP) for OUTAGE_S seconds while
events go on; after SIGCONT the outcomes per second until it is level with the log, over the rate at which events come meanwhile.

It checks at the end that every label was learned exactly once, that the counts add up and that a replay gives the same digest; else there
is no figure. Environment: RATE (default 500), KILLS (default 5), OUTAGE_S (default 60).
"""

import asyncio
import contextlib
import itertools
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median

from benchmarks.load import BEGINNING, make, send_paced
from benchmarks.machine import environment
from benchmarks.pipeline import Bench, platform
from benchmarks.report import Result
from penstock.cli.platform import addresses
from penstock.errors import PenstockError
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.ports import TopicPartition
from penstock.local.stack import read_state
from penstock.local.supervisor import STEADY_S

LEARN_AGAIN_S_MAX = 3.0
CATCH_UP_MIN = 2.0
LOOK_EVERY_S = 0.02
LOAD_S = 5
CALM_S = STEADY_S + 5.0  # between two faults: all is level again, and the supervisor counts the next death as a first one
STALL_S = 60.0
IMPORTS = {
    "all that a trainer imports": "import penstock_trainer.main",
    "River alone": "import river.linear_model, river.tree, river.metrics",
}


def measure(folder: Path) -> Result:
    """Run both phases; the figures. Raises: PenstockError when something was lost or learned twice, ProofUnequal."""
    rate, kills, outage_s = environment("RATE", 500), environment("KILLS", 5), environment("OUTAGE_S", 60)
    with platform(folder) as place:
        return asyncio.run(Recovery(Bench(f"bench-{uuid.uuid4().hex[:8]}", place), rate).run(kills, outage_s))


@dataclass(slots=True)
class Recovery:
    """One run: a load that goes on, and what is done to the trainer meanwhile."""

    bench: Bench
    rate_per_s: int
    imports_s: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in IMPORTS})

    async def run(self, kills: int, outage_s: int) -> Result:
        """Both phases under one load, then the checks."""
        async with opened(addresses(self.bench.folder).bootstrap) as kafka:
            await self.bench.apply()
            sending = asyncio.create_task(self._send(kafka))
            try:
                await asyncio.sleep(CALM_S)
                again_s = [await self._kill(kafka) for _ in range(kills)]
                caught_up = await self._stop(kafka, outage_s)
            finally:
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await sending
            sent = await self._level(kafka)
        learned = {each.label_offset: each for each in await self.bench.learned()}  # after a crash an outcome may stand there again
        await self.bench.check(list(learned.values()), sent)
        return self._result(again_s, caught_up, sent)

    async def _send(self, kafka: KafkaCluster) -> None:
        """Send until cancelled, a few seconds' load at a time."""
        producer, count, every = await kafka.producer(), self.rate_per_s * LOAD_S, timedelta(seconds=1 / self.rate_per_s)
        try:
            for first in itertools.count(0, count):
                load = await asyncio.to_thread(make, self.bench.name, first, count, BEGINNING + first * every, every)
                await send_paced(producer, load, self.rate_per_s)
        finally:
            await producer.stop()

    async def _kill(self, kafka: KafkaCluster) -> float:
        """Seconds from the kill to the next outcome."""
        await asyncio.sleep(CALM_S)
        os.kill(self._pid(), signal.SIGKILL)
        killed_ms = time.time() * 1e3
        after = await self._outcomes(kafka)
        await self._grow(kafka, after)
        record = await kafka.read(self._topic, after)
        assert record is not None
        for name, statement in IMPORTS.items():
            self.imports_s[name].append(await asyncio.to_thread(_run_s, statement))
        return (record.timestamp - killed_ms) / 1e3

    async def _stop(self, kafka: KafkaCluster, outage_s: int) -> float:
        """Outcomes per second while it catches up, over the rate at which events come."""
        await asyncio.sleep(CALM_S)
        pid = self._pid()
        os.kill(pid, signal.SIGSTOP)
        try:
            await asyncio.sleep(outage_s)
        finally:
            os.kill(pid, signal.SIGCONT)
        before = await self._outcomes(kafka)
        await self._grow(kafka, before)
        began_s = time.monotonic()
        while (await self._end(kafka, "learning")) - await self._folded() > self.rate_per_s:
            if time.monotonic() - began_s > STALL_S + 2 * outage_s:
                raise PenstockError("the trainer does not catch up. Try: RATE=200")
            await asyncio.sleep(LOOK_EVERY_S)
        return (await self._outcomes(kafka) - before) / (time.monotonic() - began_s) / self.rate_per_s

    async def _level(self, kafka: KafkaCluster) -> int:
        """Wait until every label that came in is learned; how many there are."""
        labels = await self._end(kafka, "events", "-labels")
        await self._grow(kafka, labels - 1)
        return labels

    async def _grow(self, kafka: KafkaCluster, beyond: int) -> None:
        moved, there = time.monotonic(), -1
        while (now := await self._outcomes(kafka)) <= beyond:
            moved, there = (time.monotonic(), now) if now > there else (moved, there)
            if time.monotonic() - moved > STALL_S:
                raise PenstockError(f"{now:,} outcomes, and no more for {STALL_S:.0f} s. Try: penstock logs trainer")
            await asyncio.sleep(LOOK_EVERY_S)

    async def _folded(self) -> int:
        """How far the trainer has come; 0 while it does not answer, since one that stood still for a minute restores its fold first."""
        try:
            return int((await self.bench.described()).position)
        except PenstockError:
            return 0

    async def _outcomes(self, kafka: KafkaCluster) -> int:
        return await self._end(kafka, "outcomes")

    async def _end(self, kafka: KafkaCluster, family: str, more: str = "") -> int:
        return (await kafka.bounds(TopicPartition(f"{family}.{self.bench.name}{more}", 0))).end

    @property
    def _topic(self) -> TopicPartition:
        return TopicPartition(f"outcomes.{self.bench.name}", 0)

    def _pid(self) -> int:
        state = read_state(self.bench.folder)
        found = [process.pid for process in state.processes if process.name == "trainer"] if state else []
        if not found:
            raise PenstockError("no trainer of the local stack runs here. Try: unset PENSTOCK_REGISTRY")
        return found[0]

    def _result(self, again_s: Sequence[float], caught_up: float, sent: int) -> Result:
        imports = {name: round(median(each), 2) for name, each in self.imports_s.items()}
        figures = {
            "rate_per_s": self.rate_per_s,
            "learning_again_s": {"median": round(median(again_s), 2), "worst": round(max(again_s), 2), "kills": len(again_s)},
            "import_s": imports,
            "catch_up_over_live": round(caught_up, 2),
        }
        rows: list[tuple[str, ...]] = [
            ("kill -9 → learning again, s", f"{median(again_s):.2f}", f"{max(again_s):.2f}", f"≤ {LEARN_AGAIN_S_MAX:.0f}"),
            *((f"  import of {name}, s", f"{seconds:.2f}", "", "") for name, seconds in imports.items()),
            ("catch-up / live rate", f"{caught_up:.1f}", "", f"≥ {CATCH_UP_MIN:.0f}"),
        ]
        notes = [
            f"{self.rate_per_s:,} events/s all the time, {len(again_s)} kills",
            f"each of {sent:,} labels was learned exactly once, the counts add up, and the digest is proved",
        ]
        return Result(("", "median", "worst", "goal"), rows, figures, notes)


def _run_s(statement: str) -> float:
    began_s = time.monotonic()
    subprocess.run([sys.executable, "-c", statement], check=True)
    return time.monotonic() - began_s
