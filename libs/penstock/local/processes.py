"""Which process is meant: a pid alone may have been given to another one since."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

RUN_TIMEOUT_S = 10.0


def start_time(pid: int) -> str | None:
    """Return when a process started, as the system writes it; None if it is dead or a zombie. Equal texts mean the same process."""
    if sys.platform == "linux":
        try:
            return parse_stat(Path(f"/proc/{pid}/stat").read_text())
        except (OSError, ValueError):
            return None
    state, _, started = _ps(pid, "stat=,lstart=").partition(" ")
    return started.strip() if state and not state.startswith("Z") else None


def parse_stat(text: str) -> str | None:
    """Return field 22 (start time in ticks since boot) of /proc/<pid>/stat, or None for a zombie (proc_pid_stat(5)).

    >>> parse_stat("7 (a) b) S " + "0 " * 18 + "4711 0")
    '4711'
    """
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def is_alive(pid: int, started: str) -> bool:
    """Tell whether the process that had this pid and this start time still runs."""
    return pid > 0 and bool(started) and start_time(pid) == started


def command_of(pid: int) -> str:
    """Return the command line of a process, or nothing if it is gone."""
    if sys.platform == "linux":
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
        except OSError:
            return ""
    return _ps(pid, "command=")


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to a child's whole process group (each child leads one); a group that is gone is no error."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, number)


def run_text(argv: Sequence[str | Path]) -> "subprocess.CompletedProcess[str]":
    """Run a short command to its end and return what it wrote; one that cannot run has code 127, one that hangs 124."""
    try:
        # The commands are our own: never a shell, never a word from outside.
        return subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=RUN_TIMEOUT_S, check=False)  # noqa: S603
    except OSError as error:
        return subprocess.CompletedProcess(argv, 127, "", str(error))
    except subprocess.TimeoutExpired:
        return subprocess.CompletedProcess(argv, 124, "", f"no answer in {RUN_TIMEOUT_S:.0f} s")


def _ps(pid: int, columns: str) -> str:
    return run_text(["ps", "-o", columns, "-p", str(pid)]).stdout.strip()
