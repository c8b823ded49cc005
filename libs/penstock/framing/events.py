"""What a record on events.<stream> is: JSON or Avro by its first bytes, a CloudEvent, or a producer's tick."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from penstock.contract.contract import TICK
from penstock.contract.strict_json import parse_object
from penstock.contract.timestamps import parse_ms
from penstock.fold.protocol import Header, Poison, Record
from penstock.framing.cloudevents import NONE, Attributes, from_envelope, from_headers
from penstock.framing.decoder import SINGLE_OBJECT, Decoder
from penstock.parking import Parking, parking_of
from penstock.records.wire import MAGIC, RECORD_BYTES_MAX

JSON_OBJECT = ord("{")


class Event(NamedTuple):
    """What a producer sent: its fields, and of its CloudEvent attributes the id, the time (ms) and the source, if they are there.

    `trace`: headers to be sent on.
    """

    fields: Mapping[str, Any]
    id: str | None
    time_ms: int | None
    source: str | None = None
    trace: tuple[Header, ...] = ()


class SentTick(NamedTuple):
    """A producer says: event time has come this far (ms), though no event says so."""

    time_ms: int


def unframe(record: Record, decoder: Decoder) -> Event | SentTick | Parking:
    """What a producer's record says, or who commands; the size is checked first.

    Raises: Missing for a schema to be fetched; Poison (too_large, not_framed, undecodable, trailing_bytes, unknown_schema, bad_header,
    bad_cloudevent, bad_tick).
    """
    value = record.value
    if value is not None and len(value) > RECORD_BYTES_MAX:
        raise Poison("too_large", f"{len(value)} bytes; the limit is {RECORD_BYTES_MAX}")
    if not record.headers:
        return _event(value, record.topic, decoder, NONE)
    attributes, data = content_of(record.headers, value)
    if (parking := parking_of(record)) is not None:
        return parking
    if attributes.type == TICK:
        return _tick(attributes.time_ms)
    return _event(data, record.topic, decoder, attributes)


def content_of(headers: Sequence[Header], value: bytes | None) -> tuple[Attributes, bytes | dict[str, Any] | None]:
    """The attributes of a record, and what holds its fields: bytes, or the data of a CloudEvent in one JSON object.

    Raises: Poison (bad_header, not_framed, bad_cloudevent, undecodable).
    """
    attributes, is_structured = from_headers(headers)
    return from_envelope(value or b"", attributes.trace) if is_structured else (attributes, value)


def fields_of(value: bytes | None, topic: str, decoder: Decoder) -> dict[str, Any]:
    """The fields of an event on a topic, by the first byte. Raises: Missing for a schema to be fetched; Poison."""
    if not value:
        raise Poison("not_framed", "the record is empty; a deletion has no meaning here")
    if value[0] == JSON_OBJECT:
        return parse_object(value)
    if value[0] == MAGIC:
        return decoder.read(value)
    if value.startswith(SINGLE_OBJECT):
        return decoder.read_single(topic, value)
    raise Poison("not_framed", "it begins neither with { (JSON) nor with 0x00 (Confluent-Avro) nor with 0xC3 0x01 (single-object Avro)")


def _event(data: bytes | dict[str, Any] | None, topic: str, decoder: Decoder, attributes: Attributes) -> Event | SentTick:
    fields = data if isinstance(data, dict) else fields_of(data, topic, decoder)
    if TICK in fields:
        return _json_tick(fields[TICK])
    return Event(fields, attributes.id, attributes.time_ms, attributes.source, attributes.trace)


def _tick(time_ms: int | None) -> SentTick:
    if time_ms is None:
        raise Poison("bad_tick", "a tick needs the header ce_time (RFC 3339)")
    return SentTick(time_ms)


def _json_tick(value: Any) -> SentTick:
    try:
        return SentTick(parse_ms(value))
    except (ValueError, AttributeError):
        raise Poison("bad_tick", f"{TICK} is not an RFC 3339 time with an offset") from None
