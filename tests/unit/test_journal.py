"""How far a producer has come: written down, never too high, and only for the same source."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from penstock.errors import PenstockError
from penstock.journal import MARK_EVERY_S, Journal, source_of

SOURCE: dict[str, Any] = {"stream": "halls", "file": "/halls.csv", "size": 7, "changed_ns": 1, "delay_ms": 0, "limit": 0}


def test_a_run_goes_on_with_its_name_where_it_was(tmp_path: Path) -> None:
    journal = Journal.begin(tmp_path, SOURCE, {"events.halls:0": 5})
    assert Journal.left(tmp_path, SOURCE) == 0
    journal.mark(20, {"events.halls:0": 25, "events.halls:1": 7})
    again = Journal.resume(tmp_path, SOURCE)
    assert (again.run, again.acknowledged, again.ends) == (journal.run, 20, {"events.halls:0": 25, "events.halls:1": 7})
    journal.end()
    with pytest.raises(PenstockError, match="was interrupted"):
        Journal.resume(tmp_path, SOURCE)


def test_it_is_written_now_and_then(tmp_path: Path) -> None:
    now_s = [0.0]
    journal = Journal.begin(tmp_path, SOURCE, {})
    journal.clock = lambda: now_s[0]
    for at_s, acknowledged, written in ((0.0, 1, 1), (MARK_EVERY_S / 2, 2, 1), (MARK_EVERY_S, 3, 3)):
        now_s[0] = at_s
        journal.mark(acknowledged, {})
        assert Journal.left(tmp_path, SOURCE) == written
    journal.mark(4, {})
    journal.write()
    assert Journal.left(tmp_path, SOURCE) == 4


@pytest.mark.parametrize("changed", ["size", "changed_ns", "delay_ms", "limit"])
def test_another_source_does_not_go_on(tmp_path: Path, changed: str) -> None:
    Journal.begin(tmp_path, SOURCE, {}).mark(20, {})
    with pytest.raises(PenstockError, match=changed):
        Journal.resume(tmp_path, SOURCE | {changed: 99})
    assert Journal.left(tmp_path, SOURCE | {changed: 99}) == 0
    assert Journal.left(tmp_path, SOURCE | {"stream": "yards"}) == 0


def test_another_run_gives_other_ids(tmp_path: Path) -> None:
    first, second = (Journal.begin(tmp_path, SOURCE, {}) for _ in range(2))
    assert first.number_of(first.id_of(7)) == 7
    assert [second.number_of(id) for id in (first.id_of(7), "7", second.run, f"{second.run}:x")] == [None] * 4


@pytest.mark.parametrize("spoil", [lambda path: path.write_text("{"), lambda path: path.write_text("[]")])
def test_a_journal_that_cannot_be_read_is_told(tmp_path: Path, spoil: Callable[[Path], int]) -> None:
    spoil(Journal.begin(tmp_path, SOURCE, {}).path)
    with pytest.raises(PenstockError, match="without --resume"):
        Journal.resume(tmp_path, SOURCE)


def test_a_file_that_was_written_again_is_another_source(tmp_path: Path) -> None:
    file = tmp_path / "halls.csv"
    file.write_text("a\n1\n")
    before = source_of(file, stream="halls")
    file.write_text("a\n1\n2\n")
    assert source_of(file, stream="halls") != before
