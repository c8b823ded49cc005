"""CloudEvents 1.0 over Kafka, binary and structured, and the trace that an event belongs to."""

import base64
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from penstock.contract.strict_json import parse_object
from penstock.contract.timestamps import parse_ms
from penstock.fold.protocol import Header, Poison

HEADER_BYTES_MAX = 1_024
STRUCTURED = "application/cloudevents+json"
CONTENT_TYPE = "content-type"
JSON = "application/json"
OURS = "penstock."  # a tick has no data
REQUIRED = ("id", "source", "type")
READ = frozenset({"ce_id", "ce_time", "ce_type", "ce_source", CONTENT_TYPE})
TRACE = ("traceparent", "tracestate")
TRACEPARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
TRACESTATE_BYTES_MAX = 512


class Attributes(NamedTuple):
    """What a CloudEvent says about its data; everything may be absent. `trace`: headers of W3C Trace Context, to be sent on."""

    id: str | None = None
    time_ms: int | None = None
    type: str | None = None
    source: str | None = None
    trace: tuple[Header, ...] = ()


NONE = Attributes()


def from_headers(headers: Sequence[Header]) -> tuple[Attributes, bool]:
    """The attributes in a record's headers (binary mode), and whether the value is a whole CloudEvent (structured mode).

    Raises: Poison("bad_header") for an attribute that says nothing, Poison("not_framed") for another format of CloudEvents. A trace that is
    none is left out: its loss breaks nothing (W3C Trace Context, section 3.2.2). Source: CloudEvents 1.0, Kafka protocol binding.
    """
    found = {name: _text(name, value) for name, value in headers if name in READ}
    time_ms = _time_ms("bad_header", "ce_time", found["ce_time"]) if "ce_time" in found else None
    content_type = media_type(found.get(CONTENT_TYPE, ""))
    if content_type.startswith("application/cloudevents") and content_type != STRUCTURED:
        raise Poison("not_framed", f"of the formats of CloudEvents only {STRUCTURED} is read here; batches are for HTTP")
    attributes = Attributes(found.get("ce_id") or None, time_ms, found.get("ce_type"), found.get("ce_source") or None, trace_of(headers))
    return attributes, content_type == STRUCTURED


def from_envelope(value: bytes, trace: tuple[Header, ...]) -> tuple[Attributes, bytes | dict[str, Any]]:
    """The attributes of a CloudEvent in JSON, and its data: an object, or bytes to be read by their first byte.

    Raises: Poison("bad_cloudevent"); Poison("undecodable"). Source: CloudEvents 1.0, JSON event format.
    """
    envelope = parse_object(value)
    if not str(envelope.get("specversion")).startswith("1."):
        raise Poison("bad_cloudevent", "specversion is not 1.0")
    for name in REQUIRED:
        if not isinstance(envelope.get(name), str) or not 0 < len(envelope[name].encode(errors="replace")) <= HEADER_BYTES_MAX:
            raise Poison("bad_cloudevent", f"{name} is not a text of 1 to {HEADER_BYTES_MAX} bytes")
    time = envelope.get("time")
    time_ms = None if time is None else _time_ms("bad_cloudevent", "time", time)
    trace = trace or trace_of([(name, envelope[name].encode(errors="replace")) for name in TRACE if isinstance(envelope.get(name), str)])
    return Attributes(envelope["id"], time_ms, envelope["type"], envelope["source"], trace), _data(envelope)


def trace_of(headers: Sequence[Header]) -> tuple[Header, ...]:
    """The headers that carry a trace; none if they are not valid."""
    parent = next((value for name, value in headers if name == "traceparent"), None)
    if parent is None or not TRACEPARENT.fullmatch(parent):
        return ()
    state = next((value for name, value in headers if name == "tracestate"), None)
    carried: tuple[Header, ...] = (("traceparent", parent),)
    return (*carried, ("tracestate", state)) if state and len(state) <= TRACESTATE_BYTES_MAX else carried


def media_type(content_type: str) -> str:
    """The media type alone.

    >>> media_type(" Application/JSON; charset=utf-8")
    'application/json'
    """
    return content_type.partition(";")[0].strip().lower()


def source_of(headers: Sequence[Header], value: bytes | None) -> str | None:
    """Who sent a record, as ingestion reads it, but also where the record is broken otherwise: its attributes, its data, its JSON."""
    found = {name: (given or b"").decode(errors="replace") for name, given in headers if name in {"ce_source", CONTENT_TYPE}}
    source: Any = None
    if media_type(found.get(CONTENT_TYPE, "")) == STRUCTURED:
        with contextlib.suppress(ValueError, RecursionError):
            envelope = json.loads(value or b"")
            source = envelope.get("source") if isinstance(envelope, dict) else None
    return source if isinstance(source, str) else found.get("ce_source") or None


def _data(envelope: Mapping[str, Any]) -> bytes | dict[str, Any]:
    match envelope:
        case {"data": dict() as fields}:
            return fields
        case {"data_base64": str() as text}:
            try:
                return base64.b64decode(text, validate=True)
            except ValueError:
                raise Poison("bad_cloudevent", "data_base64 is not base64") from None
    if envelope["type"].startswith(OURS):
        return b""
    raise Poison("bad_cloudevent", "neither data, an object, nor data_base64 is there")


def _text(name: str, value: bytes | None) -> str:
    if value is None or len(value) > HEADER_BYTES_MAX:
        raise Poison("bad_header", f"{name} is absent or longer than {HEADER_BYTES_MAX} bytes")
    try:
        return value.decode()
    except UnicodeDecodeError:
        raise Poison("bad_header", f"{name} is not UTF-8") from None


def _time_ms(code: str, name: str, text: Any) -> int:
    try:
        return parse_ms(text if isinstance(text, str) else "")
    except ValueError:
        raise Poison(code, f"{name} is not an RFC 3339 time with an offset") from None
