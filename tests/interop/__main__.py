"""`make interop`: stock clients against a running stack, and a table of what they are and what became of them."""

import argparse
import contextlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from penstock.local.state import StackAddresses
from tests.interop import readings, registry
from tests.interop.clients import Client, Failed, Skipped, ask, folders, load, prepare, run, versions
from tests.interop.page import CLIENTS, PRODUCERS, Row, producers, table, written
from tests.interop.platform import came_of, running

HERE = Path(__file__).parent
WORK = Path(".penstock") / "interop"
PAGE = Path("docs") / "interop.md"
EVENTS = 100


def main() -> int:
    """The exit code: 1 if a client that is here failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="folders of tests/interop; all if none is named")
    parser.add_argument("--url", help="a schema registry that runs already, of any make: nothing is produced then")
    parser.add_argument("--events", type=int, default=EVENTS, help="how many each client sends")
    parser.add_argument("--note", action="store_true", help="write the table and the producers into docs/interop.md")
    parser.add_argument("--page", action="store_true", help="write only the producers into docs/interop.md, and run nothing")
    wanted = parser.parse_args()
    if wanted.page:
        _write(PRODUCERS, producers(HERE))
        return 0
    chosen = folders(HERE, wanted.only)
    own = contextlib.nullcontext(StackAddresses(schema_registry_url=wanted.url)) if wanted.url else running(WORK / "stack")
    with own as addresses:
        rows = with_one_id([_told(_row(Visit(load(folder), folder, addresses, wanted.events))) for folder in chosen])
    print(table(rows))
    if wanted.note:
        _write(CLIENTS, table(rows))
        _write(PRODUCERS, producers(HERE))
    return 0 if all(row.is_good for row in rows) else 1


def _write(marks: tuple[str, str], text: str) -> None:
    PAGE.write_text(written(PAGE.read_text(), marks, text))


@dataclass(frozen=True, slots=True)
class Visit:
    """A client that comes to the platform: its description, its sources, and how many events it sends."""

    client: Client
    source: Path
    at: StackAddresses
    events: int

    @property
    def folder(self) -> Path:
        """Where it is installed and runs."""
        return WORK / self.source.name

    @property
    def environment(self) -> dict[str, str]:
        """What a producer is told."""
        return {"BOOTSTRAP": self.at.bootstrap, "SCHEMA_REGISTRY": self.at.schema_registry_url, "GATEWAY": self.at.gateway}


def _told(row: Row) -> Row:
    print(row.line, flush=True)
    return row


def _row(visit: Visit) -> Row:
    row = Row(visit.client.name)
    try:
        prepare(visit.client, visit.source, visit.folder)
    except Skipped as reason:
        return not_run(row, visit.client, f"skipped: {reason}")
    except Failed as reason:
        return not_run(row, visit.client, f"FAILED: {reason}")
    with contextlib.suppress(Failed):  # it will fail again where it counts
        version, runtime = versions(visit.client, visit.folder)
        row = replace(row, version=version, runtime=runtime)
    return _produced(visit, _registered(visit, row))


def not_run(row: Row, client: Client, result: str) -> Row:
    """The row of a client that did not come so far: the result stands where its programs would have given one."""
    return replace(row, registry=result if client.registry else "", produces=result if client.produce else "")


def _registered(visit: Visit, row: Row) -> Row:
    if visit.client.registry is None:
        return row
    try:
        saw = ask(visit.client.registry, visit.folder, registry.environment(visit.at.schema_registry_url, visit.source.name))
        if problems := registry.wrong(saw):
            raise Failed("; ".join(problems))
    except Failed as reason:
        return replace(row, registry=f"FAILED: {reason}")
    result = f"{saw['client']}: registers, looks up, checks, reads"
    return replace(row, runtime=row.runtime or str(saw["runtime"]), registry=result, first_id=saw["first_id"])


def _produced(visit: Visit, row: Row) -> Row:
    if not visit.client.produce or not visit.at.bootstrap:
        return row
    stream, name, count = visit.client.stream, visit.source.name, visit.events
    try:
        came = came_of(visit.at, stream, partial(_produce, visit))
        if problems := readings.wrong(name, stream, count, came):
            raise Failed("; ".join(problems))
    except (Failed, AssertionError, TimeoutError) as reason:
        return replace(row, produces=f"FAILED: {reason or 'timed out'}")
    return replace(row, produces=f"{readings.framings(came)}: {count} of {count} validated, each once")


def _produce(visit: Visit) -> None:
    for command in visit.client.produce:
        run(f"{command} {visit.client.stream} {visit.events}", visit.folder, visit.environment)


def with_one_id(rows: Sequence[Row]) -> list[Row]:
    """The same schema has one id, whoever registers it, and however the client spelled it."""
    ids = {row.name: row.first_id for row in rows if row.first_id is not None}
    if len(set(ids.values())) > 1:
        return [*rows, Row("all together", registry=f"FAILED: one schema has several ids: {ids}")]
    return list(rows)


if __name__ == "__main__":
    sys.exit(main())
