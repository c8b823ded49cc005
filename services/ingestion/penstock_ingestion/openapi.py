"""The gateway described: an OpenAPI 3.1 document made of the contracts of all streams, and a page for people."""

import json
import shlex
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

from penstock import __version__
from penstock.framing.cloudevents import JSON, STRUCTURED
from penstock.spec import Field, Stream
from penstock.spec.field import REJECT
from penstock_ingestion.requests import BATCH_EVENTS_MAX, JSON_LINES, STRUCTURED_BATCH

Json = dict[str, Any]

TYPES: Mapping[str, Json] = {
    "string": {"type": "string"},
    "double": {"type": "number"},
    "long": {"type": "integer", "format": "int64"},
    "boolean": {"type": "boolean"},
}
TIMESTAMP: tuple[Json, ...] = ({"type": "string", "format": "date-time"}, {"type": "integer", "description": "ms since the epoch"})
PROBLEM: Json = {
    "type": "object",
    "description": "RFC 9457",
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {"type": "array", "items": {"$ref": "#/components/schemas/FieldProblem"}},
    },
    "required": ["title", "status", "detail"],
}
FIELD_PROBLEM: Json = {
    "type": "object",
    "properties": {
        "event": {"type": "integer", "description": "which event of the request, from 0"},
        "field": {"type": "string", "description": "empty if it is no single field"},
        "code": {"type": "string"},
        "detail": {"type": "string"},
    },
    "required": ["event", "field", "code", "detail"],
}
RECEIPT: Json = {
    "type": "object",
    "description": "where the event stands in Kafka, and its id",
    "properties": {"topic": {"type": "string"}, "partition": {"type": "integer"}, "offset": {"type": "integer"}, "id": {"type": "string"}},
    "required": ["topic", "partition", "offset", "id"],
}
CLOUD_EVENT: Json = {
    "type": "object",
    "description": "CloudEvents 1.0, JSON format",
    "properties": {
        "specversion": {"const": "1.0"},
        "id": {"type": "string", "minLength": 1},
        "source": {"type": "string", "minLength": 1},
        "type": {"type": "string", "minLength": 1},
        "time": {"type": "string", "format": "date-time"},
        "data": {"type": "object"},
        "data_base64": {"type": "string"},
    },
    "required": ["specversion", "id", "source", "type"],
}
REFUSALS: Mapping[str, str] = {
    "400": "no JSON, a damaged body, or a header that cannot be",
    "404": "there is no such stream",
    "408": "the body did not arrive in time",
    "413": "too large, or too many events",
    "415": "another content type or encoding",
    "422": "an event breaks the contract: nothing of the request was taken",
    "429": "too many requests: come back after Retry-After seconds",
    "503": "Kafka is away: come back after Retry-After seconds; the events may have arrived",
}
KEY_HEADER: Json = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string"},
    "description": "The id of an event that has none of its own: sent again with it, the event is a duplicate within the stream's window",
}


def document(streams: Mapping[str, Stream]) -> Json:
    """The OpenAPI 3.1 document for these streams."""
    paths: Json = {
        "/": {"post": _post("Send CloudEvents; the type of each, or its last part, names its stream", {"$ref": _ref("CloudEvent")})}
    }
    for name, stream in sorted(streams.items()):
        paths[f"/events/{name}"] = {"post": _post(f"Send events to {name}", {"$ref": _ref(name)}, _example(stream))}
        paths[f"/events/{name}/ticks"] = {"post": _ticks(name)}
    schemas = {"Problem": PROBLEM, "FieldProblem": FIELD_PROBLEM, "Receipt": RECEIPT, "CloudEvent": CLOUD_EVENT}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Penstock: events",
            "version": __version__,
            "description": "Answers 202 when an event is in Kafka, never before.",
        },
        "paths": paths,
        "components": {"schemas": {**schemas, **{name: schema_of(stream) for name, stream in sorted(streams.items())}}},
    }


def schema_of(stream: Stream) -> Json:
    """The contract of a stream as JSON Schema (2020-12). It takes whatever the contract takes; of text and numbers a little more."""
    required = [name for name, field in stream.fields.items() if not field.nullable and field.default is None]
    schema = {"type": "object", "properties": {name: _field(field) for name, field in stream.fields.items()}, "required": required}
    return schema | ({"additionalProperties": False} if stream.extra_fields == REJECT else {})


def _field(field: Field) -> Json:
    if field.policy("wrong_type") != REJECT:
        return {"description": f"a {field.type}; what is none becomes null"}
    may_be_null = field.nullable or field.default is not None
    if field.type == "timestamp":
        return {"anyOf": [*TIMESTAMP, *([{"type": "null"}] if may_be_null else [])]}
    schema = dict(TYPES[field.type])
    if field.enum and field.policy("not_in_enum") == REJECT:
        schema["enum"] = [*field.enum, *([None] if may_be_null else [])]
    schema |= {name: bound for name, bound in _bounds(field) if bound is not None}
    return schema | ({"type": [schema["type"], "null"]} if may_be_null else {})


def _bounds(field: Field) -> Iterator[tuple[str, Any]]:
    """What a value must keep to; a rule that mends or warns refuses nothing."""
    if field.policy("out_of_range") == REJECT:
        yield from (("minimum", field.minimum), ("maximum", field.maximum))
    if field.policy("wrong_length") == REJECT:
        yield from (("minLength", field.length_min or None), ("maxLength", field.length_max))
    if field.policy("wrong_pattern") == REJECT and field.pattern is not None:
        yield "pattern", f"^(?:{field.pattern})$"


def _ref(name: str) -> str:
    return f"#/components/schemas/{name}"


def _post(summary: str, event: Json, example: Json | None = None) -> Json:
    one = {"schema": {"anyOf": [event, {"type": "array", "items": event, "minItems": 1, "maxItems": BATCH_EVENTS_MAX}]}}
    envelope = {"$ref": _ref("CloudEvent")}
    content = {
        JSON: one | ({"example": example} if example else {}),
        JSON_LINES[0]: {"schema": {"type": "string", "description": "an event a line"}},
        STRUCTURED: {"schema": envelope},
        STRUCTURED_BATCH: {"schema": {"type": "array", "items": envelope}},
    }
    return {
        "summary": summary,
        "parameters": [KEY_HEADER],
        "requestBody": {"required": True, "content": content},
        "responses": _responses(),
    }


def _ticks(name: str) -> Json:
    body = {"type": "object", "properties": {"time": {"type": "string", "format": "date-time"}}, "required": ["time"]}
    return {
        "summary": f"Say how far event time has come in {name}, though no event says so",
        "requestBody": {"required": True, "content": {JSON: {"schema": body}}},
        "responses": _responses(),
    }


def _responses() -> Json:
    receipt = {"$ref": _ref("Receipt")}
    many = {"type": "object", "properties": {"accepted": {"type": "array", "items": receipt}}, "required": ["accepted"]}
    taken = {"description": "in Kafka: a receipt, or one for each event", "content": {JSON: {"schema": {"anyOf": [receipt, many]}}}}
    problem = {"application/problem+json": {"schema": {"$ref": _ref("Problem")}}}
    return {"202": taken, **{status: {"description": why, "content": problem} for status, why in REFUSALS.items()}}


def _example(stream: Stream) -> Json:
    """An event that the contract takes; where a text must match a pattern, the pattern stands for it."""
    return {name: _example_value(field) for name, field in stream.fields.items()}


def _example_value(field: Field) -> Any:
    low = field.minimum if field.minimum is not None else min(field.maximum or 0, 0)
    if field.default is not None:
        return field.default
    text = field.pattern or (field.name * max(1, field.length_min))[: field.length_max]
    plain = {"string": text, "double": float(low), "long": int(-(-low // 1)), "boolean": True, "timestamp": "2026-01-01T00:00:00Z"}
    return field.enum[0] if field.enum else plain[field.type]


def page(streams: Mapping[str, Stream], address: str) -> str:
    """The same for people: HTML that needs nothing from elsewhere; `address` is how the reader came here."""
    parts = [part for name, stream in sorted(streams.items()) for part in _section(name, stream, address)]
    refusals = "".join(f"<tr><td>{status}<td>{escape(why)}" for status, why in REFUSALS.items())
    return PAGE.format(streams="".join(parts) or "<p>No stream is declared yet: <code>penstock apply</code>", refusals=refusals)


def _section(name: str, stream: Stream, address: str) -> Iterator[str]:
    command = f"curl --json {shlex.quote(json.dumps(_example(stream)))} {address}/events/{name}"
    yield f"<h2>{escape(name)}</h2><pre>{escape(command)}</pre><table><tr><th>field<th>type<th>rules"
    for field_name, field in stream.fields.items():
        marks = {stream.key: "the entity", stream.id: "the id", stream.time: "the event time"}
        rules = [marks.get(field_name, ""), "may be null" if field.nullable else "", " | ".join(field.enum or ())]
        bounds = (field.minimum, field.maximum)
        rules.append(" … ".join("" if bound is None else f"{bound:g}" for bound in bounds) if bounds != (None, None) else "")
        rules.append(f"as {field.pattern}" if field.pattern else "")
        rules.append("of a person" if field.personal else "")
        yield f"<tr><td>{escape(field_name)}<td>{field.type}<td>{escape(', '.join(rule for rule in rules if rule))}"
    yield "</table>"


PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Penstock: events</title>
<meta name="viewport" content="width=device-width">
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }}
pre {{ overflow-x: auto; padding: .8rem; border: 1px solid #8886; border-radius: .3rem }}
table {{ border-collapse: collapse }} td, th {{ text-align: left; padding: .2rem 1rem .2rem 0; border-bottom: 1px solid #8884 }}
</style>
<h1>Events</h1>
<p>An answer of 202 says that the event is in Kafka. The same as a document: <a href="openapi.json">openapi.json</a> (OpenAPI 3.1).</p>
<p>A body is one JSON object, an array, JSON lines (<code>application/x-ndjson</code>) or CloudEvents 1.0 (binary, structured, batch;
also at <code>POST /</code>, where the type names the stream). It may be packed with gzip or zstd. An <code>Idempotency-Key</code> is the id
of an event that has none of its own.</p>
{streams}
<h2>When it is refused</h2>
<p>Problems are <code>application/problem+json</code> (RFC 9457), with <code>errors</code> by event and field.</p>
<table>{refusals}</table></html>
"""
