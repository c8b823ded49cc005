"""The whole stack in one folder, run by this process: find the parts, start them in order, keep the state file."""

import asyncio
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from penstock.local import kafka, postgres
from penstock.local.cache import cache_folder
from penstock.local.disk import refuse_full_disk
from penstock.local.errors import LocalStackError
from penstock.local.jars import LOCK_FILE, Progress, fetch_jars
from penstock.local.java import choose_java
from penstock.local.orphans import end_orphans
from penstock.local.ports import choose_ports
from penstock.local.processes import start_time
from penstock.local.services import Service, port_names, service_program, stack_addresses, stages
from penstock.local.state import Folders, Process, State, folder_lock, folders_of, read_state, write_state
from penstock.local.supervisor import Program, Supervisor, together

OnEvent = Callable[[Process], None]


def ignore(_event: Process) -> None:
    """Take no notice of an event."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where Kafka and PostgreSQL answer: `host:port`, and `postgresql://user:password@host:port/penstock`.

    `schema_registry_url`: where a schema registry answers that is to be used instead of ours, with its path; else empty.
    """

    bootstrap: str
    dsn: str
    schema_registry_url: str = ""


@asynccontextmanager
async def infrastructure(folder: Path) -> AsyncIterator[Addresses]:
    """Run Kafka and PostgreSQL as children of this process, for tests; addresses in the environment win.

    Raises:
        LocalStackError: they cannot be started; nothing is left running then.
    """
    given = given_addresses()
    if given.bootstrap and given.dsn:
        yield given
        return
    async with running(folder) as state:
        yield Addresses(state.addresses.bootstrap, state.addresses.dsn)


async def supervise(folder: Path, services: Sequence[Service], on_event: OnEvent = ignore) -> None:
    """Run the stack until SIGTERM or SIGINT.

    Raises:
        LocalStackError: it cannot be started; nothing is left running then.
    """
    loop, stopping = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    run = asyncio.create_task(_run(folder, services, on_event))
    asked = asyncio.create_task(stopping.wait())
    await asyncio.wait((run, asked), return_when=asyncio.FIRST_COMPLETED)
    asked.cancel()
    if stopping.is_set() and not run.done():
        run.cancel()
    try:
        await run
    except asyncio.CancelledError:
        if not stopping.is_set():
            raise


async def _run(folder: Path, services: Sequence[Service], on_event: OnEvent) -> None:
    async with running(folder, services, on_event):
        await asyncio.get_running_loop().create_future()  # until it is cancelled


@asynccontextmanager
async def running(folder: Path, services: Sequence[Service] = (), on_event: OnEvent = ignore) -> AsyncIterator[State]:
    """Start everything, give the state when all is ready, and stop everything at the end."""
    folders, error = folders_of(folder), ""
    with folder_lock(folders.root):
        last = read_state(folders.root)
        if last:
            end_orphans(last)
        parts = find_parts(folders, port_names(services), last.ports if last else {})
        book = _Book(folders, parts.ports, on_event)
        supervisor = Supervisor(book.note)
        try:
            # One client for all probes; proxies are for the network, not for loopback.
            async with httpx.AsyncClient(trust_env=False) as client:
                await _start(book, supervisor, parts, services, client)
                yield book.state
        except (LocalStackError, OSError) as failure:
            error = str(failure)
            raise
        finally:
            book.enter("stopping")
            await supervisor.stop()
            book.enter("failed" if error else "stopped", error)


async def _start(book: "_Book", supervisor: Supervisor, parts: "Parts", services: Sequence[Service], client: httpx.AsyncClient) -> None:
    await supervisor.start(await together(parts.programs()))
    addresses = stack_addresses(parts.ports, parts.bootstrap(), parts.dsn(), parts.given.schema_registry_url)
    book.state = replace(book.state, addresses=addresses)
    for stage in stages(services):
        await supervisor.start([service_program(service, parts.ports, addresses, parts.folders, client) for service in stage])
    book.enter("ready")


@dataclass(frozen=True, slots=True)
class Parts:
    """What was found on this machine to run; a part whose address is given is absent."""

    folders: Folders
    ports: dict[str, int]
    given: Addresses
    kafka: kafka.Kafka | None
    postgres: postgres.Postgres | None

    def programs(self) -> list[Coroutine[object, object, Program]]:
        """Prepare the parts that are ours."""
        ours = [kafka.prepare(self.kafka)] if self.kafka else []
        return [*ours, postgres.prepare(self.postgres)] if self.postgres else ours

    def bootstrap(self) -> str:
        """Return Kafka's address."""
        return self.kafka.bootstrap if self.kafka else self.given.bootstrap

    def dsn(self) -> str:
        """Return PostgreSQL's address."""
        return self.postgres.dsn() if self.postgres else self.given.dsn


def find_parts(
    folders: Folders, service_ports: Sequence[str] = (), last_ports: dict[str, int] | None = None, progress: Progress | None = None
) -> Parts:
    """Find all that the stack needs, and fetch what is missing, before anything starts.

    Raises:
        LocalStackError: something is absent, with what to do about it.
    """
    given = given_addresses()
    refuse_full_disk(folders.root)
    names = [*([] if given.bootstrap else ["kafka", "kafka.controller"]), *([] if given.dsn else ["postgres"]), *service_ports]
    ports = choose_ports(names, last_ports or {})
    return Parts(
        folders,
        ports,
        given,
        None if given.bootstrap else _find_kafka(folders, ports, progress),
        None if given.dsn else _find_postgres(folders, ports),
    )


def _find_kafka(folders: Folders, ports: dict[str, int], progress: Progress | None) -> kafka.Kafka:
    java, cache = choose_java(), cache_folder()
    refuse_full_disk(cache)
    jars = fetch_jars(cache, LOCK_FILE.read_text(), progress or (lambda done, total: None))
    return kafka.Kafka(folders, cache, jars, java, ports["kafka"], ports["kafka.controller"])


def _find_postgres(folders: Folders, ports: dict[str, int]) -> postgres.Postgres:
    binaries = postgres.find_binaries()
    identity = postgres.choose_identity(binaries, folders.data)
    return postgres.Postgres(folders, binaries, identity, ports["postgres"])


def given_addresses() -> Addresses:
    """Return the addresses that the environment gives; empty where it gives none."""
    return Addresses(*(os.environ.get(f"PENSTOCK_{name}", "") for name in ("BOOTSTRAP", "DSN", "SCHEMA_REGISTRY_URL")))


class _Book:
    """Writes the state file after every change."""

    def __init__(self, folders: Folders, ports: dict[str, int], on_event: OnEvent) -> None:
        pid = os.getpid()
        self.state = State(str(folders.root), "starting", pid, start_time(pid) or "", ports=ports)
        self._on_event = on_event
        self._write()

    def note(self, process: Process) -> None:
        """Write down what became of a process."""
        others = {known.name: known for known in self.state.processes}
        self.state = replace(self.state, processes=tuple({**others, process.name: process}.values()))
        self._write()
        self._on_event(process)

    def enter(self, phase: str, error: str = "") -> None:
        """Write down the phase of the whole stack."""
        self.state = replace(self.state, phase=phase, error=error)
        self._write()

    def _write(self) -> None:
        try:
            write_state(self.state)
        except OSError as error:  # a full disk must not end the children that still work
            sys.stderr.write(f"the state file could not be written: {error}\n")


def wipe(folder: Path) -> None:
    """Delete a stopped stack's data, logs and state.

    Raises:
        LocalStackError: the stack runs.
    """
    folders = folders_of(folder)
    if not folders.root.exists():
        return
    with folder_lock(folders.root):
        for part in (folders.data, folders.logs):
            shutil.rmtree(part, ignore_errors=True)
        folders.state.unlink(missing_ok=True)
