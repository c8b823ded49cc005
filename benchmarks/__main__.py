"""`python -m benchmarks [name …]`: run benchmarks, print their figures with the machine they come from, and write them as JSON."""

import argparse
import importlib
import sys
from pathlib import Path
from types import ModuleType

from benchmarks.machine import facts
from benchmarks.report import print_facts, print_result, write
from penstock.errors import PenstockError

NAMES = (
    "trainer_loop",
    "replay",
    "pending",
    "snapshots",
    "worker",
    "ingestion",
    "ingestion_worker",
    "gateway",
    "recovery",
    "pipeline",
    "idle",
)
FOLDER = Path(".penstock") / "bench"


def main() -> None:
    """Run the named benchmarks, or all. Raises: PenstockError when one cannot run, or when its check fails: then it prints no figure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Figures of speed; without a name, all.")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(NAMES))
    parser.add_argument("--list", action="store_true", help="say what each measures, and what it does not")
    options = parser.parse_args()
    if unknown := set(options.names) - set(NAMES):
        parser.error(f"there is no benchmark {', '.join(sorted(unknown))} ({', '.join(NAMES)})")
    for name in options.names or NAMES:
        module = importlib.import_module(f"benchmarks.{name}")
        if options.list:
            print(f"{name}\n{module.__doc__}")
        else:
            run(name, module)


def run(name: str, module: ModuleType) -> None:
    """Measure, print and write one benchmark."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    machine = facts()  # first: the load average must not be our own
    print_facts(name, machine)
    result = module.measure(FOLDER)
    print_result(result)
    print(f"written to {write(FOLDER, name, machine, result)}\n")


if __name__ == "__main__":
    try:
        main()
    except PenstockError as error:
        sys.stderr.write(f"penstock bench: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(130)
