"""The verbs of the local stack: up, down, status, logs, doctor."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.local.doctor import Check
    from penstock.local.stack import Process, State

LOOK_EVERY_S = 0.2


class Only(StrEnum):
    """A part of the stack that can run alone."""

    INFRA = "infra"


def up(
    folder: FolderOption = DEFAULT_FOLDER,
    foreground: Annotated[
        bool, typer.Option("--foreground/--detach", help="Stay here until Ctrl-C, or come back when all is ready.")
    ] = False,
    only: Annotated[Only | None, typer.Option(help="infra: Kafka and PostgreSQL without the services.")] = None,
) -> None:
    """Start Kafka, PostgreSQL and the services on this machine."""
    from penstock.local.stack import start_detached  # noqa: PLC0415 (the other verbs need none of it)

    began = time.monotonic()
    say_download()
    with _download_bar() as progress:
        if foreground:
            _run_here(folder, only, progress)
            return
        state = start_detached(folder, only_infra=only is Only.INFRA, progress=progress, on_state=_new_states())
    typer.echo(f"ready in {time.monotonic() - began:.1f} s")
    _print_addresses(state.masked())


def down(
    folder: FolderOption = DEFAULT_FOLDER,
    wipe: Annotated[bool, typer.Option("--wipe", help="Delete the data and the logs too.")] = False,
) -> None:
    """Stop everything in order."""
    from penstock.local import stack  # noqa: PLC0415

    stack.stop(folder)
    if wipe:
        stack.wipe(folder)
    typer.echo("stopped; data and logs are deleted" if wipe else "stopped")


def status(folder: FolderOption = DEFAULT_FOLDER, output: OutputOption = Output.TABLE) -> None:
    """Show every process with its state and addresses."""
    from penstock.local.state import State, folders_of, read_state  # noqa: PLC0415

    state = (read_state(folder) or State(str(folders_of(folder).root))).masked()
    if output is Output.JSON:
        typer.echo(json.dumps(status_document(state), indent=2))
        return
    typer.echo(f"{phase_of(state)}: {state.folder}{f' ({state.error})' if state.error else ''}")
    for process in state.processes:
        typer.echo(_process_line(_as_it_is(process)))
    if state.is_running:
        _print_addresses(state)
        for reason in _refused(state):
            typer.echo(f"  ! {reason}")


def logs(
    service: Annotated[str, typer.Argument(help="kafka, postgres, supervisor or a service.")],
    folder: FolderOption = DEFAULT_FOLDER,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, help="How many of the last lines.")] = 50,
) -> None:
    """Print the end of a process's log."""
    from penstock.local.state import folders_of, tail  # noqa: PLC0415

    folders = folders_of(folder)
    path = folders.log_of(service)
    if not path.is_file():
        known = ", ".join(sorted(one.stem for one in folders.logs.glob("*.log"))) or "none yet"
        raise UsageError(f'there is no log of "{service}" in {folders.logs} (there are: {known}). Try: penstock status')
    for line in tail(path, lines):
        typer.echo(line)
    if follow:
        _follow(path)


def doctor(folder: FolderOption = DEFAULT_FOLDER, output: OutputOption = Output.TABLE) -> None:
    """Say what is wrong with this machine or folder, and the cure; exit code 1 if the stack cannot start."""
    from penstock.local.doctor import Verdict, examine  # noqa: PLC0415

    checks = examine(folder)
    if output is Output.JSON:
        typer.echo(json.dumps([_check_document(check) for check in checks], indent=2))
    else:
        for check in checks:
            typer.echo(f"{check.verdict:8} {check.name:14} {check.found}" + (f"\n{'':24}cure: {check.cure}" if check.cure else ""))
    if any(check.verdict is Verdict.FAILED for check in checks):
        raise typer.Exit(1)


def say_download() -> None:
    """Say how many MB the stack will fetch, if any."""
    from penstock.local.cache import cache_folder  # noqa: PLC0415
    from penstock.local.jars import LOCK_FILE, missing_bytes  # noqa: PLC0415
    from penstock.local.running import given_addresses  # noqa: PLC0415

    size = 0 if given_addresses().bootstrap else missing_bytes(cache_folder(), LOCK_FILE.read_text())
    if size:
        typer.echo(f"fetching Apache Kafka: {size / 1e6:.1f} MB into {cache_folder()} (once)")


def status_document(state: "State") -> dict[str, Any]:
    """Return the state as a JSON document: the phase that is true now, and whether each process lives."""
    from pydantic import TypeAdapter  # noqa: PLC0415

    from penstock.local.state import State  # noqa: PLC0415

    document: dict[str, Any] = TypeAdapter(State).dump_python(state.masked(), mode="json")
    alive = {process.name: process.is_alive for process in state.processes}
    document["phase"] = phase_of(state)
    document["refused"] = _refused(state)
    document["processes"] = [{**process, "alive": alive[process["name"]]} for process in document["processes"]]
    return document


def phase_of(state: "State") -> str:
    """Return the phase that is true now: a supervisor that was killed could not write its last one."""
    if state.phase in {"stopped", "failed"} or state.is_alive:
        return state.phase
    return "dead"


def _refused(state: "State") -> list[str]:
    """Why the trainer does not fold some models."""
    from penstock.cli.platform import run  # noqa: PLC0415
    from penstock.inspection.rebuild import refused  # noqa: PLC0415

    is_there = state.is_running and state.addresses.trainer
    return list(run(refused(state.addresses.trainer)).values()) if is_there else []


def _run_here(folder: Path, only: Only | None, progress: Callable[[int, int], None]) -> None:
    import asyncio  # noqa: PLC0415

    from penstock.local.running import find_parts  # noqa: PLC0415
    from penstock.local.stack import SERVICES, supervise  # noqa: PLC0415
    from penstock.local.state import folder_lock, folders_of  # noqa: PLC0415

    with folder_lock(folder):
        find_parts(folders_of(folder), progress=progress)
    asyncio.run(supervise(folder, () if only is Only.INFRA else SERVICES, lambda process: typer.echo(_process_line(process))))


def _new_states() -> Callable[["State"], None]:
    said: dict[str, tuple[str, int]] = {}

    def say(state: "State") -> None:
        for process in state.processes:
            now = (process.state, process.restarts)
            if said.get(process.name) != now:
                said[process.name] = now
                typer.echo(_process_line(process))

    return say


@contextmanager
def _download_bar() -> Iterator[Callable[[int, int], None]]:
    """Draw a bar once something is downloaded; on a screen only."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TransferSpeedColumn  # noqa: PLC0415

    bar = Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), disable=not sys.stdout.isatty(), transient=True)
    task = bar.add_task("Kafka", total=None)

    def show(done: int, total: int) -> None:
        bar.start()
        bar.update(task, completed=done, total=total)
        if done >= total:
            bar.stop()

    try:
        yield show
    finally:
        bar.stop()


def _follow(path: Path) -> None:
    file = path.open("rb")
    file.seek(0, os.SEEK_END)
    try:
        while True:
            sys.stdout.write(file.read().decode(errors="replace"))
            sys.stdout.flush()
            time.sleep(LOOK_EVERY_S)
            if path.exists() and not os.path.samestat(path.stat(), os.fstat(file.fileno())):  # a new file took its place
                file.close()
                file = path.open("rb")
    finally:
        file.close()


def _as_it_is(process: "Process") -> "Process":
    alleged = process.state in {"starting", "ready", "stopping"}
    return replace(process, state="dead") if alleged and not process.is_alive else process


def _process_line(process: "Process") -> str:
    where = " ".join(f"{name}={address}" for name, address in process.addresses.items())
    restarts = f" restarts={process.restarts}" if process.restarts else ""
    return f"  {process.name:14} {process.state:10} pid={process.pid}{restarts} {where}"


def _print_addresses(state: "State") -> None:
    addresses = state.addresses
    named = {
        "Kafka": addresses.bootstrap,
        "PostgreSQL": addresses.dsn,
        "registry (gRPC)": addresses.registry,
        "schema registry": addresses.schema_registry_url,
        "gateway": addresses.gateway,
        "features (gRPC)": addresses.feature_store,
        "trainer (gRPC)": addresses.trainer,
        "monitor (gRPC)": addresses.monitor,
    }
    for name, address in named.items():
        if address:
            typer.echo(f"  {name:16} {address}")


def _check_document(check: "Check") -> dict[str, str]:
    return {"name": check.name, "verdict": check.verdict.value, "found": check.found, "cure": check.cure}
