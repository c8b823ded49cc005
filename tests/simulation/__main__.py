"""`python -m tests.simulation --seeds 2000`: the whole platform, simulated; 1 is returned when a seed breaks an invariant."""

import argparse
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterable

from tests.simulation.campaign import Outcome, campaign


def main(arguments: list[str]) -> int:
    """Play the seeds that were asked for, and say what came of them."""
    options = _options(arguments)
    if options.seed is not None:
        seeds = iter([options.seed])
    elif options.minutes:
        seeds = itertools.count(options.first)
    else:
        seeds = iter(range(options.first, options.first + options.seeds))
    began_s = time.monotonic()
    outcomes = []
    for outcome in campaign(seeds, options.minutes, options.cores):
        outcomes.append(outcome)
        if outcome.broken or options.seed is not None:
            _tell(outcome)
        elif len(outcomes) % 100 == 0:
            _say(f"{len(outcomes):,} seeds, {time.monotonic() - began_s:.0f} s")
    _summarize(outcomes, time.monotonic() - began_s, options.cores)
    return int(any(outcome.broken for outcome in outcomes))


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seeds", type=int, default=200, help="how many seeds")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--seed", type=int, help="this one only: the same seed is the same run, byte for byte")
    parser.add_argument("--minutes", type=float, default=0.0, help="as many seeds as can be played in this time")
    parser.add_argument("--cores", type=int, default=os.cpu_count() or 1)
    return parser.parse_args(arguments)


def _tell(outcome: Outcome) -> None:
    verdict = "BROKEN" if outcome.broken else "holds"
    _say(f"seed {outcome.seed} {verdict}; {outcome.records:,} records in {outcome.virtual_s:.0f} s of its time; {outcome.fingerprint[:16]}")
    for what in outcome.broken:
        _say(f"  {what}")
    if outcome.broken:
        _say(f"  replay: make simulate SEED={outcome.seed}")


def _summarize(outcomes: list[Outcome], seconds: float, cores: int) -> None:
    failed = sum(bool(outcome.broken) for outcome in outcomes)
    virtual_h = sum(outcome.virtual_s for outcome in outcomes) / 3600
    records = sum(outcome.records for outcome in outcomes)
    cpu_s = sum(outcome.cpu_s for outcome in outcomes) / max(1, len(outcomes))
    pace = f"{len(outcomes) / seconds:.1f} a second, {cpu_s:.2f} s of a core each"
    _say(f"{len(outcomes):,} seeds in {seconds:.0f} s on {cores} cores ({pace}): {failed} failed")
    _say(f"{virtual_h:.1f} hours of simulated time, {records:,} records; faults injected:")
    for kind, count in sorted(_sum(outcome.injected for outcome in outcomes).items()):
        _say(f"  {count:>9,}  {kind}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    total: Counter[str] = Counter()
    for counter in counters:
        total.update(counter)
    return total


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
