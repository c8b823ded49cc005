"""How a benchmark's figures are printed and kept."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Result:
    """A table for people, the same figures for programs, and what was checked before they were given."""

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    figures: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def print_facts(name: str, facts: dict[str, str]) -> None:
    """Print where and with what a benchmark runs."""
    table = Table(title=f"benchmark: {name}", title_justify="left", show_header=False, box=None)
    for fact, value in facts.items():
        table.add_row(fact, value)
    Console().print(table)


def print_result(result: Result) -> None:
    """Print the figures."""
    table = Table()
    for index, column in enumerate(result.columns):
        table.add_column(column, justify="right" if index else "left", no_wrap=True)
    for row in result.rows:
        table.add_row(*row)
    console = Console()
    console.print(table)
    for note in result.notes:
        console.print(note, highlight=False)


def write(folder: Path, name: str, facts: dict[str, str], result: Result) -> Path:
    """Write machine and figures as JSON; the path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    document = {"name": name, "machine": facts, "figures": result.figures, "notes": result.notes}
    path.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")
    return path
