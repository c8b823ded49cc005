"""The fleet: a service's runners, one per unit, started, restarted and stopped as the catalogue changes."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Hashable, Iterable, Iterator
from typing import Any, NamedTuple

from penstock.errors import PenstockError
from penstock.fold.protocol import Fold, Unfit
from penstock.fold.runner import Runner

HEAD_START_S = 2.0


class Plan(NamedTuple):
    """A unit that should run: a new `version` of it is started after the old one has stopped cleanly, and restores its snapshots.

    `make` waits for weather itself; a PenstockError of it says that this version cannot run.
    """

    name: str
    version: Hashable
    make: Callable[[], Awaitable[Runner]]


class Fleet:
    """Brings what runs in line with what should. `plans` is asked again after every change, and so is a unit that could not be made.

    Use it as `await fleet.follow(changes)` inside the service's task group; a runner that ends with an error ends the service. A unit whose
    log cannot be folded here ends nothing: it stands in `refused` with the reason, and runs again when somebody says `try_again`.
    """

    def __init__(self, plans: Callable[[], Iterable[Plan]], log: Any) -> None:
        self._plans = plans
        self._log = log
        self._running: dict[str, tuple[Hashable, asyncio.Task[None]]] = {}
        self._adjusted = asyncio.Event()
        self._again: dict[str, asyncio.Event] = {}
        self.runners: dict[str, Runner] = {}
        self.refused: dict[str, str] = {}

    async def follow(self, changes: Any) -> None:
        """Adjust now and after each of `changes` (an async iterator), until cancelled; then every runner has stopped cleanly."""
        async with asyncio.TaskGroup() as tasks:
            try:
                await self._adjust(tasks)
                self._adjusted.set()
                async for _ in changes:
                    await self._adjust(tasks)
            finally:
                await self._stop(list(self._running))

    async def begun(self, timeout_s: float = HEAD_START_S) -> None:
        """Return when every unit has made a round, or when the weather lets none: what else a service starts can wait so long.

        Faust's start keeps the event loop busy for half a second, which after a crash is a fifth of the time until learning goes on.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self._adjusted.wait()
                await asyncio.gather(*(runner.turned() for runner in self.runners.values()))

    def try_again(self, unit: str) -> None:
        """What a unit was refused for may be cured."""
        self.refused.pop(unit, None)
        if unit in self._again:
            self._again[unit].set()

    def folds(self) -> Iterator[tuple[str, int, Fold]]:
        """Every fold that is live here: unit, partition, fold."""
        for name, runner in self.runners.items():
            for partition, fold in runner.folds.items():
                yield name, partition, fold

    def counts(self) -> Iterator[tuple[dict[str, str], dict[str, float]]]:
        """What the folds have counted, and how far behind each is, for the metrics of the process."""
        for name, runner in self.runners.items():
            lag: dict[int, float] = {}
            for input, behind in runner.lag.items():
                lag[input.partition] = lag.get(input.partition, 0) + behind
            for partition, fold in runner.folds.items():
                yield {"fold": name, "partition": str(partition)}, {**fold.counts, "lag": lag.get(partition, 0)}

    async def _adjust(self, tasks: asyncio.TaskGroup) -> None:
        wanted = {plan.name: plan for plan in self._plans()}
        await self._stop([name for name in self._running if name not in wanted])
        for plan in wanted.values():
            if plan.name not in self._running or self._running[plan.name][0] != plan.version:
                await self._bring(plan, tasks)

    async def _bring(self, plan: Plan, tasks: asyncio.TaskGroup) -> None:
        """Start a unit, or leave it as it is if its runner cannot be made: the others must not suffer from a schema that is refused."""
        try:
            runner = await plan.make()
        except PenstockError as error:
            runs = "as it was" if plan.name in self._running else "not at all"
            self._log.error("unit_refused", unit=plan.name, version=str(plan.version), reason=str(error), runs=runs, cure="penstock apply")
            return
        await self._stop([plan.name])
        self.runners[plan.name] = runner
        self._running[plan.name] = (plan.version, tasks.create_task(self._live(plan, runner), name=plan.name))
        self._log.info("unit_started", unit=plan.name, version=str(plan.version))

    async def _live(self, plan: Plan, runner: Runner) -> None:
        """The life of a unit: as long as it is unfit it waits, and the others go on."""
        while True:
            again = self._again[plan.name] = asyncio.Event()
            try:
                await runner.run()
                return
            except Unfit as unfit:
                self.refused[plan.name] = str(unfit)
                self._log.error("unit_refused", unit=plan.name, version=str(plan.version), reason=str(unfit), runs="not at all")
            await again.wait()

    async def _stop(self, names: list[str]) -> None:
        stopping = [self._running.pop(name)[1] for name in names if name in self._running]
        for task in stopping:
            if not task.cancelling():  # a second cancel would break off the clean stop that the first one began
                task.cancel()
        if stopping:
            await asyncio.wait(stopping)
        for name in names:
            self.runners.pop(name, None)
            self.refused.pop(name, None)
            self._again.pop(name, None)
