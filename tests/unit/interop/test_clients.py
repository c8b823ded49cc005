from pathlib import Path

import pytest

from tests.interop import __main__ as interop
from tests.interop.clients import Client, Failed, Skipped, ask, folders, load, prepare
from tests.interop.registry import SECOND, wrong

ROOT = Path(interop.__file__).parent
GOOD = {
    "client": "1",
    "runtime": "2",
    "first_id": 7,
    "first_id_again": 7,
    "second_id": 8,
    "broken_code": 409,
    "latest_id": 8,
    "read": SECOND,
}


def client(**more: object) -> Client:
    return Client.model_validate({"name": "a", "needs": ["true"], "install": [], **more})


def test_every_folder_of_a_client_says_how_it_is_run() -> None:
    assert {folder.name for folder in folders(ROOT, [])} >= {"python", "node", "java", "go"}
    assert all(load(folder).registry for folder in folders(ROOT, []))


def test_a_client_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(Failed, match="no client cobol; there is go, java, node, python"):
        folders(ROOT, ["cobol"])


def test_what_is_so_is_not_wrong() -> None:
    assert wrong(GOOD) == []


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"first_id_again": 9}, "first_id_again is 9, not 7"),
        ({"second_id": 7}, "two schemas have one id"),
        ({"broken_code": 0}, "broken_code is 0, not 409"),
        ({"broken_fits": True}, "broken_fits is True, not False"),
        ({"read": {}}, "read is {}, not"),
    ],
)
def test_what_is_not_so_is_named(said: dict[str, object], reason: str) -> None:
    assert any(reason in problem for problem in wrong(GOOD | said))


def test_what_was_not_said_is_named() -> None:
    assert "said nothing of broken_code" in wrong({name: value for name, value in GOOD.items() if name != "broken_code"})


def test_a_tool_that_is_missing_or_cannot_install_is_a_reason_to_skip_and_one_that_cannot_build_is_not(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with pytest.raises(Skipped, match="there is no cobc-4711 on this machine"):
        prepare(client(needs=["cobc-4711"]), source, tmp_path / "work")
    with pytest.raises(Skipped, match="could not be installed: false: exit code 1"):
        prepare(client(install=["false"]), source, tmp_path / "work")
    with pytest.raises(Failed, match="false: exit code 1"):
        prepare(client(build=["false"]), source, tmp_path / "work")


def test_a_program_is_told_where_things_are_and_its_last_line_is_what_it_saw(tmp_path: Path) -> None:
    assert ask("""sh -c 'echo noise; echo "{\\"url\\": \\"$URL\\"}"'""", tmp_path, {"URL": "http://here"}) == {"url": "http://here"}
    with pytest.raises(Failed, match="no JSON"):
        ask("echo noise", tmp_path, {})


def test_one_schema_with_two_ids_fails_all() -> None:
    rows = [interop.Row("a", "", "", "good", 1), interop.Row("b", "", "", "good", 2), interop.Row("c", "", "", "skipped: no c")]
    assert all(row.is_good for row in interop.with_one_id(rows[:1]))
    assert [row.is_good for row in interop.with_one_id(rows)] == [True, True, True, False]
