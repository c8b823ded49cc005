"""A supervisor of the tests: `run_stack.py <folder> <notes> <name>…` runs one tiny service per name, each a stage after the last."""

import asyncio
import sys
from pathlib import Path

from penstock.local.stack import Service, supervise


def services(notes: Path, names: list[str]) -> tuple[Service, ...]:
    child = str(Path(__file__).with_name("child.py"))
    return tuple(Service(name, (sys.executable, child, name, str(notes)), ("ops",), stage) for stage, name in enumerate(names))


if __name__ == "__main__":
    asyncio.run(supervise(Path(sys.argv[1]), services(Path(sys.argv[2]), sys.argv[3:])))
