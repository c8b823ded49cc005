"""The judge of what was acknowledged would notice: what is gone, what stands there instead, and a letter that is not its record."""

import pytest

from penstock.fold.poison import DeadLetters
from penstock.fold.protocol import LogRecord, Poison, Record
from penstock.spec.avro import ORIGIN
from tests.faults.books import Verdict
from tests.faults.kept import EVENTS, Kept
from tests.faults.load import Place, Sent
from tests.faults.topics import Read

EVENT, OTHER = b'{"id": "a", "amount": 1.0}', b'{"id": "b"}'
TOPIC = EVENTS[0]
DLQ = f"dlq.{TOPIC}"


def event(value: bytes = EVENT, offset: int = 7) -> Record:
    return LogRecord(TOPIC, 0, offset, 5_000 + offset, b"shop", value)


def letter(of: Record, code: str = "out_of_range") -> Read:
    output = DeadLetters({TOPIC: (DLQ, 1)}, "group", "ingestion", lambda: 0).letter(of, Poison(code, "why"))
    return Read(LogRecord(DLQ, 0, 0, 9_000, output.key, output.value, output.headers), "", {})


def validated(offset: int) -> Read:
    value = {ORIGIN: {"topic": TOPIC, "generation": 1, "partition": 0, "offset": offset, "index": 0}}
    return Read(LogRecord("validated.payments", 0, 0, 9_000, b"shop", b""), "Payments", value)


def promised(value: bytes = EVENT, offset: int = 7) -> Kept:
    kept = Kept()
    kept.expect(Sent(receipts={Place(TOPIC, 0, offset): value}))
    return kept


def closed(kept: Kept) -> Verdict:
    verdict = Verdict()
    kept.close(verdict)
    return verdict


@pytest.mark.parametrize("stands", [EVENT, EVENT.replace(b" ", b"")])
def test_what_stands_where_the_receipt_says_is_kept(stands: bytes) -> None:
    kept = promised()
    assert not kept.take_event(event(stands))
    assert not kept.take(validated(7))
    assert closed(kept) == Verdict()
    assert kept.appended_ms == {Place(TOPIC, 0, 7): 5_007}
    assert kept.validated_ms == {Place(TOPIC, 0, 7): 9_000}
    assert kept.unacknowledged == 0


def test_what_was_acknowledged_and_is_not_there_is_lost() -> None:
    kept = promised()
    kept.take_event(event(offset=6))
    verdict = closed(kept)
    assert verdict.lost == 1
    assert "1 are not in the log" in verdict.problems[0]
    assert kept.unacknowledged == 1
    assert closed(kept) == Verdict(), "it is told once"


def test_another_event_in_its_place_is_told() -> None:
    assert "something else" in promised().take_event(event(OTHER))


def test_a_letter_is_byte_for_byte_its_record_and_has_one_code_that_is_known() -> None:
    kept = Kept()
    kept.take_event(event())
    assert [kept.take(letter(event())) for _ in range(2)] == ["", ""], "a repeat is harmless"
    assert kept.counts() == {"out_of_range": 1}
    assert "another letter of it has not" in kept.take(letter(event(), "wrong_type"))
    assert "nobody knows" in kept.take(letter(event(offset=8), "unheard_of"))
    assert "other bytes" in kept.take(letter(event(OTHER)))
    assert "other bytes" in kept.take(letter(event(offset=9))), "a record that is not there"


def test_what_is_validated_and_a_dead_letter_too_is_told() -> None:
    kept = Kept()
    kept.take_event(event())
    kept.take(letter(event()))
    kept.take(validated(7))
    assert "validated and dead letters too" in closed(kept).problems[0]
