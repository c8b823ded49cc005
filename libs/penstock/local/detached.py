"""Start and stop a stack that runs by itself, in a session of its own."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

from penstock.local.errors import LocalStackError
from penstock.local.jars import Progress
from penstock.local.orphans import end_orphans, gone_within
from penstock.local.processes import start_time
from penstock.local.running import find_parts
from penstock.local.state import Folders, State, folder_lock, folders_of, read_state, tail

START_WITHIN_S = 180.0
STOP_WITHIN_S = 120.0
LOOK_EVERY_S = 0.05
TAIL_LINES = 20

OnState = Callable[[State], None]


def start_detached(
    folder: Path,
    *,
    only_infra: bool = False,
    progress: Progress | None = None,
    on_state: OnState = lambda state: None,
) -> State:
    """Start the stack in a process of its own and return its state when all is ready; `on_state` sees every change.

    Raises:
        LocalStackError: it cannot start, or one runs there; with the end of the log that says why. Nothing is left running then.
    """
    folders = folders_of(folder)
    with folder_lock(folders.root):
        find_parts(folders, progress=progress)  # fetch, and refuse what cannot work, while somebody looks
    pid = _spawn(folders, only_infra)
    try:
        return _until_ready(folders, pid, on_state)
    except BaseException:
        _stop_process(pid, start_time(pid) or "")
        raise


def stop(folder: Path) -> None:
    """Stop the stack in a folder and wait until all of it is gone; one that does not run is no error.

    Raises:
        LocalStackError: the state file is damaged.
    """
    state = read_state(folder.absolute())
    if state is None:
        return
    if state.is_running:  # a process that ran the stack and goes on with other things, as tests do, is left alone
        _stop_process(state.pid, state.started)
    end_orphans(read_state(folder.absolute()) or state)


def _spawn(folders: Folders, only_infra: bool) -> int:
    argv = [sys.executable, "-m", "penstock.local", str(folders.root), *(["--only-infra"] if only_infra else [])]
    log = str(folders.log_of("supervisor"))
    return os.posix_spawn(  # not a Popen: this process outlives neither its parent's interest nor its warnings
        sys.executable,
        argv,
        os.environ,
        setsid=True,
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ],
    )


def _until_ready(folders: Folders, pid: int, on_state: OnState) -> State:
    seen, deadline = None, time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        ended = os.waitpid(pid, os.WNOHANG)[0] == pid
        state = read_state(folders.root)
        ours = state if state and state.pid == pid else None
        if ended:
            raise LocalStackError(_reason(folders, ours))
        if ours and ours != seen:
            seen = ours
            on_state(ours)
        if ours and ours.phase == "ready":
            return ours
        time.sleep(LOOK_EVERY_S)
    raise LocalStackError(f"the stack was not ready within {START_WITHIN_S:.0f} s. Try: look into {folders.logs}.")


def _reason(folders: Folders, state: State | None) -> str:
    if state and state.error:
        return state.error
    log = folders.log_of("supervisor")
    return f"the supervisor ended; the end of {log}:\n" + "\n".join(tail(log, TAIL_LINES))


def _stop_process(pid: int, started: str) -> None:
    if not started or start_time(pid) != started:
        return
    os.kill(pid, signal.SIGTERM)
    if not gone_within(pid, started, STOP_WITHIN_S):
        os.kill(pid, signal.SIGKILL)
        gone_within(pid, started, STOP_WITHIN_S)
