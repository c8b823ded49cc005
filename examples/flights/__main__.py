"""`make demo`: start the stack, run the demo, stop the stack."""

import asyncio
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from examples.flights.demo import MODEL, Demo
from examples.flights.events import events
from penstock.cli.stack import say_download
from penstock.errors import PenstockError, UsageError
from penstock.local.stack import SERVICES, read_state, start_detached, stop, wipe

FOLDER = Path(".penstock") / "demo"
INTERRUPTED = 130
NEXT = f"""the stack is still up. Try:
  .venv/bin/penstock show {MODEL} --folder {FOLDER}
  .venv/bin/penstock tail predictions.{MODEL} --folder {FOLDER}
  .venv/bin/penstock verify {MODEL}@champion --folder {FOLDER}
  .venv/bin/penstock verify --folder {FOLDER}
  .venv/bin/penstock down --folder {FOLDER}
"""


def main() -> None:
    """Read the options from the environment (FLIGHTS, RATE, KILL, KEEP) and run. Raises: PenstockError."""
    demo = options()
    stop(FOLDER)
    wipe(FOLDER)
    say_download()
    sys.stdout.write("starting Kafka, PostgreSQL and six services\n")
    sys.stdout.flush()
    with ThreadPoolExecutor(max_workers=1) as reader:
        ordered = reader.submit(lambda: list(events(demo.flights)))  # while the stack starts
        try:
            start_detached(FOLDER)
            asyncio.run(demo.run(ordered))
        finally:
            if os.environ.get("KEEP") and read_state(FOLDER):
                sys.stdout.write(NEXT)
            else:
                stop(FOLDER)


def options() -> Demo:
    """The demo as asked for. Raises: UsageError."""
    victim = os.environ.get("KILL", "")
    names = [service.name for service in SERVICES]
    if victim and victim not in names:
        raise UsageError(f"KILL={victim}: there is no such service ({', '.join(names)})")
    try:
        flights, rate = int(os.environ.get("FLIGHTS", "100000")), float(os.environ.get("RATE", "0"))
    except ValueError as error:
        raise UsageError(f"FLIGHTS and RATE are numbers: {error}") from error
    return Demo(FOLDER, flights, rate, victim, float(os.environ.get("PENSTOCK_DEMO_BEGAN") or time.time()))


if __name__ == "__main__":
    try:
        main()
    except PenstockError as error:
        sys.stderr.write(f"penstock demo: {error}\n")
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)
