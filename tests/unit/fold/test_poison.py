"""Poison: skipped, counted in the fold's own state, and sent on untouched."""

import pytest

from penstock.fold.drive import drive, step
from penstock.fold.limits import Limits
from penstock.fold.poison import LETTER_BYTES_MAX, DeadLetters, TooLarge, check_sizes, size_bytes, take
from penstock.fold.protocol import LogRecord, Missing, Output, Poison, Record
from tests.folds import Summing, encode

LETTERS = DeadLetters({"words": ("dlq.words", 2)}, group="g", service="s", wall_ms=lambda: 17)


def record(value: bytes | None, partition: int = 3) -> LogRecord:
    return LogRecord("words", partition, 9, 0, b"key", value, (("trace", b"1"),))


def refuse(record: Record, poison: Poison) -> list[Output]:
    return [LETTERS.letter(record, poison)]


def test_a_letter_is_the_record_untouched_and_says_where_it_stood_and_why() -> None:
    letter = LETTERS.letter(record(b"?"), Poison("bad", "because"))
    assert (letter.topic, letter.partition, letter.key, letter.value, letter.headers[0]) == ("dlq.words", 1, b"key", b"?", ("trace", b"1"))
    assert dict(letter.headers[1:]) == {
        "__dlq.errors.topic": b"words",
        "__dlq.errors.partition": b"3",
        "__dlq.errors.offset": b"9",
        "__dlq.errors.group": b"g",
        "__dlq.errors.exception": b"Poison",
        "__dlq.errors.message": b"because",
        "__dlq.errors.code": b"bad",
        "__dlq.errors.service": b"s",
        "__dlq.errors.timestamp": b"17",
    }


def test_a_message_is_at_most_a_kilobyte() -> None:
    headers = dict(LETTERS.letter(record(b"?"), Poison("bad", "x" * 10_000)).headers)
    assert len(headers["__dlq.errors.message"] or b"") == 1_000


def test_a_letter_that_no_topic_takes_loses_its_value_but_not_its_address() -> None:
    letter = LETTERS.letter(record(b"x" * LETTER_BYTES_MAX), Poison("bad", "too long"))
    assert letter.value is None
    assert size_bytes(letter) < 2_000
    assert dict(letter.headers)["__dlq.errors.offset"] == b"9"


def test_poison_is_counted_in_the_fold_and_again_the_same_way_when_it_is_folded_again() -> None:
    first, second = Summing(0, "sums"), Summing(0, "sums")
    take(first, record(b"?"), 1000, refuse)
    second.restore(first.snapshot())
    take(second, record(encode(word="poison")), 1000, refuse)
    assert second.counts == {"rejected": 2, "rejected.undecodable": 1, "rejected.out_of_contract": 1}


def test_an_output_that_is_too_large_makes_its_input_poison_and_nothing_of_it_is_sent() -> None:
    fold = Summing(0, "sums", fan_out=2)
    caused = take(fold, record(encode(word="large", number=1)), 1_000_000, refuse)
    assert [output.topic for output in caused if isinstance(output, Output)] == ["dlq.words"]
    assert fold.counts["rejected.output_too_large"] == 1


def test_sizes_count_key_value_and_headers() -> None:
    output = Output("t", 0, b"k" * 400, b"v" * 400, [("h", b"x" * 400)])
    with pytest.raises(TooLarge, match="the limit is 1200"):
        check_sizes([output], 1200)
    check_sizes([output], 1300)


async def test_what_is_missing_is_brought_and_the_step_is_taken_again() -> None:
    known: set[str] = set()

    async def bring(missing: Missing) -> None:
        known.add(missing.reference)

    fold = Summing(0, "sums", known=known)
    driven = [caused async for _, caused in drive(fold, [record(encode(word="missing", number=4)), record(b"?")], bring)]
    assert [len(caused) for caused in driven] == [1, 0]
    assert fold.total == 4
    assert fold.counts["rejected"] == 1


async def test_what_cannot_be_brought_is_poison() -> None:
    async def refuse_it(missing: Missing) -> None:
        raise Poison("unknown_blob", missing.reference)

    fold = Summing(0, "sums")
    await step(fold, record(encode(word="missing")), refuse_it, Limits(), refuse)
    assert fold.counts["rejected.unknown_blob"] == 1


async def test_what_stays_missing_after_it_was_brought_is_a_bug() -> None:
    async def forget(_: Missing) -> None:
        return None

    with pytest.raises(AssertionError, match="still missing"):
        await step(Summing(0, "sums"), record(encode(word="missing")), forget, Limits(), refuse)
