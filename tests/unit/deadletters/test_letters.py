"""What a dead letter holds is what was sent, byte for byte; and it can be read back whatever the record held."""

from typing import Any

from hypothesis import given, strategies as st

from penstock.deadletters.letters import REPLAY_ATTEMPT, REPLAY_OF, Letter, Note, Place, read
from penstock.fold.poison import LETTER_BYTES_MAX, MESSAGE_BYTES_MAX, PREFIX, REASONS, DeadLetters
from penstock.fold.protocol import Header, LogRecord, Output, Poison, Record

LETTERS = DeadLetters({"events.weather": ("dlq.events.weather", 1)}, group="g", service="ingestion", wall_ms=lambda: 17)
NAMES = st.text(max_size=8) | st.sampled_from([PREFIX + name for name in (*REASONS, "dropped")] + [REPLAY_OF, REPLAY_ATTEMPT])
HEADERS = st.lists(st.tuples(NAMES, st.none() | st.binary(max_size=20)), max_size=14)
STRUCTURED = ("content-type", b" Application/CloudEvents+JSON; charset=utf-8")
REASON = st.text(max_size=2 * MESSAGE_BYTES_MAX)


def record(value: bytes | None = b"?", offset: int = 9, headers: tuple[Header, ...] = (), key: bytes | None = b"k") -> LogRecord:
    return LogRecord("events.weather", 0, offset, 0, key, value, headers)


def on_its_topic(output: Output, offset: int = 0) -> Record:
    return LogRecord(output.topic, output.partition, offset, 1_000, output.key, output.value, output.headers)


def letter(source: LogRecord, offset: int = 0, code: str = "bad", reason: str = "because") -> Letter:
    found = read(on_its_topic(LETTERS.letter(source, Poison(code, reason)), offset))
    assert isinstance(found, Letter)
    return found


@given(st.none() | st.binary(), st.none() | st.binary(), HEADERS, REASON)
def test_a_letter_gives_back_the_very_record_and_its_reason(
    key: bytes | None, value: bytes | None, headers: list[Header], reason: str
) -> None:
    headers = [(name, data) for name, data in headers if name not in (REPLAY_OF, REPLAY_ATTEMPT)]
    found = letter(record(value, headers=tuple(headers), key=key), reason=reason)
    assert (found.key, found.value, found.headers) == (key, value, tuple(headers))
    assert (found.of, found.root, found.attempt) == (Place("events.weather", 0, 9), Place("events.weather", 0, 9), 0)
    assert reason.encode(errors="backslashreplace").startswith(found.message.encode())
    assert (found.code, found.dropped) == ("bad", False)


@given(HEADERS, st.none() | st.binary())
def test_whatever_stands_on_the_topic_can_be_read(headers: list[Header], value: bytes | None) -> None:
    read(LogRecord("dlq.events.weather", 0, 0, 0, None, value, headers))


def test_a_reason_with_a_lone_surrogate_makes_a_letter_all_the_same() -> None:
    assert letter(record(), reason="no schema is called \ud800").message == r"no schema is called \ud800"


def test_a_record_that_is_sent_again_keeps_its_headers_and_names_its_root() -> None:
    first = letter(record(headers=(("ce_id", b"a"), ("ce_id", None))))
    assert first.again() == [("ce_id", b"a"), ("ce_id", None), (REPLAY_OF, b"events.weather:0:9"), (REPLAY_ATTEMPT, b"1")]
    second = letter(record(offset=20, headers=tuple(first.again())), offset=1)
    assert (second.headers, second.root, second.attempt) == (first.headers, first.of, 1)
    assert second.again()[-2:] == [(REPLAY_OF, b"events.weather:0:9"), (REPLAY_ATTEMPT, b"2")]


def test_a_letter_without_its_bytes_says_so() -> None:
    assert letter(record(b"x" * LETTER_BYTES_MAX)).dropped


def test_a_note_is_read_back_and_nonsense_says_nothing() -> None:
    note = Note({"events.weather:0:9": 2})

    def entry(value: Any) -> Letter | Note | None:
        return read(LogRecord("dlq.events.weather", 0, 0, 0, None, value, note.headers()))

    assert entry(note.value()) == note
    assert [entry(value) for value in (None, b"?", b"[]", b'{"a": "1"}', b"[" * 100_000)] == [Note({})] * 5
    assert read(LogRecord("dlq.events.weather", 0, 0, 0, None, b"{}", ())) is None


@given(st.integers(0, 10**25).map(str) | st.text(), st.integers(0, 10**25).map(str) | st.text())
def test_a_place_or_attempt_of_any_length_is_read_or_is_none(offset: str, attempt: str) -> None:
    hostile = ((REPLAY_OF, f"events.weather:0:{offset}".encode()), (REPLAY_ATTEMPT, attempt.encode()))
    letter(record(headers=hostile))
    for digits in (19, 20, 5_000):
        place = Place.read("events.weather:0:" + "9" * digits)
        assert (place is None) == (digits > 19)


@given(HEADERS, st.none() | st.binary() | st.sampled_from([b"{}", b"[]", b'{"source": 7}', b"[" * 100_000]), st.booleans())
def test_whoever_sent_it_can_be_asked_for(headers: list[Header], value: bytes | None, structured: bool) -> None:
    headers += [STRUCTURED] * structured
    assert letter(record(value, headers=(*headers, ("ce_source", b"/hall")))).source == "/hall"
    assert letter(record(value, headers=tuple(headers))).source is None


def test_the_source_of_a_cloudevent_in_one_object_stands_in_it() -> None:
    for value in (b'{"source": "/hall", "time": "noon"}', b'{"source": "/hall", "data": {"x": NaN, "x": 1}}'):
        assert letter(record(value, headers=(STRUCTURED,))).source == "/hall"
        assert letter(record(value, headers=(("ce_source", b"/door"), STRUCTURED))).source == "/hall", "as ingestion reads it"
        assert letter(record(value, headers=(("content-type", b"application/cloudevents+json-seq"),))).source is None
        assert letter(record(value)).source is None
