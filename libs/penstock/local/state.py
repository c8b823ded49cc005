"""What is known of a stack: the state file, the folders, and the lock that keeps it to one stack per folder."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from penstock.local.errors import LocalStackError
from penstock.local.processes import is_alive

DEFAULT_FOLDER = Path(".penstock")


@dataclass(frozen=True, slots=True)
class Folders:
    """Where a stack keeps its things, below one folder."""

    root: Path

    @property
    def data(self) -> Path:
        """Kafka's and PostgreSQL's data: all that `down --wipe` deletes, with the logs."""
        return self.root / "data"

    @property
    def logs(self) -> Path:
        """A log file per process."""
        return self.root / "logs"

    @property
    def run(self) -> Path:
        """Settings that are written at each start, and the lock."""
        return self.root / "run"

    @property
    def lock(self) -> Path:
        """The file that the running stack holds locked."""
        return self.run / "lock"

    @property
    def state(self) -> Path:
        """The state file."""
        return self.root / "state.json"

    def log_of(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.logs / f"{name}.log"

    def make(self) -> None:
        """Make the folders that are absent."""
        for folder in (self.data, self.logs, self.run):
            folder.mkdir(parents=True, exist_ok=True)


def folders_of(folder: Path) -> Folders:
    """Return the folders of a stack, absolute: its children work in other places."""
    return Folders(folder.absolute())


@dataclass(frozen=True, slots=True)
class Process:
    """One child of the stack: state is starting, ready, restarting, stopping, stopped or failed."""

    name: str
    log: str
    addresses: dict[str, str]
    state: str = "starting"
    pid: int = 0
    started: str = ""
    restarts: int = 0
    exit_code: int | None = None

    @property
    def is_alive(self) -> bool:
        """Tell whether the process that is meant still runs."""
        return is_alive(self.pid, self.started)


@dataclass(frozen=True, slots=True)
class StackAddresses:
    """Where everything of the stack answers; empty where the stack has no such part."""

    bootstrap: str = ""
    dsn: str = ""
    registry: str = ""
    schema_registry_url: str = ""
    gateway: str = ""
    feature_store: str = ""
    trainer: str = ""
    monitor: str = ""
    metrics: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class State:
    """The stack as its supervisor last wrote it: phase is starting, ready, stopping, stopped or failed."""

    folder: str
    phase: str = "stopped"
    pid: int = 0
    started: str = ""
    error: str = ""
    addresses: StackAddresses = field(default_factory=StackAddresses)
    ports: dict[str, int] = field(default_factory=dict)
    processes: tuple[Process, ...] = ()

    @property
    def is_alive(self) -> bool:
        """Tell whether the supervisor that wrote this still runs."""
        return is_alive(self.pid, self.started)

    @property
    def is_running(self) -> bool:
        """Tell whether the stack runs, or is about to."""
        return self.phase not in {"stopped", "failed"} and self.is_alive

    def masked(self) -> "State":
        """Return the state without the database's password, for printing."""
        return replace(self, addresses=replace(self.addresses, dsn=mask(self.addresses.dsn)))


_STATE = TypeAdapter(State)


def read_state(folder: Path) -> State | None:
    """Return the state of the stack in a folder, or None if there was never one.

    Raises:
        LocalStackError: the state file is damaged.
    """
    path = Folders(folder).state
    try:
        return _STATE.validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise LocalStackError(f"{path} is damaged ({error.error_count()} errors). Try: delete it, then penstock up.") from error


def write_state(state: State) -> None:
    """Replace the state file as a whole; only its owner may read it, since it holds the database's password."""
    path = Folders(Path(state.folder)).state
    part = path.with_suffix(".part")
    part.touch(mode=0o600)
    part.write_bytes(_STATE.dump_json(state, indent=1))
    os.replace(part, path)


def mask(dsn: str) -> str:
    """Hide the password of a PostgreSQL address.

    >>> mask("postgresql://penstock:secret@127.0.0.1:5432/penstock")
    'postgresql://penstock:***@127.0.0.1:5432/penstock'
    """
    return re.sub(r"(//[^:/@]*):[^@]*@", r"\1:***@", dsn)


@contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Hold the folder, so that there is one stack in it; the lock goes with the process that holds it.

    Raises:
        LocalStackError: a stack runs there.
    """
    folders = Folders(folder)
    try:
        folders.make()
        file = folders.lock.open("a")
    except OSError as error:
        raise LocalStackError(f"cannot write to {folder}: {error.strerror}. Try: another folder, or free its disk.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise LocalStackError(f"a stack runs in {folder} already. Try: penstock status, or penstock down.") from None
        yield


def tail(path: Path, lines: int) -> list[str]:
    """Return the last lines of a log file (at most 64 KiB of it); none if there is no file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 65_536))
            return file.read().decode(errors="replace").splitlines()[-lines:]
    except FileNotFoundError:
        return []
