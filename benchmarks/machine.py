"""The machine and the versions that figures come from."""

import os
import platform
import subprocess
from contextlib import suppress
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from penstock.errors import UsageError
from penstock.local.errors import LocalStackError
from penstock.local.jars import LOCK_FILE
from penstock.local.java import choose_java

LIBRARIES = ("penstock", "river", "aiokafka", "fastavro")
BROKER = "org.apache.kafka:kafka-clients:"
GIVEN = "not known: PENSTOCK_BOOTSTRAP is given, and a broker does not tell its version"


def facts() -> dict[str, str]:
    """What a reader needs to judge a figure, by name. Call it before the work: it holds the load average."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "load average": " ".join(f"{load:.2f}" for load in os.getloadavg()) + " (1, 5, 15 min, before the start)",
        "cores": _cores(),
        "CPU": _cpu(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "commit": _commit(),
        **{name: version(name) for name in LIBRARIES},
        "kafka": GIVEN if os.environ.get("PENSTOCK_BOOTSTRAP") else _kafka(),
        "java": GIVEN if os.environ.get("PENSTOCK_BOOTSTRAP") else _java(),
    }


def environment(name: str, default: int) -> int:
    """A positive whole number from the environment. Raises: UsageError."""
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not int(text):
        raise UsageError(f"{name}={text}: not a whole number above 0. Try: {name}={default}")
    return int(text)


def _cores() -> str:
    there = os.cpu_count() or 1
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else there
    return str(there) if usable == there else f"{usable} of {there}"


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "not known"


def _commit() -> str:
    with suppress(OSError):
        asked = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
        return asked.stdout.strip() or "not known"
    return "not known"


def _kafka() -> str:
    jars = (line.split()[0] for line in LOCK_FILE.read_text(encoding="utf-8").splitlines() if line.startswith(BROKER))
    return next(jars, BROKER).removeprefix(BROKER)


def _java() -> str:
    try:
        java = choose_java()
    except LocalStackError:
        return "none"
    return f"{java.version} ({java.source})"
