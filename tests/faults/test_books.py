"""The judge of the fault campaign would notice: what is lost, what is there twice, what nobody sent, and a gap."""

from typing import Any

import pytest

from penstock.fold.protocol import Header, LogRecord
from penstock.spec.avro import EVENT_ID, ORIGIN
from tests.faults.books import FEATURES, LEARNING, LETTERS, OUTCOMES, PREDICTIONS, Books, Verdict
from tests.faults.load import PAYMENTS, VERDICTS, Place, Sent
from tests.faults.topics import Read

WAY = (("validated.payments", ""), (FEATURES, "FeatureVector"), (PREDICTIONS, "Prediction"), (LEARNING, "Prediction"))
LABEL_WAY = (("validated.verdicts", ""), (LEARNING, "Label"), (OUTCOMES, "Outcome"))


def sent(*numbers: int) -> Sent:
    ids = {f"payment-{number}": float(number) for number in numbers}
    return Sent(payments=dict(ids), verdicts=dict(ids))


def read(topic: str, name: str, number: int, value: bytes = b"", source: int | None = None) -> Read:
    """The record of event `number`, which stands at that offset of its source."""
    validated = topic.startswith("validated")
    origin = {"topic": f"before.{topic}.{name}", "generation": 1, "partition": 0, "offset": source or number, "index": 0}
    fields: dict[str, Any] = {ORIGIN if validated else "origin": origin, EVENT_ID if validated else "event_id": f"payment-{number}"}
    return Read(LogRecord(topic, 0, number, number, None, value), name or "payment", {**fields, "kind": "labelled"})


def booked(*numbers: int) -> Books:
    """Books in which these events have come the whole way."""
    books = Books()
    books.expect(sent(*numbers))
    for number in numbers:
        for topic, name in (*WAY, *LABEL_WAY):
            assert not books.take(read(topic, name, number))
    return books


def closed(books: Books) -> Verdict:
    verdict = Verdict()
    books.close(verdict)
    return verdict


def test_what_has_come_the_whole_way_is_neither_lost_nor_there_twice() -> None:
    assert closed(booked(1, 2, 3)) == Verdict()


@pytest.mark.parametrize("stage", [*WAY, *LABEL_WAY])
def test_an_event_that_is_missing_at_any_stage_is_lost(stage: tuple[str, str]) -> None:
    books = booked(1)
    books.expect(sent(1, 2))
    for topic, name in (*WAY, *LABEL_WAY):
        if (topic, name) != stage:
            books.take(read(topic, name, 2))
    verdict = closed(books)
    assert (verdict.lost, verdict.twice) == (1, 0)
    assert "1 missing, such as ['payment-2']" in verdict.problems[0]


@pytest.mark.parametrize(("topic", "name"), [*WAY, *LABEL_WAY])
def test_an_event_that_readers_would_take_twice_is_there_twice(topic: str, name: str) -> None:
    books = booked(1, 2)
    books.take(read(topic, name, 2, source=7))
    verdict = closed(books)
    assert (verdict.lost, verdict.twice) == (0, 1)


def test_a_repeat_with_its_old_origin_is_harmless() -> None:
    books = booked(1, 2)
    for topic, name in (*WAY, *LABEL_WAY):
        books.take(read(topic, name, 1))
    assert closed(books) == Verdict(repeats=len(WAY) + len(LABEL_WAY))


def test_a_repeat_with_other_bytes_is_told() -> None:
    books = booked(1, 2)
    books.take(read(PREDICTIONS, "Prediction", 1, value=b"another score"))
    assert "other bytes" in closed(books).problems[0]


def test_a_place_that_was_passed_over_is_a_gap() -> None:
    books = booked(1, 3)
    books.expect(sent(1, 3, 2))
    for topic, name in (*WAY, *LABEL_WAY):
        books.take(read(topic, name, 2))
    verdict = closed(books)
    assert verdict.lost == 1, "law II drops what comes too late"
    assert any("7 gaps" in problem for problem in verdict.problems)


def test_what_nobody_sent_is_told() -> None:
    books = booked(1)
    books.take(read("validated.payments", "", 5))
    assert "1 never sent" in closed(books).problems[0]


def test_what_was_told_once_is_not_held_against_the_next_fault() -> None:
    books = booked(1)
    books.expect(sent(1, 2))
    assert closed(books).lost == 1
    assert closed(books) == Verdict()
    assert books.given_up == {"payment-2"}


def test_a_dead_letter_is_known_by_the_place_of_its_record() -> None:
    books = Books()
    headers: list[Header] = [
        (f"__dlq.errors.{name}", value) for name, value in [("topic", b"events.payments"), ("partition", b"1"), ("offset", b"9")]
    ]
    for offset in (0, 1):  # a repeat
        books.take(Read(LogRecord(LETTERS[0], 0, offset, 0, None, b"?", headers), "", {}))
    assert books.letters == {Place(f"events.{PAYMENTS}", 1, 9)}
    assert VERDICTS in LETTERS[1]
