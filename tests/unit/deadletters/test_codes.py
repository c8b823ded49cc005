"""The table of codes says what the code does: no code is missing, none is invented, and the page says the same."""

import ast
from collections.abc import Iterator
from pathlib import Path

import penstock_ingestion
from penstock.deadletters.codes import AT_THE_DOOR, BEHIND, door_table, table_behind

ROOT = Path(__file__).parents[3]
CODED = {"Poison", "identifier"}  # identifier(code, …) raises Poison with its code


def codes_in(path: Path) -> Iterator[str]:
    """Every code that a file gives to Poison: as text, or by the name of a constant."""
    tree = ast.parse(path.read_text())
    constants = {
        target.id: each.value.value
        for each in tree.body
        if isinstance(each, ast.Assign) and isinstance(each.value, ast.Constant) and isinstance(each.value.value, str)
        for target in each.targets
        if isinstance(target, ast.Name)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and call.args and isinstance(call.func, ast.Name) and call.func.id in CODED:
            yield from _code(call.args[0], constants)
    for kind in ast.walk(tree):
        if isinstance(kind, ast.ClassDef) and any(isinstance(base, ast.Name) and base.id == "Poison" for base in kind.bases):
            calls = (call for call in ast.walk(kind) if isinstance(call, ast.Call) and ast.unparse(call.func) == "super().__init__")
            yield from (code for call in calls for code in _code(call.args[0], constants))


def _code(given: ast.expr, constants: dict[str, str]) -> Iterator[str]:
    match given:
        case ast.Constant(value=str() as code):
            yield code
        case ast.Name(id=name) if name in constants:
            yield constants[name]
        case ast.Name(id="code") | ast.Subscript():  # handed in by a caller of `identifier`
            pass
        case _:
            raise AssertionError(f"a code that nobody can find: {ast.unparse(given)}")


def codes_below(*folders: Path) -> set[str]:
    return {code for folder in folders for path in folder.rglob("*.py") if "tests" not in path.parts for code in codes_in(path)}


def test_every_code_stands_in_the_table_and_every_code_of_the_table_can_be_given() -> None:
    assert codes_below(ROOT / "libs", ROOT / "services") == AT_THE_DOOR.keys() | BEHIND.keys()


def test_what_ingestion_refuses_stands_in_its_own_table() -> None:
    of_ingestion = codes_below(
        Path(penstock_ingestion.__file__).parent, ROOT / "libs" / "penstock" / "records", ROOT / "libs" / "penstock" / "fold"
    )
    assert of_ingestion == AT_THE_DOOR.keys()


def test_the_page_says_what_the_table_says() -> None:
    page = (ROOT / "docs" / "operations.md").read_text()
    assert door_table() in page
    assert table_behind() in page
