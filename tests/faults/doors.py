"""`make doors`, `python -m tests.faults.doors`: kill -9 of ingestion, fold and gateway, while events come in through both doors at once."""

import argparse
import asyncio
import logging
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from penstock.errors import PenstockError
from penstock.local.state import folders_of
from penstock.local.supervisor import STEADY_S
from tests.faults.__main__ import EXIT_FAILED, new_folder
from tests.faults.books import Verdict
from tests.faults.campaign import Campaign, campaign
from tests.faults.faults import NOTICED_WITHIN_S, Window
from tests.faults.kept import Kept
from tests.faults.load import PACE_S, SPECIFICATION, Load, Schedule
from tests.faults.posting import Answered, Posting
from tests.faults.table import spread
from tests.waiting import until

EVENTS, KILLS, RATE_PER_S = 200_000, 10, 800.0
AHEAD_MAX = 2_000  # events that one door may have acknowledged more than the other
EVENTS_PER_PAYMENT = 1.95  # with its verdict
BAD_SHARE = 0.01
PATIENT = SPECIFICATION.replace("horizon: 30s", "horizon: 10m")  # a door that is shut for a while makes no label late
COMES_BACK_WITHIN_S, RESTS_WITHIN_S = 120.0, 600.0
COMMAND = Path(sys.executable).with_name("penstock")
HEAD = (
    "| kills | events acknowledged | lost | twice | sent again by clients | in the log already | repeats, dropped | dead letters "
    "| gateway answers again, s: p50 / p99 | all partitions validate again, s: p50 / p99 | lag 0 at the end, s |",
    "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
)


@dataclass(slots=True)
class Outcome:
    """What a run came to. The times of recovery are those of each kill, in seconds from it."""

    verdict: Verdict
    events: int
    resent: int
    unacknowledged: int
    codes: dict[str, int]
    answering_s: list[float]
    validating_s: list[float]
    lag_zero_s: float
    invariants: str = ""
    killed_s: list[float] = field(default_factory=list)


async def strike(running: Campaign, posting: Posting, events: int, kills: int, chance: Random) -> list[float]:
    """Kill ingestion at seeded points between the first event and the last; when each kill was, in seconds since the epoch."""
    platform, killed_s = running.platform, list[float]()
    for point in kill_points(events, kills, chance):
        await _until_acknowledged(running, posting, point)
        await until(lambda: platform.is_ready, COMES_BACK_WITHIN_S)
        await asyncio.sleep(STEADY_S)  # else the supervisor puts off each restart for longer, and it is that which would be measured
        before = platform.restarts("ingestion")
        killed_s.append(time.time())
        os.kill(platform.pid("ingestion"), signal.SIGKILL)
        await until(lambda: platform.restarts("ingestion") > before, NOTICED_WITHIN_S)  # noqa: B023  # waited for within its turn
    await _until_acknowledged(running, posting, events)
    return killed_s


async def keep_abreast(load: Load, posting: Posting) -> None:
    """Both doors are open until somebody cancels; the one that is ahead waits for the other."""
    while True:
        ahead = load.sent.events - 2 * posting.accepted  # of Kafka's
        for schedule, is_ahead in ((load.schedule, ahead > AHEAD_MAX), (posting.schedule, -ahead > AHEAD_MAX)):
            if is_ahead:
                schedule.hold()
            elif schedule.is_held:
                schedule.go_on(time.time())
        await asyncio.sleep(PACE_S)


def kill_points(events: int, kills: int, chance: Random) -> list[int]:
    """After how many acknowledged events to strike: once in each of equal parts, somewhere.

    >>> points = kill_points(1_000, 4, Random(1)); [point // 250 for point in points]
    [0, 1, 2, 3]
    """
    part = events / kills
    return [int((number + chance.random()) * part) for number in range(kills)]


async def _until_acknowledged(running: Campaign, posting: Posting, events: int) -> None:
    def is_there() -> bool:
        posting.raise_refusal()
        return running.load.sent.events >= events

    await until(is_there, RESTS_WITHIN_S)


async def run(events: int, kills: int, seed: int, rate_per_s: float, folder: Path) -> Outcome:
    """Half of the events through Kafka, with bad ones among them, half through the gateway."""
    payments_per_s, chance = rate_per_s / 2 / EVENTS_PER_PAYMENT, Random(seed)
    async with campaign(folder, seed, rate_per_s=payments_per_s, specification=PATIENT) as running:
        load, schedule = running.load, Schedule(seed + 1, payments_per_s, "posted")
        posting = Posting(running.platform.addresses.gateway, schedule, load.sent)
        load.schedule.bad_share = BAD_SHARE
        async with posting.running():
            abreast = asyncio.create_task(keep_abreast(load, posting))
            killed_s = await strike(running, posting, events, kills, chance)
            abreast.cancel()
            for each in (load.schedule, schedule):
                each.hold()
            ended_s = time.time()
            await until(lambda: posting.settled, RESTS_WITHIN_S)
        lag_zero_s, verdict = await running.rest(Window(killed_s[0], ended_s))
        outcome = _outcome(running, posting, killed_s, verdict, lag_zero_s)
        outcome.invariants = await asyncio.to_thread(_verify, folder, verdict)
    return outcome


def _outcome(running: Campaign, posting: Posting, killed_s: list[float], verdict: Verdict, lag_zero_s: float) -> Outcome:
    kept = running.judge.kept
    answering_s = [answering_again_s(posting.answers, at_s) for at_s in killed_s]
    validating_s = [validating_again_s(kept, at_s) for at_s in killed_s]
    again = (running.load.sent.events, posting.resent, kept.unacknowledged, dict(sorted(kept.counts().items())))
    return Outcome(verdict, *again, answering_s, validating_s, lag_zero_s, killed_s=killed_s)


def answering_again_s(answers: Sequence[Answered], killed_s: float) -> float:
    """From a kill to the first answer to a request that was made after it."""
    return min(answer.ended_s for answer in answers if answer.begun_s > killed_s) - killed_s


def validating_again_s(kept: Kept, killed_s: float) -> float:
    """From a kill until every partition has validated an event that was appended after it."""
    first: dict[tuple[str, int], int] = {}
    for place, validated_ms in kept.validated_ms.items():
        if kept.appended_ms[place] > killed_s * 1_000:
            partition = place[:2]
            first[partition] = min(validated_ms, first.get(partition, validated_ms))
    return max(first.values()) / 1_000 - killed_s


def _verify(folder: Path, verdict: Verdict) -> str:
    """What `penstock verify` prints of the whole platform; a broken invariant is a problem."""
    done = subprocess.run([str(COMMAND), "verify", "--folder", str(folder)], capture_output=True, text=True, check=False)
    verdict.check(done.returncode == 0, f"penstock verify ends with {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def report(outcome: Outcome) -> list[str]:
    """The table, the dead letters by code, and the invariants."""
    verdict, times = outcome.verdict, (spread(outcome.answering_s), spread(outcome.validating_s))
    cells = (
        *(len(outcome.killed_s), outcome.events, verdict.lost, verdict.twice, outcome.resent, outcome.unacknowledged, verdict.repeats),
        *(sum(outcome.codes.values()), *times, f"{outcome.lag_zero_s:.1f}"),
    )
    codes = ", ".join(f"{code} {count:,}" for code, count in outcome.codes.items())
    row = " | ".join(f"{cell:,}" if isinstance(cell, int) else cell for cell in cells)
    return [*HEAD, f"| {row} |", "", f"dead letters by code: {codes}", "", outcome.invariants, *verdict.problems]


def main() -> int:
    """Run it once; 1 when something was lost, was there twice, or did not hold."""
    options = _arguments()
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    again = f"make doors EVENTS={options.events} KILLS={options.kills} SEED={seed}"
    print(f"{options.events:,} events, {options.kills} kills; seed {seed}: {again}", flush=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    folder, began_s = new_folder(seed), time.monotonic()
    outcome = asyncio.run(run(options.events, options.kills, seed, options.rate, folder))
    passed = outcome.verdict.passed
    print("\n".join((*report(outcome), f"{'passed' if passed else 'FAILED'}; {again}, {time.monotonic() - began_s:.0f} s")))
    if passed:
        shutil.rmtree(folder)
    else:
        print(f"logs: {folders_of(folder).logs}")
    return 0 if passed else EXIT_FAILED


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.doors", description=__doc__)
    parser.add_argument("--events", type=int, default=EVENTS, help="how many must be acknowledged")
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--rate", type=float, default=RATE_PER_S, help="events/s, both doors together")
    parser.add_argument("--seed", type=int, help="points of the kills, and the load; chance chooses when absent")
    options = parser.parse_args()
    if os.environ.get("PYTHONHASHSEED") != "0":
        parser.error("learners are folded here, and their digests depend on PYTHONHASHSEED=0. Try: make doors")
    return options


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PenstockError as error:
        sys.exit(f"penstock doors: {error}")
