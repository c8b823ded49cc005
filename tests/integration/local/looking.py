"""What a stack says of its processes."""

from collections.abc import Callable
from pathlib import Path

from penstock.local.stack import Process, read_state


def processes(folder: Path) -> dict[str, Process]:
    """The processes of the stack in a folder, by their names."""
    state = read_state(folder)
    assert state
    return {process.name: process for process in state.processes}


def restarted(folder: Path, name: str) -> Callable[[], bool]:
    """A condition: whether a process has died once and is ready again."""

    def is_back() -> bool:
        process = processes(folder)[name]  # read once: "ready" from before its death and the count from behind it would go together
        return process.state == "ready" and process.restarts == 1

    return is_back
