"""Framing: a record's first byte says what it is, and bytes that say nothing are poison."""

import pytest

from penstock.fold.protocol import Missing, Poison
from penstock.records.schemas import MemorySchemaRegistry
from penstock.records.wire import RECORD_BYTES_MAX, Wire
from penstock_ingestion.framing import Decoder, Event, SentTick, parse_object, unframe
from tests.unit.ingestion.streams import NOON_MS, record

SCHEMA = {"type": "record", "name": "Reading", "fields": [{"name": "x", "type": "double"}]}


def decoder() -> Decoder:
    return Decoder(Wire(MemorySchemaRegistry()))


def code_of(value: bytes | None, headers: list[tuple[str, bytes]] | None = None) -> str:
    with pytest.raises(Poison) as caught:
        unframe(record(value, headers=headers or []), decoder())
    return caught.value.code


def test_a_brace_is_json() -> None:
    assert unframe(record(b'{"x": 1.5}'), decoder()) == Event({"x": 1.5}, None, None)


async def test_a_zero_byte_is_confluent_avro_of_any_registered_schema() -> None:
    wire = Wire(MemorySchemaRegistry())
    write = await wire.writer("events.readings", SCHEMA)
    assert unframe(record(write({"x": 1.5})), Decoder(wire)) == Event({"x": 1.5}, None, None)


async def test_a_schema_that_is_not_here_yet_is_missing_and_then_read() -> None:
    registry = MemorySchemaRegistry()
    write = await Wire(registry).writer("events.readings", SCHEMA)
    reader = Decoder(Wire(registry))
    with pytest.raises(Missing) as caught:
        unframe(record(write({"x": 1.5})), reader)
    await reader.fetch(int(caught.value.reference))
    assert unframe(record(write({"x": 1.5})), reader) == Event({"x": 1.5}, None, None)


async def test_an_unknown_schema_is_poison_for_its_record_and_asked_again_for_the_next() -> None:
    reader, avro = decoder(), b"\x00\x00\x00\x00\x63abc"
    await reader.fetch(99)
    with pytest.raises(Poison, match="unknown_schema"):
        unframe(record(avro), reader)
    with pytest.raises(Missing):
        unframe(record(avro), reader)


async def test_a_schema_that_may_not_be_read_with_says_why() -> None:
    node = {"type": "record", "name": "Node", "fields": [{"name": "next", "type": ["null", "Node"]}]}
    reader = Decoder(Wire(MemorySchemaRegistry({99: node})))
    await reader.fetch(99)
    with pytest.raises(Poison, match="unknown_schema: Node contains itself"):
        unframe(record(b"\x00\x00\x00\x00\x63abc"), reader)


async def test_bytes_after_an_avro_record_are_poison() -> None:
    wire = Wire(MemorySchemaRegistry())
    write = await wire.writer("events.readings", SCHEMA)
    with pytest.raises(Poison, match="trailing_bytes"):
        unframe(record(write({"x": 1.5}) + b"\x00"), Decoder(wire))


@pytest.mark.parametrize("value", [None, b"", b" {}", b"[1]", b"1", b"\xc3\x01abc", b"\xef\xbb\xbf{}"])
def test_other_first_bytes_and_tombstones_are_not_framed(value: bytes | None) -> None:
    assert code_of(value) == "not_framed"


@pytest.mark.parametrize("value", [b"{" + b" " * RECORD_BYTES_MAX, b"?" * (RECORD_BYTES_MAX + 1)])
def test_size_is_checked_before_anything_else(value: bytes) -> None:
    assert code_of(value) == "too_large"


@pytest.mark.parametrize(
    "value",
    [
        b"{",
        b"{} {}",
        b'{"x": NaN}',
        b'{"x": Infinity}',
        b'{"x": -Infinity}',
        b'{"x": 1, "x": 2}',
        b'{"y": {"x": 1, "x": 1}}',
        b'{"x": ' + b"9" * 5_000 + b"}",
        b'{"x": "\xff"}',
        b'{"x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        '{"x": 1}'.encode("utf-16-le"),
    ],
)
def test_what_is_no_strict_json_in_utf8_is_undecodable(value: bytes) -> None:
    assert code_of(value) == "undecodable"


def test_reasons_do_not_show_what_was_sent() -> None:
    for value in (b'{"card": "4242" 1}', b'{"card": "4242\xff"}', b'{"4242": 1, "4242": 2}'):
        with pytest.raises(Poison) as caught:
            parse_object(value)
        assert "4242" not in caught.value.reason
        assert caught.value.__suppress_context__


def test_cloudevents_headers_give_id_and_time() -> None:
    headers = [("ce_id", b"a1"), ("ce_time", b"2013-01-01T12:00:00Z"), ("ce_type", b"flight"), ("traceparent", b"\xff")]
    assert unframe(record(b"{}", headers=headers), decoder()) == Event({}, "a1", NOON_MS)


@pytest.mark.parametrize("header", [("ce_time", b"noon"), ("ce_time", b"2013-01-01T12:00:00"), ("ce_id", b"\xff"), ("ce_id", b"a" * 2_000)])
def test_cloudevents_headers_that_say_nothing_are_poison(header: tuple[str, bytes]) -> None:
    assert code_of(b"{}", [header]) == "bad_header"


def test_a_tick_is_a_cloudevent_or_json() -> None:
    headers = [("ce_type", b"penstock.tick"), ("ce_time", b"2013-01-01T12:00:00Z")]
    assert unframe(record(None, headers=headers), decoder()) == SentTick(NOON_MS)
    assert unframe(record(b'{"penstock.tick": "2013-01-01T07:00:00-05:00"}'), decoder()) == SentTick(NOON_MS)


def test_a_tick_without_a_time_is_poison() -> None:
    assert code_of(b"", [("ce_type", b"penstock.tick")]) == "bad_tick"
    assert code_of(b'{"penstock.tick": 7}') == "bad_tick"
    assert code_of(b'{"penstock.tick": "7"}') == "bad_tick"
