"""What `make interop` writes into docs/interop.md: the table of clients, and the producers as they stand in their folders."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.clients import SCHEMA, folders, load

CLIENTS = ("<!-- clients: written by make interop -->", "<!-- end of clients -->")
PRODUCERS = ("<!-- producers: written by make interop -->", "<!-- end of producers -->")
LANGUAGES = {".py": "python", ".mjs": "js", ".java": "java", ".go": "go", ".sh": "sh"}
NOTHING = "–"


@dataclass(frozen=True, slots=True)
class Row:
    """What became of a client: with the schema registry, and as a producer; nothing where it was not asked."""

    name: str
    version: str = ""
    runtime: str = ""
    registry: str = ""
    produces: str = ""
    first_id: int | None = None

    @property
    def is_good(self) -> bool:
        """Whether it did not fail: skipped is not failed."""
        return not self.registry.startswith("FAILED") and not self.produces.startswith("FAILED")

    @property
    def line(self) -> str:
        """The row for people who watch."""
        done = [f"{what}: {result}" for what, result in (("registry", self.registry), ("produces", self.produces)) if result]
        return f"{self.name} {self.version}: {'; '.join(done)}".replace(" :", ":")


def table(rows: Sequence[Row]) -> str:
    """The rows as Markdown."""
    head = ["| client | version | on | with the schema registry | produces |", "|---|---|---|---|---|"]
    cells = [(row.name, row.version, row.runtime, row.registry, row.produces) for row in rows]
    return "\n".join([*head, *(f"| {' | '.join(cell or NOTHING for cell in row)} |" for row in cells)])


def producers(root: Path) -> str:
    """The program of every client that produces, under its name, and the schema that they share."""
    shown = [(load(folder).name, program_of(folder)) for folder in folders(root) if load(folder).produce]
    listed = [f"**{name}**\n\n```{LANGUAGES[program.suffix]}\n{program.read_text()}```\n" for name, program in shown]
    return "\n".join([*listed, f"**{SCHEMA}**\n\n```json\n{(root / SCHEMA).read_text()}```"])


def program_of(folder: Path) -> Path:
    """The program with which a client produces: the one file called producer, whatever it ends with."""
    (program,) = (path for path in folder.iterdir() if path.stem.lower() == "producer")
    return program


def written(page: str, marks: tuple[str, str], text: str) -> str:
    """A page with this text between two marks.

    >>> written("a <b> old </b> c", ("<b>", "</b>"), "new")
    'a <b>\\nnew\\n</b> c'
    """
    begin, end = marks
    assert page.count(begin) == page.count(end) == 1, f"the page has not one {begin} and one {end}"
    return re.sub(f"{re.escape(begin)}.*{re.escape(end)}", lambda _: f"{begin}\n{text}\n{end}", page, flags=re.DOTALL)
