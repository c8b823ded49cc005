"""`python -m tests.codec`: the conformance matrix into docs/learners.md; `fuzz`: hostile bytes; `digests`: a part of the matrix."""

import argparse
import json
import platform
import sys
import time

from tests.codec import fuzz, matrix, page


def main() -> int:
    """The exit code: 1 when a property does not hold, or an input did what none may."""
    parser = argparse.ArgumentParser(prog="python -m tests.codec", description=__doc__)
    verbs = parser.add_subparsers(dest="verb")
    verbs.add_parser("digests").add_argument("events", type=int)
    fuzzing = verbs.add_parser("fuzz")
    fuzzing.add_argument("--inputs", type=int, default=100_000)
    fuzzing.add_argument("--seed", type=int, default=0)
    fuzzing.add_argument("--memory", type=int, default=1024, help="MiB that a child may use, at most")
    parser.add_argument("--events", type=int, default=3_000)
    parser.add_argument("--further", type=int, default=500)
    given = parser.parse_args()
    if given.verb == "digests":
        for each in matrix.digests(given.events):
            _say(json.dumps(each))
        return 0
    return _fuzz(given.inputs, given.seed, given.memory) if given.verb == "fuzz" else _learners(given.events, given.further)


def _learners(events: int, further: int) -> int:
    rows = []
    for row in matrix.measured(events, further):
        rows.append(row)
        _say(f"{len(rows):4} {row.name}" if row.holds else f"{len(rows):4} DOES NOT HOLD: {row}")
    machine = f"{platform.python_implementation()} {platform.python_version()}, {platform.machine()}"
    page.FILE.write_text(page.page(rows, events, further, machine))
    _say(f"{len(rows)} cases, {sum(row.holds for row in rows)} hold: {page.FILE.name}")
    return 0 if all(row.holds for row in rows) else 1


def _fuzz(inputs: int, seed: int, memory_mib: int) -> int:
    began = time.monotonic()
    report = fuzz.campaign(inputs, seed, memory_mib, say=_say)
    _say(f"{report} in {time.monotonic() - began:.0f} s")
    return 0 if report.clean else 1


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
