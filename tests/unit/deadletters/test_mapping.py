"""Small changes of events on their way back."""

from pathlib import Path
from typing import Any

import pytest

from penstock.deadletters.mapping import Mapping, Unmappable
from penstock.errors import UsageError


def mapped(event: dict[str, Any], **changes: Any) -> Any:
    return Mapping.checked(changes, "here").apply(event)


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
        (2.5, "long", 2.5),
        (2.0, "long", 2.0),
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


def test_two_fields_do_not_become_one() -> None:
    changes = {"temp": "warmth", "heat": "warmth"}
    assert mapped({"heat": 1, "at": 7}, rename=changes) == {"warmth": 1, "at": 7}
    for event in ({"temp": 1, "heat": 2}, {"temp": 1, "warmth": 2}):
        with pytest.raises(Unmappable, match="two fields would be its warmth"):
            mapped(event, rename=changes)
    assert mapped({"a": 1, "b": 2}, rename={"a": "b", "b": "a"}) == {"b": 1, "a": 2}


@pytest.mark.parametrize("text", ["renam: {a: b}", "cast: {a: number}", "default: {a: [1]}", "- a", "rename: {a: b}\nrename: {a: b}", ""])
def test_a_file_that_makes_no_sense_is_refused_with_a_cure(tmp_path: Path, text: str) -> None:
    (tmp_path / "mapping.yaml").write_text(text)
    with pytest.raises(UsageError, match=r"mapping\.yaml"):
        Mapping.load(tmp_path / "mapping.yaml")


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_default_is_a_number_that_json_has(number: float) -> None:
    with pytest.raises(UsageError, match=r"default\.a\S*: Input should be a finite number"):
        Mapping.checked({"default": {"a": number}}, "here")


def test_a_file_says_what_the_options_say(tmp_path: Path) -> None:
    (tmp_path / "mapping.yaml").write_text("rename: {temp: warmth}\ncast: {warmth: double}\ndefault: {site: north, level: 0.5}\n")
    assert Mapping.load(tmp_path / "mapping.yaml") == Mapping(
        rename={"temp": "warmth"}, cast={"warmth": "double"}, default={"site": "north", "level": 0.5}
    )
