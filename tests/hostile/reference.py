"""Ingestion of one partition once more, slow and readable: what must become of each record of the log. No I/O."""

import base64
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock.contract.timestamps import parse_ms
from penstock.fold.protocol import Record
from penstock.spec import Stream
from tests.unit.contract.oracle import Broken, oracle

RECORD_BYTES_MAX, TEXT_BYTES_MAX = 1_000_000, 1_024
TICK = "penstock.tick"
ATTRIBUTES = ("ce_id", "ce_time", "ce_type", "ce_source", "content-type")
ANY = "any"
VALIDATED, DUPLICATE, TICKED, REJECTED = "validated", "duplicates", "ticks", "rejected"


class Fate(NamedTuple):
    """What becomes of a record. `code`: of one that is rejected, or ANY; `output`: what stands on the validated topic then."""

    kind: str
    code: str = ""
    output: dict[str, Any] | None = None


class Said(NamedTuple):
    """What a record says: the fields of an event, or the time of a tick (ms)."""

    fields: Mapping[str, Any]
    tick_ms: int | None = None


class Reference:
    """Takes the records of a log in order.

    `own_ids`: the schema ids under which producers of this stream may write, `own_mark` the fingerprint of their schema; of `other_ids`,
    which exist, it only says that nothing good comes of them.
    """

    def __init__(self, stream: Stream, own_ids: frozenset[int], own_mark: bytes, other_ids: frozenset[int]) -> None:
        assert (stream.id, stream.time) != (None, None), "only such streams are known here"
        self._stream, self._own_ids, self._own_mark, self._other_ids = stream, own_ids, own_mark, other_ids
        self._highest_ms: int | None = None
        self._known: dict[str, str] = {}  # of a window that never ends

    def take(self, record: Record) -> Fate:
        """What becomes of the next record."""
        try:
            said = self._read(record)
            return self._tick(said.tick_ms, record) if said.tick_ms is not None else self._event(said.fields, record)
        except Broken as broken:
            return Fate(REJECTED, str(broken))

    def _read(self, record: Record) -> Said:
        value = record.value
        if value is not None and len(value) > RECORD_BYTES_MAX:
            raise Broken("too_large")
        texts = [(name, _text(each)) for name, each in record.headers if name in ATTRIBUTES]
        named = dict(texts)
        tick_ms = _time("bad_header", named["ce_time"]) if "ce_time" in named else None
        media_type = named.get("content-type", "").partition(";")[0].strip().lower()
        kind, data = named.get("ce_type"), value
        if media_type.startswith("application/cloudevents"):
            if media_type != "application/cloudevents+json":
                raise Broken("not_framed")
            kind, tick_ms, found = _envelope(value or b"")
            if isinstance(found, dict):
                return Said({}, _tick_of(tick_ms)) if kind == TICK else self._fields_or_tick(found)
            data = found
        if kind == TICK:
            return Said({}, _tick_of(tick_ms))
        return self._fields_or_tick(self._content(data))

    def _fields_or_tick(self, fields: dict[str, Any]) -> Said:
        return Said({}, _time("bad_tick", fields[TICK])) if TICK in fields else Said(fields)

    def _content(self, data: bytes | None) -> dict[str, Any]:
        if not data:
            raise Broken("not_framed")
        if data[:1] == b"{":
            return _json_object(data)
        if data[:1] == b"\x00":
            return self._framed(data)
        if data[:2] == b"\xc3\x01":
            if len(data) < 10:
                raise Broken("undecodable")
            if data[2:10] != self._own_mark:
                raise Broken("unknown_schema")
            return avro(self._stream, data[10:])
        raise Broken("not_framed")

    def _framed(self, data: bytes) -> dict[str, Any]:
        if len(data) < 5:
            raise Broken("not_framed")
        id = int.from_bytes(data[1:5], "big")
        if id in self._own_ids:
            return avro(self._stream, data[5:])
        raise Broken(ANY if id in self._other_ids else "unknown_schema")

    def _tick(self, time_ms: int, record: Record) -> Fate:
        self._check_time(time_ms, record.timestamp, 10 * self._stream.max_jump_ms)
        self._highest_ms = max(time_ms, self._highest_ms or time_ms)
        return Fate(TICKED, output={"event_time_ms": time_ms})

    def _event(self, sent: Mapping[str, Any], record: Record) -> Fate:
        if any(name == "__dlq.replay.of" for name, _ in record.headers):
            raise Broken("bad_header")  # none of those that are sent here names a record of its own topic
        kept = oracle(self._stream.fields, sent)
        if isinstance(kept, str):
            raise Broken(kept)
        fields = kept[0]
        _identifier("no_key", fields[self._stream.key])
        event_id = _identifier("no_id", fields[self._stream.id or ""])
        time_ms = fields[self._stream.time or ""]
        payload = repr({name: value for name, value in fields.items() if value not in (None, self._stream.defaults.get(name, None))})
        if event_id in self._known:
            if self._known[event_id] != payload:
                raise Broken("duplicate_conflict")
            return Fate(DUPLICATE)
        self._check_time(time_ms, record.timestamp, self._stream.max_jump_ms)
        self._highest_ms = max(time_ms, self._highest_ms or time_ms)
        self._known[event_id] = payload
        return Fate(VALIDATED, output={"event_time_ms": time_ms, "event_id": event_id, **fields})

    def _check_time(self, time_ms: int, append_ms: int, jump_ms: int) -> None:
        if time_ms < 0:
            raise Broken("out_of_range")
        if time_ms > (append_ms if self._highest_ms is None else self._highest_ms) + jump_ms:
            raise Broken("time_jump")


def _tick_of(time_ms: int | None) -> int:
    if time_ms is None:
        raise Broken("bad_tick")
    return time_ms


def _identifier(code: str, text: str) -> str:
    if not text:
        raise Broken(code)
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise Broken("too_large")
    return text


def _text(value: bytes | None) -> str:
    if value is None or len(value) > TEXT_BYTES_MAX:
        raise Broken("bad_header")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Broken("bad_header") from None


def _time(code: str, text: Any) -> int:
    try:
        return parse_ms(text if isinstance(text, str) else "")
    except ValueError:
        raise Broken(code) from None


def _envelope(value: bytes) -> tuple[str, int | None, dict[str, Any] | bytes]:
    """Type, time and data of a structured CloudEvent."""
    found = _json_object(value)
    if not str(found.get("specversion")).startswith("1."):
        raise Broken("bad_cloudevent")
    for name in ("id", "source", "type"):
        text = found.get(name)
        if not isinstance(text, str) or not text or len(text.encode(errors="replace")) > TEXT_BYTES_MAX:
            raise Broken("bad_cloudevent")
    time_ms = None if found.get("time") is None else _time("bad_cloudevent", found["time"])
    if isinstance(found.get("data"), dict):
        return found["type"], time_ms, found["data"]
    if isinstance(found.get("data_base64"), str):
        try:
            return found["type"], time_ms, base64.b64decode(found["data_base64"], validate=True)
        except ValueError:
            raise Broken("bad_cloudevent") from None
    if found["type"].startswith("penstock."):
        return found["type"], time_ms, b""
    raise Broken("bad_cloudevent")


def _json_object(data: bytes) -> dict[str, Any]:
    try:
        found = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_refused)
    except (ValueError, RecursionError):
        raise Broken("undecodable") from None
    if not isinstance(found, dict):
        raise Broken("undecodable")
    return found


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    if len({name for name, _ in pairs}) < len(pairs):
        raise ValueError("a name twice")
    return dict(pairs)


def _refused(_: str) -> Any:
    raise ValueError("no JSON")


def avro(stream: Stream, data: bytes) -> dict[str, Any]:
    """The fields of a producer's record, read as Avro 1.12 says, and as laxly as fastavro (its compiled reader) where that is laxer.

    So it is in three places, and the contract holds in all of them: any byte but 0 is true, a negative branch of a union counts from the
    last one, and of a number with more than 64 bits the rest is folded over the first ones.
    """
    reader = _Reader(data)
    try:
        fields = {field.name: reader.field(field.type, field.nullable) for field in stream.fields.values()}
    except (IndexError, ValueError, struct.error):
        raise Broken("undecodable") from None
    if reader.at != len(data):
        raise Broken("trailing_bytes")
    return fields


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self.at = 0

    def field(self, type: str, nullable: bool) -> Any:
        read: dict[str, Callable[[], Any]] = {"string": self._string, "double": self._double, "boolean": self._boolean}
        if nullable and self._branch() == 0:
            return None
        return read.get(type, self._long)()

    def _branch(self) -> int:
        branch = self._long()
        return (0, 1)[branch]

    def _long(self) -> int:
        number = shift = 0
        while True:
            byte = self._take(1)[0]
            number |= (byte & 0x7F) << shift % 64 & 2**64 - 1
            shift += 7
            if byte < 0x80:
                return (number >> 1) ^ -(number & 1)

    def _string(self) -> str:
        length = self._long()
        if length < 0:
            raise ValueError("a negative length")
        return self._take(length).decode()

    def _double(self) -> float:
        return float(struct.unpack("<d", self._take(8))[0])

    def _boolean(self) -> bool:
        return bool(self._take(1)[0])

    def _take(self, length: int) -> bytes:
        taken = self._data[self.at : self.at + length]
        if len(taken) < length:
            raise IndexError("the end")
        self.at += length
        return taken
