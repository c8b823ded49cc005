"""CPU time of the local stack's processes: where the pipeline's time goes."""

from pathlib import Path

import psutil

from penstock.local.stack import read_state


def cpu_seconds(folder: Path) -> dict[str, float]:
    """CPU seconds so far by process of the stack in `folder`, with its children; nothing when no stack runs there."""
    state = read_state(folder)
    found = {process.name: _with_children(process.pid) for process in state.processes if process.is_alive} if state else {}
    return {**found, "this benchmark": _of(psutil.Process())} if found else {}


def _with_children(pid: int) -> float:
    parent = psutil.Process(pid)
    return sum(_of(process) for process in (parent, *parent.children(recursive=True)))


def _of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.NoSuchProcess:  # one of PostgreSQL's short-lived children
        return 0.0
    return float(times.user + times.system)
