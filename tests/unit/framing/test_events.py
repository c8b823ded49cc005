"""Framing: a record's first byte says what it is, and bytes that say nothing are poison."""

import json
from base64 import b64encode
from collections.abc import Mapping
from io import BytesIO
from typing import Any

import avro.schema
import pytest
from fastavro import parse_schema, schemaless_writer

from penstock.contract.strict_json import parse_object
from penstock.fold.protocol import LogRecord, Missing, Poison
from penstock.framing.decoder import Decoder
from penstock.framing.events import Event, SentTick, unframe
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock.records.wire import RECORD_BYTES_MAX, Wire
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


@pytest.mark.parametrize("value", [None, b"", b" {}", b"[1]", b"1", b"\xc3\x02abcdefghi", b"\xef\xbb\xbf{}"])
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


def knowing() -> Decoder:
    """A decoder that knows the schema of a stream of the topic that these records stand on."""
    known = decoder()
    known.know(record(b"{}").topic, SCHEMA)
    return known


def reading(value: bytes) -> LogRecord:
    return record(value)._replace(topic="events.readings")


def single(schema: Schema, fields: Mapping[str, Any], mark: bytes = b"") -> bytes:
    """A single object; its fingerprint is that of Apache Avro, written as the specification says."""
    buffer = BytesIO()
    schemaless_writer(buffer, parse_schema(schema), fields)
    own = avro.schema.parse(json.dumps(schema)).fingerprint("CRC-64-AVRO")
    return b"\xc3\x01" + (mark or own) + buffer.getvalue()


async def test_a_single_object_is_found_by_its_fingerprint_among_the_schemas_of_its_topic() -> None:
    registry = MemorySchemaRegistry()
    await registry.register("events.readings-value", {**SCHEMA, "fields": [{"name": "y", "type": "double"}]})
    await registry.register("events.readings-value", SCHEMA)
    reader, sent = Decoder(Wire(registry)), reading(single(SCHEMA, {"x": 1.5}))
    with pytest.raises(Missing) as caught:
        unframe(sent, reader)
    await reader.bring(caught.value)
    assert unframe(sent, reader) == Event({"x": 1.5}, None, None)


async def test_a_single_object_of_the_streams_own_schema_needs_no_registry() -> None:
    assert unframe(record(single(SCHEMA, {"x": 1.5})), knowing()) == Event({"x": 1.5}, None, None)


async def test_a_fingerprint_that_no_schema_of_the_topic_has_is_poison_and_asked_again_for_the_next() -> None:
    registry = MemorySchemaRegistry()
    reader, sent = Decoder(Wire(registry)), reading(single(SCHEMA, {"x": 1.5}))
    await registry.register("events.readings2-value", SCHEMA)
    for _ in range(2):
        with pytest.raises(Missing) as caught:
            unframe(sent, reader)
        await reader.bring(caught.value)
        with pytest.raises(Poison, match="unknown_schema"):
            unframe(sent, reader)


@pytest.mark.parametrize(("cut", "code"), [(5, "undecodable"), (12, "undecodable"), (None, "trailing_bytes")])
def test_a_single_object_that_is_cut_or_too_long_is_poison(cut: int | None, code: str) -> None:
    value = single(SCHEMA, {"x": 1.5})
    with pytest.raises(Poison, match=code):
        unframe(record(value[:cut] if cut else value + b"\0"), knowing())


# --- CloudEvents ---------------------------------------------------------------------------------------------------------------------

STRUCTURED = [("content-type", b"application/cloudevents+json; charset=UTF-8")]
ENVELOPE = {"specversion": "1.0", "id": "a1", "source": "gate/7", "type": "flight", "time": "2013-01-01T12:00:00Z", "data": {"x": 1}}
TRACE = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")


def structured(**changes: Any) -> LogRecord:
    return record({name: value for name, value in {**ENVELOPE, **changes}.items() if value is not None}, headers=STRUCTURED)


def test_a_structured_cloudevent_is_its_data_with_id_time_and_source() -> None:
    assert unframe(structured(), decoder()) == Event({"x": 1}, "a1", NOON_MS, "gate/7")
    assert unframe(structured(time=None, datacontenttype="application/json", myextension=7), decoder()) == Event(
        {"x": 1}, "a1", None, "gate/7"
    )


def test_the_data_of_a_structured_cloudevent_may_be_bytes_of_any_framing() -> None:
    for value in (b'{"x": 1.5}', single(SCHEMA, {"x": 1.5})):
        sent = structured(data=None, data_base64=b64encode(value).decode())
        assert unframe(sent, knowing()) == Event({"x": 1.5}, "a1", NOON_MS, "gate/7")


def test_a_structured_cloudevent_may_be_a_tick() -> None:
    assert unframe(structured(type="penstock.tick", data=None), decoder()) == SentTick(NOON_MS)


@pytest.mark.parametrize(
    "changes",
    [
        {"specversion": None},
        {"specversion": "0.3"},
        {"id": None},
        {"id": ""},
        {"id": 7},
        {"id": "x" * 2_000},
        {"source": None},
        {"type": None},
        {"time": "noon"},
        {"time": 7},
        {"data": None},
        {"data": [1]},
        {"data": None, "data_base64": "?"},
    ],
)
def test_a_structured_cloudevent_that_is_not_whole_is_poison(changes: dict[str, Any]) -> None:
    with pytest.raises(Poison, match="bad_cloudevent"):
        unframe(structured(**changes), decoder())


@pytest.mark.parametrize("content_type", [b"application/cloudevents-batch+json", b"application/cloudevents+avro"])
def test_other_formats_of_cloudevents_are_not_framed(content_type: bytes) -> None:
    assert code_of(json.dumps(ENVELOPE).encode(), [("content-type", content_type)]) == "not_framed"


def test_the_media_type_of_binary_mode_says_nothing_about_the_framing() -> None:
    assert unframe(record({"specversion": "1.0", "x": 1}, headers=[("content-type", b"application/json")]), decoder()) == Event(
        {"specversion": "1.0", "x": 1}, None, None
    )


def test_a_trace_is_carried_on_with_its_state_and_a_bad_one_is_dropped() -> None:
    state = ("tracestate", b"vendor=1")
    for sent, kept in (
        ([TRACE, state], (TRACE, state)),
        ([TRACE, ("tracestate", b"x" * 600)], (TRACE,)),
        ([state], ()),
        ([("traceparent", b"\xff")], ()),
        ([("traceparent", None)], ()),
        ([("traceparent", TRACE[1].replace(b"00-4b", b"ff-4b"))], ()),
        ([("traceparent", b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01")], ()),
    ):
        got = unframe(record(b"{}", headers=sent), decoder())
        assert isinstance(got, Event)
        assert got.trace == kept


def test_a_trace_inside_an_envelope_counts_where_no_header_has_one() -> None:
    inside = structured(traceparent=TRACE[1].decode())
    other = ("traceparent", TRACE[1].replace(b"4bf9", b"4bf8"))
    for sent, kept in ((inside, (TRACE,)), (inside._replace(headers=(*STRUCTURED, other)), (other,))):
        got = unframe(sent, decoder())
        assert isinstance(got, Event)
        assert got.trace == kept


def test_cloudevents_headers_give_id_and_time() -> None:
    headers = [("ce_id", b"a1"), ("ce_time", b"2013-01-01T12:00:00Z"), ("ce_type", b"flight"), ("ce_source", b"gate/7")]
    assert unframe(record(b"{}", headers=headers), decoder()) == Event({}, "a1", NOON_MS, "gate/7")


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
