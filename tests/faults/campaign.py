"""The campaign: one platform under load, one fault after another, and after each the recovery is timed and the judge called."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import httpx

from penstock.registry_client import RegistryClient
from penstock.spec import load as load_specification
from tests.faults.books import Verdict
from tests.faults.faults import Fault, Target, Window
from tests.faults.judge import Judge
from tests.faults.load import MODEL, SPECIFICATION, Load, Schedule
from tests.faults.replica import Replica
from tests.faults.stack import Platform, running
from tests.faults.topics import topics_at
from tests.faults.watch import Look, describe, look
from tests.waiting import until

RATE_PER_S = 100.0  # payments; their verdicts come on top
RECOVERS_WITHIN_S = 30.0
GIVE_UP_AFTER_S = 45.0
WARM_S = 2.0
LOOK_EVERY_S = 0.2
BEHIND_S = 0.5  # of the load: so much may be on its way when the platform counts as recovered
SERVED_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Trial:
    """What a fault did: seconds from its end to the first label learned, and until nothing was behind."""

    fault: Fault
    learning_s: float
    lag_zero_s: float
    verdict: Verdict

    @property
    def passed(self) -> bool:
        return self.verdict.passed


@dataclass(slots=True)
class Campaign:
    """A platform with its load and its judge."""

    platform: Platform
    load: Load
    judge: Judge
    client: httpx.AsyncClient
    chance: Random
    within_s: float = RECOVERS_WITHIN_S
    ruined: bool = False

    async def trial(self, fault: Fault) -> Trial:
        """Strike under load, wait until the platform has recovered, hold the load, judge."""
        self.load.schedule.go_on(time.time())
        await asyncio.sleep(WARM_S * self.chance.uniform(0.5, 1.0))
        told = ""
        try:
            window = await fault.strike(Target(self.platform, self.load, self.chance))
        except AssertionError as error:
            window, told = Window(time.time(), time.time()), f"the fault did not happen as meant: {error}"
        await self._until(window, self._recovered)
        lag_zero_s, verdict = await self.rest(window)
        verdict.check(not told, told)
        learning_s = self._learning_again_s(window)
        took_s = max(learning_s, lag_zero_s)
        verdict.check(took_s <= self.within_s, f"it took {took_s:.1f} s to recover, and may take {self.within_s:.0f} s")
        return Trial(fault, learning_s, lag_zero_s, verdict)

    async def rest(self, window: Window) -> tuple[float, Verdict]:
        """Hold the load, wait until nothing is on its way, judge; how long after the fault that was, in seconds."""
        self.load.schedule.hold()
        settled = await self._until(window, self._settled)
        lag_zero_s = time.time() - window.end_s
        self.ruined = not settled
        return lag_zero_s, await self.judge.judge(await describe(self.platform.addresses, MODEL), await self.look(), settled)

    async def _until(self, window: Window, condition: Any) -> bool:
        """Wait for a condition; whether it came true before nothing was learned for so long that nothing will be."""
        learned, moved_s = -1, max(time.time(), window.end_s)
        while not await condition():
            now = (await self.look()).count(f"trainer/{MODEL}", "labelled")
            if now > learned:
                learned, moved_s = now, time.time()
            if time.time() - moved_s > GIVE_UP_AFTER_S:
                return False
            await asyncio.sleep(LOOK_EVERY_S)
        return True

    async def _recovered(self) -> bool:
        """Whether all is up and all but the newest labels are learned."""
        if not self.platform.is_ready:
            return False
        seen, behind = await self.look(), RATE_PER_S * BEHIND_S
        return not seen.silent and seen.lag <= 2 * behind and self._labels() - seen.count(f"trainer/{MODEL}", "labelled") <= behind

    async def _settled(self) -> bool:
        """Whether everything that was sent has come through, and nobody is behind."""
        if not (self.load.settled and self.platform.is_ready):
            return False
        seen = await self.look()
        ended = seen.count(f"monitor/{MODEL}", "labelled")
        return not seen.silent and seen.lag == 0 and seen.count(f"trainer/{MODEL}", "labelled") == ended >= self._labels()

    def _labels(self) -> int:
        return len(self.load.sent.verdicts) - len(self.judge.books.given_up)

    async def look(self) -> Look:
        """What the platform says of itself now."""
        return await look(self.client, self.platform.addresses)

    def _learning_again_s(self, window: Window) -> float:
        """From the end of the fault to the first label learned of a payment that was sent since it began; infinite if there is none.

        A payment of before may be past the place of the fault already. The verdict's own `VERDICT_AFTER_S` is part of it.
        """
        payments, end_ms = self.load.sent.payments, window.end_s * 1_000
        ended, self.judge.books.ended = self.judge.books.ended, []
        times = [
            each.appended_ms
            for each in ended
            if each.kind == "labelled" and each.appended_ms >= end_ms and payments[each.event_id] >= window.begin_s
        ]
        return (min(times) - end_ms) / 1_000 if times else float("inf")


@asynccontextmanager
async def campaign(
    folder: Path, seed: int, within_s: float = RECOVERS_WITHIN_S, rate_per_s: float = RATE_PER_S, specification: str = SPECIFICATION
) -> AsyncIterator[Campaign]:
    """A platform that serves the model, with a load that is held."""
    async with AsyncExitStack() as stack:
        platform = await stack.enter_async_context(running(folder))
        at = platform.addresses
        async with RegistryClient(at.registry) as registry:
            await registry.apply(load_specification(specification, "tests/faults/load.py").to_json())
        await until(lambda: _serves(platform), SERVED_WITHIN_S)
        topics = await stack.enter_async_context(topics_at(at.bootstrap, at.schema_registry_url))
        client = await stack.enter_async_context(httpx.AsyncClient(trust_env=False))
        load = Load(at.bootstrap, Schedule(seed, rate_per_s))
        await stack.enter_async_context(load.running())
        judge = Judge(load.sent, topics, await Replica.of(MODEL, topics.wire), at.dsn)
        yield Campaign(platform, load, judge, client, Random(seed), within_s)


async def _serves(platform: Platform) -> bool:
    described = await describe(platform.addresses, MODEL)
    return described is not None and described.champion > 0
