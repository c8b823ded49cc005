"""What a request body holds: events as JSON, JSON lines, or CloudEvents 1.0 over HTTP (binary, structured, batch)."""

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import unquote

from penstock.contract.contract import TICK
from penstock.contract.problems import Problem
from penstock.contract.strict_json import parse_json, parse_object
from penstock.contract.timestamps import parse_ms
from penstock.fold.protocol import Header, Poison
from penstock.framing.cloudevents import HEADER_BYTES_MAX, JSON, STRUCTURED, TRACE
from penstock_ingestion.refused import Refused

BATCH_EVENTS_MAX = 1_000
JSON_LINES = ("application/x-ndjson", "application/jsonl", "application/json-lines")
STRUCTURED_BATCH = "application/cloudevents-batch+json"
MEDIA_TYPES = (JSON, *JSON_LINES, STRUCTURED, STRUCTURED_BATCH)
ATTRIBUTES = ("specversion", "id", "source", "type", "subject", "time")
IDEMPOTENCY_KEY = "idempotency-key"
KEY_BYTES_MAX = HEADER_BYTES_MAX - 8  # the number of an event of a batch stands behind it


class Sent(NamedTuple):
    """One event of a request: what should be its fields, its headers for Kafka, its CloudEvents type, and what is wrong already."""

    fields: Any
    headers: tuple[Header, ...] = ()
    type: str = ""
    problems: tuple[Problem, ...] = ()


def read_events(body: bytes, media_type: str, headers: Mapping[str, str]) -> list[Sent]:
    """The events of a body. Raises: Refused if it is none of `media_type`, or holds none or too many.

    An `Idempotency-Key` becomes the id of an event that has no CloudEvents id; in a batch, with the number of the event. So a request that
    is sent again with its key is a duplicate of the first, within the stream's window, also where events carry no id in their fields.
    """
    if media_type in (STRUCTURED, STRUCTURED_BATCH):
        trace = _trace(headers)
        whole = _parsed(body)
        events = whole if media_type == STRUCTURED_BATCH else [whole]
        return [_structured(number, event, trace) for number, event in enumerate(_counted(events))]
    found = _counted(_lines(body) if media_type in JSON_LINES else _parsed(body))
    attributes = _binary(headers, len(found))
    key = headers.get(IDEMPOTENCY_KEY, "")
    if len(key.encode()) > KEY_BYTES_MAX:
        raise Refused(400, f"an Idempotency-Key has at most {KEY_BYTES_MAX} bytes")
    ids = [f"{key}:{number}" if len(found) > 1 else key for number in range(len(found))] if key and "id" not in attributes else []
    sent = [attributes | ({"id": ids[number]} if ids else {}) for number in range(len(found))]
    return [Sent(event, _headers(own, _trace(headers)), own.get("type", "")) for event, own in zip(found, sent, strict=True)]


def _parsed(body: bytes) -> Any:
    try:
        return parse_json(body)
    except Poison as poison:
        raise Refused(400, poison.reason) from None


def _lines(body: bytes) -> list[Any]:
    return [_parsed(line) for line in body.splitlines() if line.strip()]


def _counted(whole: Any) -> Sequence[Any]:
    events = whole if isinstance(whole, list) else [whole]
    if not 0 < len(events) <= BATCH_EVENTS_MAX:
        raise Refused(413 if events else 400, f"{len(events)} events; a request holds 1 to {BATCH_EVENTS_MAX}")
    return events


def _binary(headers: Mapping[str, str], events: int) -> dict[str, str]:
    """CloudEvents 1.0, HTTP binding, binary mode: percent-encoded headers ce-*."""
    found = {name: unquote(headers[f"ce-{name}"]) for name in ATTRIBUTES if f"ce-{name}" in headers}
    if found and events > 1:
        raise Refused(400, "CloudEvents headers describe one event, not a batch")
    for problem in _wrong(0, found):
        raise Refused(400, f"ce-{problem.field}: {problem.detail}", [problem])
    return found


def _structured(number: int, event: Any, trace: Sequence[Header]) -> Sent:
    """CloudEvents 1.0, JSON format: one object with attributes and data."""
    if not isinstance(event, dict):
        return Sent(None, problems=(Problem(number, "", "undecodable", "not a JSON object"),))
    attributes = {name: event[name] for name in ATTRIBUTES if event.get(name) is not None}
    wrong = list(_wrong(number, attributes))
    absent = [name for name in ("specversion", "id", "source", "type") if not attributes.get(name)]
    wrong += [Problem(number, name, "bad_header", "CloudEvents 1.0 needs it") for name in absent]
    if attributes.get("specversion", "1.0") != "1.0":
        wrong.append(Problem(number, "specversion", "bad_header", 'only "1.0" is known'))
    try:
        data = _data(event)
    except Poison as poison:
        wrong.append(Problem(number, "data", poison.code, poison.reason))
        data = None
    if wrong:
        return Sent(None, problems=tuple(wrong))
    own = [(name, event[name].encode()) for name in TRACE if isinstance(event.get(name), str) and _is_text(event[name])]
    return Sent(data, _headers(attributes, own or trace), attributes["type"])


def _data(event: Mapping[str, Any]) -> Any:
    if "data_base64" not in event:
        return event.get("data")
    try:
        return parse_object(base64.b64decode(event["data_base64"], validate=True))
    except (TypeError, ValueError, binascii.Error):
        raise Poison("undecodable", "data_base64 is no base64") from None


def _wrong(number: int, attributes: Mapping[str, Any]) -> "Sequence[Problem]":
    """What no record on the topic could carry."""
    found = []
    for name, value in attributes.items():
        if not isinstance(value, str) or not _is_text(value):
            found.append(Problem(number, name, "bad_header", f"not text of at most {HEADER_BYTES_MAX} bytes"))
        elif name == "time" and not _is_time(value):
            found.append(Problem(number, name, "bad_header", "not an RFC 3339 time with an offset"))
        elif name == "type" and value == TICK:
            found.append(Problem(number, name, "bad_tick", "ticks go to …/ticks"))
    return found


def _is_text(value: str) -> bool:
    try:
        return len(value.encode()) <= HEADER_BYTES_MAX
    except UnicodeEncodeError:
        return False


def _is_time(value: str) -> bool:
    try:
        parse_ms(value)
    except ValueError:
        return False
    return True


def _headers(attributes: Mapping[str, str], trace: Sequence[Header]) -> tuple[Header, ...]:
    """CloudEvents 1.0, Kafka binding, binary mode; W3C trace context as it came."""
    return (*((f"ce_{name}", value.encode()) for name, value in attributes.items()), *trace)


def _trace(headers: Mapping[str, str]) -> list[Header]:
    return [(name, headers[name].encode()) for name in TRACE if len(headers.get(name, "")) in range(1, HEADER_BYTES_MAX + 1)]


def as_value(fields: Mapping[str, Any]) -> bytes:
    """An event as it stands on its topic. Raises: ValueError for a number or text that JSON in UTF-8 cannot carry."""
    return json.dumps(fields, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
