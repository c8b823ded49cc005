"""What a record on events.<stream> is: JSON or Confluent-Avro by its first byte, CloudEvents headers, or a producer's tick."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from penstock.fold.protocol import Header, Poison, Record
from penstock.records.wire import MAGIC, RECORD_BYTES_MAX, Wire, schema_id
from penstock_ingestion.timestamps import parse_ms

JSON_OBJECT = ord("{")
TICK = "penstock.tick"
HEADER_BYTES_MAX = 1_024


class Event(NamedTuple):
    """What a producer sent: its fields, and the id and time (ms) of its CloudEvents headers if they are there."""

    fields: Mapping[str, Any]
    id: str | None
    time_ms: int | None


class SentTick(NamedTuple):
    """A producer says: event time has come this far (ms), though no event says so."""

    time_ms: int


class Decoder:
    """Decodes Confluent-Avro. An id that no schema has is poison for the record that asked; the next record asks again."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._unknown: dict[int, Poison] = {}

    def read(self, value: bytes) -> dict[str, Any]:
        """The fields of a framed record. Raises: Missing for a schema to be fetched; Poison."""
        id = schema_id(value)
        if (poison := self._unknown.pop(id, None)) is not None:
            raise poison
        return self._wire.read(value)[1]

    async def fetch(self, id: int) -> None:
        """Bring the schema with this id; that there is none is said at the next `read`, so that the fold counts the record."""
        try:
            await self._wire.fetch(id)
        except Poison as poison:
            self._unknown[id] = poison


def unframe(record: Record, decoder: Decoder) -> Event | SentTick:
    """What a producer's record says; the size is checked first.

    Raises: Missing for a schema to be fetched; Poison (too_large, not_framed, undecodable, trailing_bytes, unknown_schema, bad_header,
    bad_tick). Source: CloudEvents 1.0, Kafka protocol binding, binary mode (headers ce_id, ce_time, ce_type).
    """
    value = record.value
    if value is not None and len(value) > RECORD_BYTES_MAX:
        raise Poison("too_large", f"{len(value)} bytes; the limit is {RECORD_BYTES_MAX}")
    if not record.headers:
        return _content(value, decoder, None, None)
    headers = _cloud_event(record.headers)
    time_ms = _time_ms(headers["ce_time"]) if "ce_time" in headers else None
    if headers.get("ce_type") == TICK:
        return _tick(time_ms)
    return _content(value, decoder, headers.get("ce_id") or None, time_ms)


def _content(value: bytes | None, decoder: Decoder, id: str | None, time_ms: int | None) -> Event | SentTick:
    if not value:
        raise Poison("not_framed", "the record is empty; a deletion has no meaning here")
    if value[0] == JSON_OBJECT:
        fields = parse_object(value)
        return _json_tick(fields[TICK]) if TICK in fields else Event(fields, id, time_ms)
    if value[0] == MAGIC:
        return Event(decoder.read(value), id, time_ms)
    raise Poison("not_framed", "the first byte is neither { (JSON) nor 0x00 (Confluent-Avro)")


def parse_object(data: bytes) -> dict[str, Any]:
    """The fields of a JSON object in UTF-8.

    Stricter than Python's json: NaN and Infinity are no JSON, and a name that stands twice is refused, as readers disagree on which one
    counts (RFC 8259, section 4). Raises: Poison("undecodable").
    """
    value = parse_json(data)
    if not isinstance(value, dict):
        raise Poison("undecodable", "JSON, but not an object")
    return value


def parse_json(data: bytes) -> Any:
    """Any JSON value in UTF-8, as strict as `parse_object`. Raises: Poison("undecodable")."""
    try:
        return _decode(data.decode())
    except json.JSONDecodeError as error:
        raise Poison("undecodable", f"not JSON: {error.msg} at character {error.pos}") from None
    except UnicodeDecodeError as error:
        raise Poison("undecodable", f"not UTF-8 at byte {error.start}") from None
    except ValueError as error:  # ours, or Python's limit of digits
        raise Poison("undecodable", f"not JSON: {error}") from None
    except RecursionError:  # the input's fault: nothing of ours recurses
        raise Poison("undecodable", "not JSON: nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    names = dict(pairs)
    if len(names) != len(pairs):
        raise ValueError("a name stands twice in one object")
    return names


def _no_constant(constant: str) -> Any:
    raise ValueError(f"{constant} is no JSON number")


_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode


def _cloud_event(headers: Sequence[Header]) -> dict[str, str]:
    return {name: _header_text(name, value) for name, value in headers if name in {"ce_id", "ce_time", "ce_type"}}


def _header_text(name: str, value: bytes | None) -> str:
    if value is None or len(value) > HEADER_BYTES_MAX:
        raise Poison("bad_header", f"{name} is absent or longer than {HEADER_BYTES_MAX} bytes")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Poison("bad_header", f"{name} is not UTF-8") from None


def _time_ms(text: str) -> int:
    try:
        return parse_ms(text)
    except ValueError:
        raise Poison("bad_header", "ce_time is not an RFC 3339 time with an offset") from None


def _tick(time_ms: int | None) -> SentTick:
    if time_ms is None:
        raise Poison("bad_tick", "a tick needs the header ce_time (RFC 3339)")
    return SentTick(time_ms)


def _json_tick(value: Any) -> SentTick:
    try:
        return SentTick(parse_ms(value))
    except (ValueError, AttributeError):
        raise Poison("bad_tick", f"{TICK} is not an RFC 3339 time with an offset") from None
