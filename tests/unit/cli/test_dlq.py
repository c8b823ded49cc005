"""The options of `penstock dlq`, and what it says."""

import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from penstock.cli.dlq.look import KEY, MASK, describe as told, harmless, masked
from penstock.cli.dlq.options import filter_of, moment_ms, numbers
from penstock.cli.dlq.replay import describe, mapping_of
from penstock.deadletters.book import Filter, Group, Kind
from penstock.deadletters.mapping import Mapping
from penstock.deadletters.replay import Report
from penstock.errors import UsageError
from tests.unit.deadletters.test_letters import letter, record


def test_options_mean_letters() -> None:
    assert filter_of(None, None, None, None) == Filter()
    chosen = filter_of(["no_id"], "s1", "/hall/*", "warmth", "2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00")
    assert chosen == Filter(frozenset({"no_id"}), b"s1", "/hall/*", "warmth", 1_767_225_600_000, 1_767_225_600_000)


def test_a_duration_is_so_long_ago() -> None:
    before_ms = time.time_ns() // 1_000_000
    assert 0 <= moment_ms("2h", "--since") + 7_200_000 - before_ms < 60_000


@pytest.mark.parametrize("text", ["", "yesterday", "2026-01-01T00:00:00", "7"])
def test_a_time_that_is_none_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="--since"):
        moment_ms(text, "--since")


@pytest.mark.parametrize("text", ["7", "a:1", "0:", ":", "0:-1"])
def test_a_place_that_is_none_is_a_usage_error(text: str) -> None:
    assert numbers("0:17") == (0, 17)
    with pytest.raises(UsageError, match="is no place"):
        numbers(text)


def test_a_mapping_comes_from_options_or_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "m.yaml").write_text("rename: {a: b}")
    assert mapping_of(tmp_path / "m.yaml", None, None, None) == Mapping(rename={"a": "b"})
    given = mapping_of(None, ["a=b"], ["c=double"], ["d=1.5", "e=true", "f=x=y", "g=null", "h=NaN"])
    assert given == Mapping(rename={"a": "b"}, cast={"c": "double"}, default={"d": 1.5, "e": True, "f": "x=y", "g": "null", "h": "NaN"})
    with pytest.raises(UsageError, match="stands alone"):
        mapping_of(tmp_path / "m.yaml", ["a=b"], None, None)
    for wrong in (["a"], ["=b"]):
        with pytest.raises(UsageError, match="--rename"):
            mapping_of(None, wrong, None, None)
    with pytest.raises(UsageError, match=r"cast\.c"):
        mapping_of(None, None, ["c=number"], None)


def test_a_report_says_what_was_done_and_what_was_not() -> None:
    dry = Report(found=10, would_be_sent=7, refused=Counter(out_of_range=2), kept=Counter({"it was sent again 5 times": 1}))
    assert describe(dry, "halls", dry_run=True).splitlines() == [
        "10 letters of halls wait: 7 would be sent and taken",
        "  2 would be refused again: out_of_range",
        "  1 not sent: it was sent again 5 times",
        "nothing was sent",
    ]
    assert describe(Report(found=7, sent=7, came_back=1), "halls", dry_run=False).splitlines()[-1] == "6 were taken, 1 came back"
    assert "has not come to them yet" in describe(Report(found=7, sent=7), "halls", dry_run=False)
    assert describe(Report(), "halls", dry_run=False) == "0 letters of halls wait: 0 sent again"


def test_letters_are_told_by_topic_and_cause() -> None:
    warm = replace(letter(record(), 3, "out_of_range", "warmth is outside"), time_ms=0)
    group = Group(warm, 0, 60_000, waiting=1_000, sent_again=2)
    assert told([(Kind("events.halls", "out_of_range", "warmth is outside"), group)]).splitlines() == [
        "events.halls: 1,000 letters wait, 2 were sent again and did not come back",
        "   1,000        2  out_of_range: warmth is outside",
        "                   1970-01-01T00:00:00+00:00 … 1970-01-01T00:01:00+00:00, such as 0:3",
        "Try: penstock dlq show halls 0:3; penstock dlq replay halls --dry-run",
    ]


def test_a_report_is_json_whatever_it_holds() -> None:
    report = Report(found=3, refused=Counter(out_of_range=2), kept=Counter({"it was sent again 5 times": 1}))
    assert json.loads(json.dumps(report.as_json())) == {
        "found": 3,
        "sent": 0,
        "would_be_sent": 0,
        "came_back": None,
        "refused": {"out_of_range": 2},
        "kept": {"it was sent again 5 times": 1},
    }


def test_what_a_producer_has_sent_does_nothing_to_a_terminal() -> None:
    assert harmless("a\nb é ✈") == "a\nb é ✈"
    hostile = harmless("\x1b[2J \x9b \ud800 \u202e \r \0")
    assert hostile == r"\x1b[2J \x9b \ud800 \u202e \r \x00"
    hostile.encode()


def test_personal_fields_are_not_shown_and_nothing_that_may_hold_them() -> None:
    shown = {"key": "jane", "value": {"name": "jane", "age": 7}, "value_base64": "eyJu", "code": "no_id"}
    assert masked(shown, frozenset({"name"})) == {**shown, "value": {"name": MASK, "age": 7}, "value_base64": MASK}
    assert masked(shown, frozenset({"name", KEY}))["key"] == MASK
    within = {"id": "a", "data": {"name": "jane", "age": 7, "others": [{"name": "joe"}]}, "data_base64": "eyJu"}
    masks = {"id": "a", "data": {"name": MASK, "age": 7, "others": [{"name": MASK}]}, "data_base64": MASK}
    assert masked({**shown, "value": within}, frozenset({"name"}))["value"] == masks | {"data_base64": "eyJu"}
    assert masked({**shown, "value": {"specversion": "1.0", **within}}, frozenset({"name"}))["value"] == {"specversion": "1.0", **masks}
    assert masked({**shown, "value": {}}, frozenset({"name"}))["value"] == {}
    for data in ('{"name": "jane"}', ["jane"], None):
        twice = {"specversion": "1.0", "data": data}
        assert masked({**shown, "value": twice}, frozenset({"name"}))["value"] == {"specversion": "1.0", "data": MASK}
    unreadable = masked({**shown, "value": "jane, cut in"}, frozenset({"name"}))
    assert "jane" not in f"{unreadable['value']}{unreadable['value_base64']}"
    assert "--personal" in unreadable["value"]
