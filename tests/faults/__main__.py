"""`make faults`, `python -m tests.faults [--long] [--seed S] [--only NAME]`: strike, time the recovery, judge, and print the table."""

import argparse
import asyncio
import logging
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from random import Random

from penstock.errors import PenstockError
from tests.faults.campaign import RECOVERS_WITHIN_S, Trial, campaign
from tests.faults.faults import Fault, every_fault, long_form, short_form
from tests.faults.table import table

FOLDER = Path(".penstock") / "faults"
EXIT_FAILED, INTERRUPTED = 1, 130


def main() -> int:
    """Run the campaign; 1 when a fault was not survived."""
    options = arguments()
    seed = secrets.randbelow(1_000_000) if options.seed is None else options.seed
    faults = chosen(options.long, options.only, seed)
    print(f"{len(faults)} faults; seed {seed}: {command(seed, options.long)}", flush=True)
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # that a broker is away is no news here
    began_s = time.monotonic()
    trials = asyncio.run(run(faults, seed, options.long, options.within))
    print("\n".join(("", *table(trials))))
    failed = [trial for trial in trials if not trial.passed]
    print(f"\n{len(trials)} faults, {len(failed)} not survived; seed {seed}, {time.monotonic() - began_s:.0f} s")
    return EXIT_FAILED if failed else 0


def arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--long", action="store_true", help="every fault, long outages, about half an hour")
    parser.add_argument("--seed", type=int, help="order, times and load; chance chooses when absent")
    parser.add_argument("--only", action="append", metavar="NAME", help="this fault (may be given again)")
    parser.add_argument(
        "--within", type=float, default=RECOVERS_WITHIN_S, metavar="S", help="how long a recovery may take (CI does not judge speed: 120)"
    )
    parser.add_argument("--list", action="store_true", help="print the names of all faults")
    options = parser.parse_args()
    if options.list:
        print("\n".join(every_fault(options.long)))
        sys.exit()
    if taken := [name for name in ("PENSTOCK_BOOTSTRAP", "PENSTOCK_DSN") if os.environ.get(name)]:
        parser.error(f"{taken[0]} is set, and this campaign kills what it runs on. Try: unset {' '.join(taken)}")
    if os.environ.get("PYTHONHASHSEED") != "0":
        parser.error("learners are folded here, and their digests depend on PYTHONHASHSEED=0. Try: make faults")
    return options


def chosen(long: bool, only: Sequence[str] | None, seed: int) -> list[Fault]:
    """The faults in the order of this seed. Raises: SystemExit for a name that there is not."""
    known = every_fault(long)
    if unknown := [name for name in only or () if name not in known]:
        sys.exit(f"there is no fault {unknown[0]!r}. Try: python -m tests.faults --list")
    if only:
        return [known[name] for name in only]
    return (long_form if long else short_form)(Random(seed))


async def run(faults: Sequence[Fault], seed: int, long: bool, within_s: float) -> list[Trial]:
    """All faults on one platform; on a new one after a fault that the old one has not survived."""
    waiting, trials = deque(faults), list[Trial]()
    while waiting:
        folder = new_folder(seed)
        sound = True
        async with campaign(folder, seed, within_s) as running:
            while waiting and not running.ruined:
                fault = waiting.popleft()
                if fault.needs_disk and running.platform.no_disks:
                    print(f"  skipped  {fault.name}: {running.platform.no_disks}")
                    continue
                trial = await running.trial(fault)
                sound &= trial.passed
                trials.append(trial)
                report(trial, folder, seed, long)
        if sound:
            shutil.rmtree(folder)
    return trials


def new_folder(seed: int) -> Path:
    """A place for one platform; it stays if a fault was not survived there."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{seed}-", dir=FOLDER))
    folder.chmod(0o755)  # PostgreSQL runs as another user
    return folder


def report(trial: Trial, folder: Path, seed: int, long: bool) -> None:
    """One line; of what failed also why, where the logs are, and the command that does it again."""
    verdict = trial.verdict
    found = f"lost {verdict.lost}, twice {verdict.twice}, repeats {verdict.repeats}"
    times = f"learning again after {trial.learning_s:.1f} s, lag 0 after {trial.lag_zero_s:.1f} s"
    print(f"  {'passed' if trial.passed else 'FAILED'}   {trial.fault.name}: {found}; {times}", flush=True)
    if not trial.passed:
        print("\n".join(f"             {problem}" for problem in verdict.problems))
        print(
            f"             logs: {folder / 'logs'}, {folder}/disk-*/logs\n             again: {command(seed, long, trial.fault.name)}",
            flush=True,
        )


def command(seed: int, long: bool, only: str = "") -> str:
    """What does it again."""
    return f"make faults{' LONG=1' if long else ''} SEED={seed}{f' ONLY={only!r}' if only else ''}"


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PenstockError as error:
        sys.exit(f"penstock faults: {error}")
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
