from pathlib import Path

import pytest

from tests.interop import __main__ as interop
from tests.interop.clients import Client, Failed, Skipped, ask, folders, load, prepare, run, versions
from tests.interop.page import PRODUCERS, Row, producers, program_of, table, written
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
    clients = {folder.name: load(folder) for folder in folders(ROOT)}
    assert clients.keys() >= {"python", "aiokafka", "curl", "kcat", "node", "java", "go"}
    assert all(client.registry or client.produce for client in clients.values())
    assert all(program_of(folder).is_file() for folder in folders(ROOT) if clients[folder.name].produce)


def test_a_client_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(Failed, match="no client cobol; there is aiokafka, curl, go"):
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
    rows = [Row("a", registry="good", first_id=1), Row("b", registry="good", first_id=2), Row("c", registry="skipped: no c")]
    assert all(row.is_good for row in interop.with_one_id(rows[:1]))
    assert [row.is_good for row in interop.with_one_id(rows)] == [True, True, True, False]


def test_a_client_fails_when_either_half_of_it_fails_and_not_when_it_is_skipped() -> None:
    assert Row("a", registry="good", produces="good").is_good
    assert Row("a", registry="skipped: no a", produces="skipped: no a").is_good
    assert not Row("a", registry="FAILED: x", produces="good").is_good
    assert not Row("a", registry="good", produces="FAILED: x").is_good


def test_a_client_that_is_not_run_says_so_where_its_programs_would_have_spoken() -> None:
    row = Row("a")
    assert interop.not_run(row, client(produce=["x"]), "FAILED: no").produces == "FAILED: no"
    assert interop.not_run(row, client(produce=["x"]), "FAILED: no").registry == ""
    assert interop.not_run(row, client(registry="y"), "skipped: no").registry == "skipped: no"
    assert interop.not_run(row, client(registry="y"), "skipped: no").produces == ""


def test_the_first_lines_of_its_commands_are_its_versions(tmp_path: Path) -> None:
    assert versions(client(version=["printf '1.2\\nmore'", "echo 3"]), tmp_path) == ("1.2", "3")
    assert versions(client(), tmp_path) == ("", "")


def test_what_a_program_says_when_it_fails_is_told(tmp_path: Path) -> None:
    with pytest.raises(Failed, match=r"exit code 3: broker away"):
        run("sh -c 'echo broker >&2; echo away >&2; exit 3'", tmp_path)


def test_a_row_without_a_half_has_a_dash_there() -> None:
    assert table([Row("kcat", "1.7.1", "", "", "JSON: 1 of 1")]).splitlines()[-1] == "| kcat | 1.7.1 | – | – | JSON: 1 of 1 |"


def test_the_page_shows_the_producers_as_they_are() -> None:
    page = Path("docs/interop.md").read_text()
    assert page == written(page, PRODUCERS, producers(ROOT)), "docs/interop.md shows other producers. Try: python -m tests.interop --page"
