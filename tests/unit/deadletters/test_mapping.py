"""Small changes of events on their way back."""

import json
from pathlib import Path
from typing import Any

import pytest

from penstock.deadletters.mapping import Mapping, Unmappable
from penstock.errors import UsageError


def mapped(event: dict[str, Any], **changes: Any) -> Any:
    return json.loads(Mapping.checked(changes, "here").apply(json.dumps(event).encode()))


def test_what_needs_no_change_keeps_its_very_bytes() -> None:
    event = b'{ "warmth" : 2.50, "note":"\\u00e9" }'
    assert Mapping(rename={"temp": "warmth"}, cast={"warmth": "double"}, default={"note": "?"}).apply(event) is event


def test_names_then_types_then_what_is_absent() -> None:
    changes: dict[str, Any] = {"rename": {"temp": "warmth"}, "cast": {"warmth": "double"}, "default": {"site": "north", "warmth": 0}}
    assert mapped({"temp": "21.5", "at": 7}, **changes) == {"warmth": 21.5, "at": 7, "site": "north"}
    assert mapped({"temp": "", "site": None}, **changes) == {"warmth": 0, "site": "north"}


@pytest.mark.parametrize(
    ("value", "type", "kept"),
    [
        ("7", "long", 7),
        ("yes", "boolean", True),
        (7, "string", "7"),
        (True, "string", "true"),
        (True, "double", True),
        ("warm", "double", "warm"),
        ("1e999", "double", "1e999"),
        ("2013-01-01T05:00:00", "timestamp", 1_357_016_400_000),
        (1_357_016_400, "timestamp", 1_357_016_400_000),
        ([1], "double", [1]),
    ],
)
def test_a_cast_changes_what_fits_and_leaves_the_rest_to_the_contract(value: Any, type: str, kept: Any) -> None:
    changed = mapped({"x": value}, cast={"x": type})["x"]
    assert (changed, changed.__class__) == (kept, kept.__class__)


@pytest.mark.parametrize(
    "value", [None, b"", b"?", b"[1]", b'{"temp": 1, "warmth": 2}', b'{"temp": 1, "temp": 2}', b"\x00\x00\x00\x00\x01a"]
)
def test_what_is_no_plain_event_is_not_mapped(value: bytes | None) -> None:
    with pytest.raises(Unmappable):
        Mapping(rename={"temp": "warmth"}).apply(value)


@pytest.mark.parametrize("text", ["renam: {a: b}", "cast: {a: number}", "default: {a: [1]}", "- a", "rename: {a: b}\nrename: {a: b}", ""])
def test_a_file_that_makes_no_sense_is_refused_with_a_cure(tmp_path: Path, text: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"mapping\.yaml"):
        Mapping.load(tmp_path / "mapping.yaml")


def test_a_file_says_what_the_options_say(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("rename: {temp: warmth}\ncast: {warmth: double}\ndefault: {site: north, level: 0.5}\n")
    assert Mapping.load(tmp_path / "mapping.yaml") == Mapping(
        rename={"temp": "warmth"}, cast={"warmth": "double"}, default={"site": "north", "level": 0.5}
    )
