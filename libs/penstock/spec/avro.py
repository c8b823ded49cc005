"""Avro schemas made from a specification: validated records, producers' records, features."""

from typing import Any

from penstock.records import platform_schema
from penstock.spec.errors import SpecError
from penstock.spec.specification import Spec
from penstock.spec.stream import ENVELOPE, Field, Stream, record_name
from penstock.spec.view import Aggregate, Calendar, Compute, Last, View

EVENT_TIME_MS, ORIGIN, EVENT_ID = ENVELOPE
TYPES = {"string": "string", "double": "double", "long": "long", "boolean": "boolean", "timestamp": "long"}
FEATURE_TYPES = {"string": "string", "double": "double", "long": "double", "boolean": "boolean"}


def stream_schema(stream: Stream) -> dict[str, Any]:
    """The record on `validated.<stream>`: event time (always first), origin, event id, then the stream's own fields by name."""
    envelope: list[dict[str, Any]] = [
        {"name": EVENT_TIME_MS, "type": "long", "doc": "Event time (ms since the epoch, UTC)."},
        {"name": ORIGIN, "type": platform_schema("Origin"), "doc": "The record that caused this one."},
        {"name": EVENT_ID, "type": "string", "doc": "Identity of the event."},
    ]
    return _record(stream, "A validated event.", envelope)


def producer_schema(stream: Stream) -> dict[str, Any]:
    """The record for producers who write Avro to `events.<stream>`: the stream's own fields, nothing else."""
    return _record(stream, "An event as its producer writes it.", [])


def feature_fields(view: View, spec: Spec) -> list[dict[str, Any]]:
    """The Avro fields of a view's features, in the order of `view.features`, for `penstock.records.with_features`.

    Raises: SpecError if the view's streams do not have what it reads: parts of one specification may come one after the other.
    """
    try:
        source = spec.streams[view.source]
        selected = [(name, FEATURE_TYPES[source.fields[name].type]) for name in view.select]
        computed = [(name, _computed_type(compute, spec)) for name, compute in view.compute.items()]
    except KeyError as error:
        raise SpecError(f"view {view.name} reads {error}, which its streams do not have (yet). Try: penstock apply") from error
    return [{"name": name, "type": ["null", type], "default": None} for name, type in selected + computed]


def _record(stream: Stream, doc: str, envelope: list[dict[str, Any]]) -> dict[str, Any]:
    fields = envelope + [_field(field) for field in stream.fields.values()]
    return {"type": "record", "name": record_name(stream.name), "namespace": "penstock.streams", "doc": doc, "fields": fields}


def _field(field: Field) -> dict[str, Any]:
    type = TYPES[field.type]
    more: dict[str, Any] = {"doc": "ms since the epoch, UTC"} if field.type == "timestamp" else {}
    more |= {"penstock.personal": True} if field.personal else {}
    if field.nullable:
        return {"name": field.name, "type": ["null", type], "default": None, **more}
    return {"name": field.name, "type": type, **({} if field.default is None else {"default": field.default}), **more}


def _computed_type(compute: Compute, spec: Spec) -> str:
    match compute:
        case Calendar():
            return "long"
        case Last(stream=stream, field=field):
            return FEATURE_TYPES[spec.streams[stream].fields[field].type]
        case Aggregate():
            return "double"
    raise SpecError(f"no type for {compute}")
