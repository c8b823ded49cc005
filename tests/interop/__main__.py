"""`make interop`: stock clients against a running stack, and a table of what they are and what became of them."""

import argparse
import contextlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from penstock.local.stack import start_detached, stop, wipe
from tests.interop import registry
from tests.interop.clients import Client, Failed, Skipped, ask, folders, load, prepare

HERE = Path(__file__).parent
WORK = Path(".penstock") / "interop"
PAGE = Path("docs") / "interop.md"
BEGIN, END = "<!-- clients: written by make interop -->", "<!-- end of clients -->"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a client."""

    name: str
    version: str
    runtime: str
    result: str
    first_id: int | None = None

    @property
    def is_good(self) -> bool:
        """Whether it did not fail: skipped is not failed."""
        return not self.result.startswith("FAILED")


def main() -> int:
    """The exit code: 1 if a client that is here failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", default=[], help="folders of tests/interop; all if none is named")
    parser.add_argument("--url", help="a schema registry that runs already, of any make")
    parser.add_argument("--note", action="store_true", help="write the table into docs/interop.md")
    wanted = parser.parse_args()
    chosen = folders(HERE, wanted.only)
    with _registry(wanted.url) as url:
        rows = with_one_id([_row(load(folder), folder, url) for folder in chosen])
    print(table(rows))
    if wanted.note:
        _note(table(rows))
    return 0 if all(row.is_good for row in rows) else 1


@contextlib.contextmanager
def _registry(url: str | None) -> Iterator[str]:
    """The URL of a schema registry: the one that is given, or that of a new stack."""
    if url is not None:
        yield url
        return
    stop(WORK / "stack")
    wipe(WORK / "stack")
    state = start_detached(WORK / "stack")
    try:
        assert state.addresses is not None
        yield state.addresses.schema_registry_url
    finally:
        stop(WORK / "stack")


def _row(client: Client, source: Path, url: str) -> Row:
    folder = WORK / source.name
    print(f"{client.name} …", flush=True)
    try:
        prepare(client, source, folder)
        saw = ask(client.registry or "", folder, registry.environment(url, source.name))
        if problems := registry.wrong(saw):
            raise Failed("; ".join(problems))
    except Skipped as reason:
        return Row(client.name, "", "", f"skipped: {reason}")
    except Failed as reason:
        return Row(client.name, "", "", f"FAILED: {reason}")
    return Row(client.name, str(saw["client"]), str(saw["runtime"]), "registers, looks up, checks, reads", saw["first_id"])


def with_one_id(rows: list[Row]) -> list[Row]:
    """The same schema has one id, whoever registers it, and however the client spelled it."""
    ids = {row.name: row.first_id for row in rows if row.first_id is not None}
    if len(set(ids.values())) > 1:
        return [*rows, Row("all together", "", "", f"FAILED: one schema has several ids: {ids}")]
    return rows


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    head = ["| client | version | on | with the schema registry |", "|---|---|---|---|"]
    return "\n".join([*head, *(f"| {row.name} | {row.version} | {row.runtime} | {row.result} |" for row in rows)])


def _note(text: str) -> None:
    before, _, rest = PAGE.read_text().partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{text}\n{END}{rest.partition(END)[2]}")


if __name__ == "__main__":
    sys.exit(main())
