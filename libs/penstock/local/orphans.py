"""End what a supervisor that died has left behind (where the kernel does not do it: not on Linux)."""

import signal
import time

from penstock.local.processes import is_alive, signal_group
from penstock.local.state import Process, State

GRACE_S = 10.0
LOOK_EVERY_S = 0.05


def end_orphans(state: State) -> None:
    """End the recorded processes that still run, last started first: gently, then by force. Others with the same pid are spared."""
    for process in reversed(state.processes):
        if process.is_alive:
            signal_group(process.pid, signal.SIGINT if process.name == "postgres" else signal.SIGTERM)
    for process in state.processes:
        if not gone_within(process.pid, process.started, GRACE_S):
            _force(process)


def _force(process: Process) -> None:
    signal_group(process.pid, signal.SIGKILL)
    gone_within(process.pid, process.started, GRACE_S)


def gone_within(pid: int, started: str, limit_s: float) -> bool:
    """Wait until a process is gone; tell whether it went in time."""
    deadline = time.monotonic() + limit_s
    while is_alive(pid, started):
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_EVERY_S)
    return True
