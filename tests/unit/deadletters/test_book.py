"""Which letters wait, and what they have in common."""

from dataclasses import replace

from penstock.deadletters.book import Book, Filter, Groups
from penstock.deadletters.letters import Letter, Note, Place
from penstock.fold.protocol import Header
from tests.unit.deadletters.test_letters import letter, record


def written(offset: int, of: int, message: str = "too warm", headers: tuple[Header, ...] = ()) -> Letter:
    """The letter at an offset, about the record at another."""
    return replace(letter(record(offset=of, headers=headers), offset, "out_of_range", message), time_ms=offset * 1_000)


def book(*entries: Letter | Note) -> Book:
    known = Book()
    for entry in entries:
        known.take(entry)
    return known


def sent(letter: Letter) -> Note:
    return Note({str(letter.root): letter.attempt + 1})


def back(letter: Letter, offset: int, of: int) -> Letter:
    return written(offset, of, headers=tuple(letter.again()))


def test_a_letter_waits_until_it_was_sent_again_and_waits_again_when_it_has_come_back() -> None:
    first = written(0, of=5)
    assert book(first).waits(first)
    assert not book(first, sent(first)).waits(first)
    second = back(first, 2, of=30)
    known = book(first, sent(first), second)
    assert (known.waits(first), known.waits(second)) == (False, True)
    assert not book(first, sent(first), second, sent(second)).waits(second)


def test_a_letter_that_was_written_twice_counts_once() -> None:
    first, again = written(0, of=5), written(1, of=5)
    known = book(first, again)
    assert (known.waits(first), known.waits(again)) == (False, True)


def test_what_was_sent_again_is_a_matter_of_its_own_record() -> None:
    first, other = written(0, of=5), written(1, of=6)
    assert book(first, other, sent(first)).waits(other)


def test_letters_are_counted_by_cause_and_those_that_wait_come_first() -> None:
    cold = [written(number, of=number, message="too cold") for number in range(3)]
    warm = [written(number, of=number, message=f"too warm: {number}") for number in (3, 4)]
    known = book(*cold, *warm, *map(sent, cold))
    groups = Groups(known)
    for each in (*cold, *warm):
        groups.take(each)
    (warmest, first), (coldest, second) = groups.ordered()
    assert (warmest.message, first.waiting, first.sent_again) == ("too warm: #", 2, 0)
    assert (coldest.message, second.waiting, second.sent_again) == ("too cold", 0, 3)
    assert (first.first_ms, first.last_ms, first.example.at) == (3_000, 4_000, Place("dlq.events.weather", 0, 3))


def test_a_filter_takes_what_fits_all_of_it() -> None:
    found = written(7, of=5, message="warmth is outside", headers=(("ce_source", b"/hall/3"),))
    fitting = Filter(frozenset({"out_of_range", "x"}), b"k", "/hall/*", "warmth", 7_000, 7_001)
    assert fitting.takes(found)
    for other in (
        replace(fitting, codes=frozenset({"x"})),
        replace(fitting, key=b"j"),
        replace(fitting, source="/yard/*"),
        replace(fitting, message="cold"),
        replace(fitting, since_ms=7_001),
        replace(fitting, until_ms=7_000),
    ):
        assert not other.takes(found)
    assert not fitting.takes(written(7, of=5, message="warmth is outside")), "without a source"
