"""The judge of hostile input would notice: another end, another code, other bytes, other fields."""

import json
from typing import Any

import pytest

from penstock.fold.poison import DeadLetters
from penstock.fold.protocol import LogRecord, Poison, Record
from tests.hostile.campaign import wrong
from tests.hostile.messages import Maker
from tests.hostile.reference import ANY, DUPLICATE, REJECTED, VALIDATED, Fate, Reference
from tests.hostile.stream import START, as_json, stream

TOPIC = "events.hostile"
EVENT = {"sighting_id": "a", "place": "p", "seen_at": int(START.timestamp() * 1_000), "size": 1.0, "weight": 11.0, "kind": "wolf"}


def reference() -> Reference:
    return Reference(stream("hostile"), frozenset({1}), b"12345678", frozenset({2}))


def record(value: bytes | None, offset: int = 0, headers: Any = ()) -> Record:
    return LogRecord(TOPIC, 0, offset, EVENT["seen_at"], b"k", value, headers)  # type: ignore[arg-type]


def letter(of: Record, code: str) -> Record:
    output = DeadLetters({TOPIC: (f"dlq.{TOPIC}", 1)}, "group", "ingestion", lambda: 0).letter(of, Poison(code, "why"))
    return LogRecord(f"dlq.{TOPIC}", 0, 0, 0, output.key, output.value, output.headers)


def test_an_event_is_kept_as_the_policies_say_comes_once_and_keeps_its_id() -> None:
    judge = reference()
    fate = judge.take(record(as_json(EVENT)))
    assert fate.output is not None
    assert (fate.kind, fate.output["weight"], fate.output["kind"], fate.output["wild"]) == (VALIDATED, 10, "wolf", False)
    assert judge.take(record(as_json(EVENT), 1)) == Fate(DUPLICATE)
    assert judge.take(record(as_json({**EVENT, "size": 2.0}), 2)) == Fate(REJECTED, "duplicate_conflict")


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (None, "not_framed"),
        (b"{", "undecodable"),
        (b"\x00\x00\x00\x00\x02a", ANY),
        (b"\x00\x00\x00\x00\x03a", "unknown_schema"),
        (b"\x00\x00\x00\x00\x01a", "undecodable"),
        (as_json({**EVENT, "size": 101}), "out_of_range"),
        (as_json({**EVENT, "seen_at": "2099-01-01T00:00:00Z"}), "time_jump"),
        (json.dumps({**EVENT, "place": "\ud800"}).encode(), "not_text"),
    ],
)
def test_what_is_refused_has_its_code(value: bytes | None, code: str) -> None:
    assert reference().take(record(value)) == Fate(REJECTED, code)


def test_every_difference_is_noticed() -> None:
    bad, refused = record(b"{"), Fate(REJECTED, "undecodable")
    good, output = Fate(VALIDATED, output={"size": 1.0}), ("Hostile", {"size": 1.0})
    assert wrong(refused, None, letter(bad, "undecodable"), bad) == wrong(good, output, None, bad) == ""
    assert "must have the code" in wrong(refused, None, letter(bad, "not_framed"), bad)
    assert "byte for byte" in wrong(refused, None, letter(record(b"}"), "undecodable"), bad)
    assert "byte for byte" in wrong(refused, None, letter(record(b"{", headers=[("h", b"v")]), "undecodable"), bad)
    assert "must be" in wrong(good, ("Hostile", {"size": 2.0}), None, bad)
    for fate, output_, letter_ in ((refused, output, None), (good, None, letter(bad, "undecodable")), (Fate(DUPLICATE), output, None)):
        assert "must end as" in wrong(fate, output_, letter_, bad)


def test_a_seed_gives_the_same_records_with_every_deed() -> None:
    maker = Maker(lambda event: b"\0\0\0\0\1" + as_json(event), b"12345678")
    sent = list(maker.records(1_000, seed=7))
    assert sent == list(maker.records(1_000, seed=7))
    assert len({each.deed for each in sent}) > 14
