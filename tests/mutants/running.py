"""Runs tests in a copy of the tree and says what became of a mutant there."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import psutil

from penstock.local.stack import Addresses
from tests.mutants.copies import Copy, DoesNotApply
from tests.mutants.patches import Mutant

TEST_TIMEOUT_S = 60  # of a test without processes around it; the others keep the suite's own
WORDS_LINES = 15


class Kind(StrEnum):
    """What tests need: nothing, the shared Kafka and PostgreSQL, or a whole platform of their own."""

    ALONE = "alone"
    STACK = "stack"
    PLATFORM = "platform"


PROCESS_TIMEOUT_S = {Kind.ALONE: 60.0, Kind.STACK: 300.0, Kind.PLATFORM: 600.0}


class Verdict(StrEnum):
    """What became of a mutant; all but the first two are failures."""

    CAUGHT = "caught"
    HANGS = "caught by its time limit"
    SURVIVED = "SURVIVED"
    NOT_RUN = "its tests could not run"
    NOT_APPLIED = "does not apply"
    FAILS_WITHOUT = "its tests fail without it"

    @property
    def is_good(self) -> bool:
        """The suite has noticed the break."""
        return self in {Verdict.CAUGHT, Verdict.HANGS}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one phase (setup, call, teardown) of one test."""

    test: str
    when: str
    outcome: str
    hung: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """The verdict on a mutant, which tests noticed it, and what it took."""

    mutant: Mutant
    verdict: Verdict
    noticed_by: tuple[str, ...] = ()
    seconds: float = 0.0
    why: str = ""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a pytest process said: its outcomes, the end of its words, whether it had to be ended."""

    outcomes: tuple[Outcome, ...]
    words: str
    ended: bool

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Phases that failed."""
        return tuple(each for each in self.outcomes if each.outcome == "failed")

    def passed(self, test: str) -> bool:
        """The test ran and no phase of it, with whatever parameters, failed."""
        own = [each for each in self.outcomes if each.test == test or each.test.startswith(f"{test}[")]
        return any(each.when == "call" and each.outcome == "passed" for each in own) and all(each.outcome != "failed" for each in own)


def kind_of(tests: Iterable[str]) -> Kind:
    """The most that one of the tests needs."""
    folders = {test.split("/")[1] for test in tests}
    if "scenario" in folders:
        return Kind.PLATFORM  # its services share topics and groups: two platforms on one Kafka would meet
    return Kind.STACK if folders - {"unit", "simulation"} else Kind.ALONE


def judge(mutant: Mutant, ran: Ran, seconds: float) -> Result:
    """What the tests say of a mutant that they have run with."""
    if ran.ended:
        return Result(mutant, Verdict.HANGS, mutant.tests, seconds, "the process had to be ended")
    failed = [each for each in ran.failed if each.when == "call"]
    noticed = tuple(dict.fromkeys(each.test for each in failed))
    if failed:
        return Result(mutant, Verdict.HANGS if all(each.hung for each in failed) else Verdict.CAUGHT, noticed, seconds)
    if ran.failed or not ran.outcomes:  # an error in a fixture or an import may have many reasons, and is no proof
        return Result(mutant, Verdict.NOT_RUN, (), seconds, ran.words)
    return Result(mutant, Verdict.SURVIVED, (), seconds)


async def try_out(mutant: Mutant, copy: Copy, stack: Addresses | None) -> Result:
    """Break the copy, run the mutant's tests, mend the copy."""
    began = time.monotonic()
    try:
        with copy.broken_by(mutant):
            ran = await run_tests(copy, mutant.tests, stack, "--exitfirst")
    except DoesNotApply as error:
        return Result(mutant, Verdict.NOT_APPLIED, why=str(error))
    return judge(mutant, ran, time.monotonic() - began)


async def run_tests(copy: Copy, tests: Sequence[str], stack: Addresses | None, *options: str) -> Ran:
    """Run tests in a process of their own that imports this copy and nothing else of ours."""
    kind, outcomes, words = kind_of(tests), copy.folder / "outcomes.jsonl", copy.folder / "words.txt"
    outcomes.unlink(missing_ok=True)
    limit = (f"--timeout={TEST_TIMEOUT_S}",) if kind is Kind.ALONE else ()
    with words.open("wb") as file:  # a pipe would stay open as long as anything that a test has left behind
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "pytest", "-q", "--tb=short", "-p", "no:randomly", "-p", "no:cacheprovider", "--hypothesis-seed=0",
            "-p", "tests.mutants.recorder", f"--outcomes={outcomes}", f"--basetemp={copy.folder / 'tmp'}", *limit, *options, *tests,
            cwd=copy.tree, env={**copy.environment, **_addresses(kind, stack)},
            stdout=file, stderr=asyncio.subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        ended = await _had_to_be_ended(process, PROCESS_TIMEOUT_S[kind] + len(tests) * TEST_TIMEOUT_S)
    finally:
        sweep(copy.folder)
    last = words.read_text(errors="replace").splitlines()[-WORDS_LINES:]
    return Ran(read_outcomes(outcomes), "\n".join(last), ended)


def read_outcomes(file: Path) -> tuple[Outcome, ...]:
    """What the recorder wrote; nothing when no test began."""
    return tuple(Outcome(**json.loads(line)) for line in file.read_text().splitlines()) if file.exists() else ()


def _addresses(kind: Kind, stack: Addresses | None) -> Mapping[str, str]:
    if kind is not Kind.STACK or stack is None:
        return {}
    return {"PENSTOCK_BOOTSTRAP": stack.bootstrap, "PENSTOCK_DSN": stack.dsn}


async def _had_to_be_ended(process: asyncio.subprocess.Process, timeout_s: float) -> bool:
    """Wait for the process, but no longer; nobody who is cancelled leaves it running."""
    try:
        async with asyncio.timeout(timeout_s):
            await process.wait()
    except TimeoutError:
        return True
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return False


def sweep(folder: Path) -> None:
    """End whatever runs in `folder`: a test that was ended, or a mutant of what ends processes, leaves some behind."""
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(folder) in place for place in (process.cwd(), *process.cmdline())):
                process.kill()
