"""The table of codes says what the code does: no code is missing, none is invented, and the page says the same."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from penstock.deadletters.codes import AT_THE_DOOR, BEHIND, door_table, table_behind

ROOT = Path(__file__).parents[3]
TABLE = ROOT / "libs" / "penstock" / "deadletters" / "codes.py"
SOURCES = {path: path.read_text() for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py") if path != TABLE}
TREES = {path: ast.parse(text) for path, text in SOURCES.items() if "Poison" in text or "identifier(" in text}
TAKE_CODES = {"identifier"}  # functions that raise Poison with the code that they are given


@cache
def kinds_of_poison() -> frozenset[str]:
    """Poison, and every class that is made of it."""
    classes = [node for tree in TREES.values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    return frozenset({"Poison"} | {each.name for each in classes if "Poison" in map(ast.unparse, each.bases)})


def codes_in(path: Path) -> Iterator[str]:
    """Every code that a file gives away, as text or by the name of a constant of its own."""
    tree, raising = TREES[path], kinds_of_poison() | TAKE_CODES
    constants = {ast.unparse(each.targets[0]): each.value for each in tree.body if isinstance(each, ast.Assign)}
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and node.args]
    for call in calls:
        name = ast.unparse(call.func)
        given = constants.get(ast.unparse(call.args[0]), call.args[0])
        is_code = name in raising or (name == "super().__init__" and path.name == "poison.py")
        if is_code and isinstance(given, ast.Constant) and isinstance(given.value, str):
            yield given.value


def codes_below(*folders: str) -> set[str]:
    return {code for path in TREES for code in codes_in(path) if any((ROOT / folder) in path.parents for folder in folders)}


def test_every_code_stands_in_the_table() -> None:
    assert codes_below("libs", "services") <= AT_THE_DOOR.keys() | BEHIND.keys()


def test_every_code_of_the_table_stands_in_the_code() -> None:
    assert [code for code in (*AT_THE_DOOR, *BEHIND) if not any(f'"{code}"' in text for text in SOURCES.values())] == []


def test_what_ingestion_refuses_stands_in_its_own_table() -> None:
    assert codes_below("services/ingestion", "libs/penstock/records", "libs/penstock/fold") <= AT_THE_DOOR.keys()


def test_the_page_says_what_the_table_says() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert door_table() in page
    assert table_behind() in page
