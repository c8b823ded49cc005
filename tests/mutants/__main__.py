"""`python -m tests.mutants`: break the code once for each mutant and see that the suite notices; exit code 1 when it does not."""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from penstock.errors import PenstockError
from tests.mutants import campaign, patches, report, rules


def main() -> int:
    """Run the mutants that are asked for, or all; the exit code."""
    options = arguments()
    mutants = chosen(options)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="penstock-mutants-", ignore_cleanup_errors=True) as scratch:
        Path(scratch).chmod(0o755)  # where root runs PostgreSQL as another user
        results = asyncio.run(campaign.run(mutants, options.jobs, Path(scratch), report.say))
    seconds = time.monotonic() - began
    report.print_table(results)
    report.tell(f"\n{report.summary(results, seconds)}\nwritten to {report.write(results, seconds)}")
    return 0 if all(result.verdict.is_good for result in results) else 1


def arguments() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these patches, by the names of their files without .patch")
    parser.add_argument("--rule", metavar="ID", help="the mutants of one rule, or of all whose id begins so (law3, law3.barrier)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, metavar="N", help="so many at once (default: one a core)")
    return parser.parse_args()


def chosen(options: argparse.Namespace) -> Sequence[patches.Mutant]:
    """The mutants that are asked for. Raises: BadHeader; PenstockError when there are none, or rules and mutants do not fit together."""
    mutants = patches.load()
    if gaps := rules.gaps(rules.load(), mutants):
        raise PenstockError("rules.toml and the patches do not fit together:\n  " + "\n  ".join(gaps))
    if unknown := set(options.only or ()) - {mutant.name for mutant in mutants}:
        raise PenstockError(f"there is no mutant {', '.join(sorted(unknown))}. Look at: ls tests/mutants")
    found = [mutant for mutant in mutants if options.only is None or mutant.name in options.only]
    found = [mutant for mutant in found if options.rule is None or (mutant.rule + ".").startswith(options.rule + ".")]
    if not found:
        raise PenstockError(f"no mutant breaks {options.rule}. Look at: tests/mutants/rules.toml")
    return found


if __name__ == "__main__":
    try:
        sys.exit(main())
    except PenstockError as error:
        sys.stderr.write(f"mutants: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
