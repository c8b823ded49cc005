"""The process of a detached stack: `python -m penstock.local <folder> [--only-infra]`."""

import argparse
import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path

from penstock.local.errors import LocalStackError
from penstock.local.running import supervise
from penstock.local.services import SERVICES
from penstock.local.state import Process


def main() -> int:
    """Run the stack until a signal; 1 if it could not start."""
    parser = argparse.ArgumentParser(prog="python -m penstock.local", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only-infra", action="store_true")
    arguments = parser.parse_args()
    try:
        asyncio.run(supervise(arguments.folder, () if arguments.only_infra else SERVICES, log_event))
    except (LocalStackError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


def log_event(process: Process) -> None:
    """Write one line for a change of a process."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    sys.stderr.write(f"{now} {process.name} {process.state} pid={process.pid} restarts={process.restarts} exit_code={process.exit_code}\n")


if __name__ == "__main__":
    sys.exit(main())
