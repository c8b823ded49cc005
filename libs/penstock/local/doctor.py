"""What is wrong with this machine or folder, and the cure: pure checks over facts that are gathered first."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from penstock.local import kafka, postgres
from penstock.local.cache import cache_folder
from penstock.local.child import NOBODY, SAME_USER, USER_NAMESPACE
from penstock.local.disk import FREE_BYTES_MIN, free_bytes
from penstock.local.errors import LocalStackError
from penstock.local.java import Java, choose_java
from penstock.local.ports import is_free, listener_of
from penstock.local.state import State, folders_of, read_state

PYTHON_MIN = (3, 11)


class Verdict(StrEnum):
    """How a check ended: a warning does not keep the stack from starting."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Check:
    """What was looked at, what was found, and what to do about it."""

    name: str
    verdict: Verdict
    found: str
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Holder:
    """A port of the last run that another process holds now; pid 0 if it cannot be seen who."""

    name: str
    port: int
    pid: int
    command: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found on the machine; a text in a `…_error` says why the thing beside it is absent."""

    python: tuple[int, int]
    java: Java | None = None
    java_error: str = ""
    binaries: Path | None = None
    binaries_major: str = ""
    binaries_error: str = ""
    identity: str = SAME_USER
    identity_error: str = ""
    data_major: str | None = None
    free_bytes: dict[str, int] = field(default_factory=dict)
    state: State | None = None
    supervisor_alive: bool = False
    orphans: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    formatted_cluster_id: str | None = None
    own_cluster_id: str | None = None
    given_bootstrap: str = ""
    given_dsn: str = ""


def examine(folder: Path) -> list[Check]:
    """Gather the facts and check them all.

    Raises:
        LocalStackError: the state file is damaged.
    """
    return diagnose(gather_facts(folder))


def diagnose(facts: Facts) -> list[Check]:
    """Check the facts; most important first."""
    return [check(facts) for check in CHECKS]


def check_python(facts: Facts) -> Check:
    """Python is 3.11 or newer."""
    version = ".".join(map(str, facts.python))
    if facts.python >= PYTHON_MIN:
        return Check("python", Verdict.OK, version)
    return Check("python", Verdict.FAILED, f"{version} is too old", "use Python 3.11 or newer: PYTHON=python3.11 make")


def check_java(facts: Facts) -> Check:
    """There is a Java 17 or newer, unless Kafka is given."""
    if facts.given_bootstrap:
        return Check("java", Verdict.OK, f"not needed: PENSTOCK_BOOTSTRAP={facts.given_bootstrap}")
    if facts.java:
        return Check("java", Verdict.OK, f"{facts.java.version} ({facts.java.source}: {facts.java.path})")
    return _failed("java", facts.java_error)


def check_postgres(facts: Facts) -> Check:
    """There are PostgreSQL binaries that can run here, unless a server is given."""
    if facts.given_dsn:
        return Check("postgres", Verdict.OK, "not needed: PENSTOCK_DSN is set")
    if facts.binaries_error or facts.binaries is None:
        return _failed("postgres", facts.binaries_error)
    return Check("postgres", Verdict.OK, f"{facts.binaries_major} ({facts.binaries})")


def check_user(facts: Facts) -> Check:
    """PostgreSQL does not run as root: user nobody must be able to enter the clone, or a user namespace must do."""
    if facts.given_dsn or not facts.identity_error:
        how = {SAME_USER: "this user", NOBODY: "user nobody", USER_NAMESPACE: "a namespace's user, since the folder is private"}
        return Check("user", Verdict.OK, f"PostgreSQL runs as {how[facts.identity]}")
    return _failed("user", facts.identity_error)


def check_disk(facts: Facts) -> Check:
    """There is 1 GB free where the data and the downloads go."""
    full = {path: free for path, free in facts.free_bytes.items() if free < FREE_BYTES_MIN}
    if full:
        found = "; ".join(f"only {free / 1e6:.0f} MB free for {path}" for path, free in full.items())
        return Check("disk", Verdict.FAILED, found, "free 1 GB, or use another folder (PENSTOCK_CACHE moves the downloads)")
    return Check("disk", Verdict.OK, "; ".join(f"{free / 1e9:.0f} GB free for {path}" for path, free in facts.free_bytes.items()))


def check_ports(facts: Facts) -> Check:
    """The ports of the last run are free, or its own."""
    if not facts.holders:
        return Check("ports", Verdict.OK, "the ports of the last run are free, or in use by this stack")
    found = "; ".join(f"{one.port} ({one.name}) is held by {_who(one)}" for one in facts.holders)
    return Check("ports", Verdict.WARNING, found, "end that process to keep the address; penstock up chooses another port otherwise")


def check_stack(facts: Facts) -> Check:
    """What the state file says runs does run."""
    state = facts.state
    if state is None or state.phase in {"stopped", "failed"}:
        return Check("stack", Verdict.OK, f"not running{f': {state.error}' if state and state.error else ''}")
    if facts.supervisor_alive:
        return Check("stack", Verdict.OK, f"{state.phase} (pid {state.pid})")
    left = f", but {', '.join(facts.orphans)} still run" if facts.orphans else ""
    found = f"recorded as {state.phase}, but its supervisor (pid {state.pid}) is dead{left}"
    return Check("stack", Verdict.WARNING, found, "penstock down, or penstock up: both clean up")


def check_kafka_data(facts: Facts) -> Check:
    """Kafka's data belong to this stack."""
    if facts.formatted_cluster_id == facts.own_cluster_id or facts.own_cluster_id is None:
        return Check("kafka data", Verdict.OK, f"cluster {facts.formatted_cluster_id}" if facts.formatted_cluster_id else "none yet")
    found = f"cluster {facts.formatted_cluster_id}, but this folder was made for {facts.own_cluster_id}"
    return Check("kafka data", Verdict.FAILED, found, "penstock down --wipe, or another folder")


def check_postgres_data(facts: Facts) -> Check:
    """PostgreSQL's data were made by the major version that will read them."""
    if facts.data_major is None or facts.given_dsn or facts.data_major == facts.binaries_major:
        return Check("postgres data", Verdict.OK, f"PostgreSQL {facts.data_major}" if facts.data_major else "none yet")
    found = f"made by PostgreSQL {facts.data_major}, the binaries are {facts.binaries_major or 'absent'}"
    return Check("postgres data", Verdict.FAILED, found, f"PENSTOCK_PG_BIN of a PostgreSQL {facts.data_major}, or penstock down --wipe")


CHECKS: tuple[Callable[[Facts], Check], ...] = (
    check_python,
    check_disk,
    check_java,
    check_postgres,
    check_user,
    check_stack,
    check_ports,
    check_kafka_data,
    check_postgres_data,
)


def gather_facts(folder: Path) -> Facts:
    """Look at the machine and the folder; nothing is changed."""
    folders = folders_of(folder)
    state = read_state(folders.root)
    alive = bool(state and state.is_running)
    java, java_error = _java()
    binaries, major, binaries_error = _binaries()
    identity, identity_error = _identity(binaries, folders.data)
    own_id = kafka.cluster_id_file(folders)
    return Facts(
        python=sys.version_info[:2],
        java=java,
        java_error=java_error,
        binaries=binaries,
        binaries_major=major,
        binaries_error=binaries_error,
        identity=identity,
        identity_error=identity_error,
        data_major=postgres.data_major(folders.data / "postgres"),
        free_bytes={str(path): free_bytes(path) for path in (folders.root, cache_folder())},
        state=state,
        supervisor_alive=alive,
        orphans=tuple(one.name for one in state.processes if one.is_alive) if state and not alive else (),
        holders=_holders(state) if state and not alive else (),
        formatted_cluster_id=kafka.formatted_cluster_id(folders),
        own_cluster_id=own_id.read_text().strip() if own_id.is_file() else None,
        given_bootstrap=os.environ.get("PENSTOCK_BOOTSTRAP", ""),
        given_dsn=os.environ.get("PENSTOCK_DSN", ""),
    )


def _java() -> tuple[Java | None, str]:
    try:
        return choose_java(), ""
    except LocalStackError as error:
        return None, str(error)


def _binaries() -> tuple[Path | None, str, str]:
    try:
        binaries = postgres.find_binaries()
        return binaries, postgres.binary_major(binaries), ""
    except LocalStackError as error:
        return None, "", str(error)


def _identity(binaries: Path | None, data: Path) -> tuple[str, str]:
    try:
        return (postgres.choose_identity(binaries, data) if binaries else SAME_USER), ""
    except LocalStackError as error:
        return SAME_USER, str(error)


def _holders(state: State) -> tuple[Holder, ...]:
    taken = [(name, port) for name, port in state.ports.items() if not is_free(port)]
    return tuple(Holder(name, port, *(listener_of(port) or (0, ""))) for name, port in taken)


def _who(holder: Holder) -> str:
    return f"pid {holder.pid} ({holder.command[:80]})" if holder.pid else "a process of another user"


def _failed(name: str, error: str) -> Check:
    found, _, cure = error.partition(" Try: ")
    return Check(name, Verdict.FAILED, found, cure)
