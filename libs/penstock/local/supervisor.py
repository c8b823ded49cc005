"""A small asyncio supervisor: gates on readiness, restarts with back-off, stops in reverse, leaves no orphans."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from penstock.local.child import SAME_USER, child_argv
from penstock.local.errors import LocalStackError
from penstock.local.processes import signal_group, start_time
from penstock.local.state import Process, tail

FIRST_DELAY_S = 0.5
LONGEST_DELAY_S = 30.0
STEADY_S = 20.0
PROBE_EVERY_S = 0.05
LOG_BYTES_MAX = 16 * 1024 * 1024
TAIL_LINES = 20

T = TypeVar("T")


async def nothing() -> None:
    """Do nothing: the hook of programs that need none."""


@dataclass(frozen=True, slots=True)
class Program:
    """A child process to keep alive.

    `ready` is asked until it says yes for the pid; `before_start` runs before every start, `after_stop` after a stop that was clean.
    `death_signal` is what the child gets when the supervisor dies: the kernel asks only once, so it must be one that cannot be ignored.
    """

    name: str
    argv: tuple[str, ...]
    log: Path
    ready: Callable[[int], Awaitable[bool]]
    env: Mapping[str, str] = field(default_factory=dict)
    addresses: Mapping[str, str] = field(default_factory=dict)
    identity: str = SAME_USER
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    ready_within_s: float = 60.0
    stop_within_s: float = 15.0
    before_start: Callable[[], Awaitable[None]] = nothing
    after_stop: Callable[[], Awaitable[None]] = nothing


Changed = Callable[[Process], None]


class Supervisor:
    """Keeps programs alive: the stages start one after another, the programs of a stage together."""

    def __init__(self, changed: Changed) -> None:
        self._changed = changed
        self._stages: list[list[Child]] = []

    async def start(self, programs: Sequence[Program]) -> None:
        """Start one more stage and wait until all of it is ready.

        Raises:
            LocalStackError: a program died or was not ready in time; the end of its log is in the message.
        """
        children = [Child(program, self._changed) for program in programs]
        self._stages.append(children)
        await together([child.start() for child in children])

    async def stop(self) -> None:
        """Stop the stages in reverse order, the programs of a stage together."""
        while self._stages:
            await asyncio.gather(*(child.stop() for child in self._stages.pop()))


class Child:
    """One program and the process that runs it now."""

    def __init__(self, program: Program, changed: Changed) -> None:
        self._program = program
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._now = Process(program.name, str(program.log), dict(program.addresses))

    async def start(self) -> None:
        """Start the process, wait until it is ready, and keep it alive from then on."""
        try:
            await self._launch()
        except LocalStackError:
            if self._process:
                signal_group(self._process.pid, signal.SIGKILL)  # what the dead leader left behind
            self._report(state="failed")
            raise
        self._keeper = asyncio.create_task(self._keep())

    async def stop(self) -> None:
        """End the process as it likes it best, and by force when it takes too long."""
        if self._keeper:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        process = self._process
        if process is None or self._now.state == "failed":  # never born, or dead and buried
            return
        self._report(state="stopping")
        clean = process.returncode is None and await self._ask_to_stop(process)
        signal_group(process.pid, signal.SIGKILL)
        code = await process.wait()
        if clean:
            await self._program.after_stop()
        self._report(state="stopped", exit_code=code)

    async def _ask_to_stop(self, process: asyncio.subprocess.Process) -> bool:
        process.send_signal(self._program.stop_signal)
        try:
            await asyncio.wait_for(process.wait(), self._program.stop_within_s)
        except TimeoutError:
            return False
        return True

    async def _keep(self) -> None:
        delays = Delays(time.monotonic())
        while True:
            code = await self._exit_code()
            delay_s = delays.died(time.monotonic())
            self._report(state="restarting", exit_code=code, restarts=self._now.restarts + 1)
            await asyncio.sleep(delay_s)
            try:
                await self._launch()
            except (LocalStackError, OSError):
                continue  # it died again, hung, or the disk is full: wait longer
            delays.ready(time.monotonic())

    async def _exit_code(self) -> int:
        assert self._process is not None
        code = await self._process.wait()
        signal_group(self._process.pid, signal.SIGKILL)  # what the dead leader left behind
        return code

    async def _launch(self) -> None:
        program = self._program
        await program.before_start()
        process = self._process = await spawn(program)
        self._report(state="starting", pid=process.pid, started=start_time(process.pid) or "")
        try:
            async with asyncio.timeout(program.ready_within_s):
                await self._until_ready(process)
        except TimeoutError:
            signal_group(process.pid, signal.SIGKILL)
            await process.wait()
            raise LocalStackError(self._why(f"was not ready within {program.ready_within_s:.0f} s")) from None
        self._report(state="ready")

    async def _until_ready(self, process: asyncio.subprocess.Process) -> None:
        while not await self._program.ready(process.pid):
            if process.returncode is not None:
                raise LocalStackError(self._why(f"ended with code {process.returncode} before it was ready"))
            await asyncio.sleep(PROBE_EVERY_S)

    def _why(self, what: str) -> str:
        name, log = self._program.name, self._program.log
        ending = "\n".join(f"  {line}" for line in tail(log, TAIL_LINES))
        return f"{name} {what}; the end of {log}:\n{ending}\nTry: penstock logs {name}, or penstock doctor."

    def _report(self, **changes: object) -> None:
        self._now = replace(self._now, **changes)  # type: ignore[arg-type]
        self._changed(self._now)


class Delays:
    """How long to wait before each restart: longer each time, and from the start again after a process has been ready for `STEADY_S`."""

    def __init__(self, ready_s: float) -> None:
        self._delays = back_off()
        self._ready_s: float | None = ready_s

    def ready(self, now_s: float) -> None:
        """Note that the process serves."""
        self._ready_s = now_s

    def died(self, now_s: float) -> float:
        """The delay before the next start, in seconds; one that dies before it is ready was not steady, however long ago it last was."""
        if self._ready_s is not None and now_s - self._ready_s > STEADY_S:
            self._delays = back_off()
        self._ready_s = None
        return next(self._delays)


def back_off() -> Iterator[float]:
    """Give the delays in seconds before each restart: 0, 0.5, 1, 2, … up to 30: what dies once is back at once."""
    yield 0.0
    delay_s = FIRST_DELAY_S
    while True:
        yield delay_s
        delay_s = min(delay_s * 2, LONGEST_DELAY_S)


async def spawn(program: Program) -> asyncio.subprocess.Process:
    """Start a program in a session of its own, writing to its log, with no input."""
    _rotate(program.log)
    with program.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            *child_argv(list(program.argv), program.death_signal, program.identity),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, **program.env},
            start_new_session=True,
        )


async def run_once(program: Program, text: str = "") -> None:
    """Run a program to its end, with `text` as its input.

    Raises:
        LocalStackError: it ended with an error or took longer than `ready_within_s`; the end of its log is in the message.
    """
    with program.log.open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *child_argv(list(program.argv), program.death_signal, program.identity),
            stdin=asyncio.subprocess.PIPE,
            stdout=log,
            stderr=log,
            env={**os.environ, **program.env},
            start_new_session=True,
        )
    try:
        await asyncio.wait_for(process.communicate(text.encode()), program.ready_within_s)
    except TimeoutError:
        raise LocalStackError(f"{program.name} took longer than {program.ready_within_s:.0f} s; see {program.log}.") from None
    finally:
        signal_group(process.pid, signal.SIGKILL)
        await process.wait()
    if process.returncode != 0:
        ending = "\n".join(f"  {line}" for line in tail(program.log, TAIL_LINES))
        raise LocalStackError(
            f"{program.name} ended with code {process.returncode}; the end of {program.log}:\n{ending}\nTry: penstock doctor."
        )


def _rotate(log: Path) -> None:
    if log.exists() and log.stat().st_size > LOG_BYTES_MAX:
        log.replace(log.with_suffix(".log.1"))


async def together(jobs: Sequence[Coroutine[object, object, T]]) -> list[T]:
    """Run all jobs at once and return their results; the first error cancels the others and is raised as it is."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
