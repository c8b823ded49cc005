"""Merge: the record of lowest event time goes first, once no other input can bring a lower one or has been waited for."""

from penstock.fold.merge import Merge
from penstock.fold.protocol import LogRecord, Record

WAIT_S = 0.1


def record(topic: str, offset: int, time_ms: int, word: bytes = b"") -> LogRecord:
    zigzag = time_ms << 1
    varint = b""
    while zigzag >= 0x80:
        varint, zigzag = varint + bytes([zigzag & 0x7F | 0x80]), zigzag >> 7
    return LogRecord(topic, 0, offset, 0, None, b"\0\0\0\0\1" + varint + bytes([zigzag]) + word)


def is_idle_tick(record: Record) -> bool:
    return (record.value or b"").endswith(b"idle")


def merge(*topics: str) -> Merge:
    return Merge(topics or ("a", "b"), WAIT_S, is_idle_tick)


def drained(merge: Merge, now_s: float) -> list[tuple[str, int]]:
    found = []
    while (each := merge.peek(now_s)) is not None:
        merge.advance(each)
        found.append((each.topic, each.offset))
    return found


def test_records_come_in_the_order_of_event_time_while_every_input_has_one() -> None:
    both = merge()
    both.add("a", [record("a", 0, 10), record("a", 1, 30)], 0)
    both.add("b", [record("b", 0, 20), record("b", 1, 40)], 0)
    assert drained(both, 0) == [("a", 0), ("b", 0), ("a", 1)]


def test_equal_times_go_in_the_order_of_the_topics() -> None:
    both = merge("b", "a")
    both.add("a", [record("a", 0, 10)], 0)
    both.add("b", [record("b", 0, 10)], 0)
    assert both.peek(0) == record("b", 0, 10)


def test_a_record_waits_as_long_as_another_input_has_more_in_its_log() -> None:
    both = merge()
    both.add("a", [record("a", 0, 10)], 0)
    both.note_end("b", False, 0)
    assert both.peek(1000) is None
    assert both.next_s() is None


def test_a_record_waits_its_time_for_an_input_that_is_read_to_its_end() -> None:
    both = merge()
    both.note_end("b", True, 0)
    both.add("a", [record("a", 0, 10)], 5)
    assert both.peek(5 + WAIT_S / 2) is None
    assert both.next_s() == 5 + WAIT_S
    assert drained(both, 5 + WAIT_S) == [("a", 0)]


def test_the_wait_starts_anew_for_every_record() -> None:
    both = merge()
    both.note_end("b", True, 0)
    both.add("a", [record("a", 0, 10)], 5)
    assert drained(both, 6) == [("a", 0)]
    both.add("a", [record("a", 1, 20)], 6)
    assert both.peek(6) is None


def test_the_wait_starts_when_the_other_input_has_come_to_its_end() -> None:
    both = merge()
    both.add("a", [record("a", 0, 20)], 0)
    both.add("b", [record("b", 0, 10)], 0)
    assert drained(both, 50) == [("b", 0)]
    both.note_end("b", True, 50)
    assert both.peek(50) is None
    assert drained(both, 50 + WAIT_S) == [("a", 0)]


def test_nothing_waits_for_an_input_that_has_said_that_it_is_idle_until_it_speaks() -> None:
    both = merge()
    both.add("b", [record("b", 0, 5, b"idle")], 0)
    both.add("a", [record("a", 0, 10)], 0)
    assert drained(both, 0) == [("b", 0), ("a", 0)]
    both.add("b", [record("b", 1, 12)], 0)
    both.add("a", [record("a", 1, 20)], 0)
    assert drained(both, 0) == [("b", 1)]


def test_a_record_whose_time_cannot_be_read_goes_right_behind_the_one_before_it() -> None:
    both = merge()
    broken = LogRecord("a", 0, 1, 0, None, b"?")
    both.add("a", [record("a", 0, 10), broken, record("a", 2, 50)], 0)
    both.add("b", [record("b", 0, 20), record("b", 1, 60)], 0)
    assert drained(both, 0) == [("a", 0), ("a", 1), ("b", 0), ("a", 2)]


def test_a_single_input_never_waits() -> None:
    one = merge("a")
    one.add("a", [LogRecord("a", 0, 0, 0, None, None)], 0)
    assert drained(one, 0) == [("a", 0)]
