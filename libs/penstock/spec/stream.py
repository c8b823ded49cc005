"""Streams: events of one schema, keyed by entity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.spec.document import Node
from penstock.spec.duration import format_duration
from penstock.spec.errors import Path, Problems, quoted
from penstock.spec.expect import NOTHING, Expect, expect_body, read_expect
from penstock.spec.field import ENVELOPE, REJECT, WARN, Field, field_body, read_field
from penstock.spec.section import FIELD, FIELD_RULE, Section

__all__ = ["ENVELOPE", "Field", "Stream", "read_stream", "record_name", "stream_body"]

FIELDS_MAX = 500
KEYS = ("key", "id", "time", "max_jump", "max_late", "partitions", "generation", "dedup_window", "expect", "on", "fields")
EXTRA_FIELDS = "extra_fields"
EXTRA_POLICIES = (WARN, REJECT)  # to warn is to drop them and count them


@dataclass(frozen=True, slots=True)
class Stream:
    """A declared stream; `id` and `time` name fields (None: place in the topic, append time).

    `generation` rises when the topic is made anew. `late_ms_max`: how far behind the clock of its partition an event may be (None: any).
    `extra_fields`: the policy for fields that are not declared.
    """

    name: str
    key: str
    id: str | None
    time: str | None
    max_jump_ms: int
    partitions: int
    generation: int
    dedup_window_ms: int
    fields: Mapping[str, Field]
    late_ms_max: int | None = None
    expect: Expect = NOTHING
    extra_fields: str = WARN

    @property
    def types(self) -> dict[str, str]:
        """The type of every field."""
        return {name: field.type for name, field in self.fields.items()}

    @property
    def defaults(self) -> dict[str, str | int | float | bool]:
        """What stands for the fields that an event does not have, which was validated before they were declared."""
        return {name: field.default for name, field in self.fields.items() if field.default is not None}


def record_name(stream: str) -> str:
    """The Avro name of a stream's record: `flight-arrivals` is `FlightArrivals`.

    Hyphens are words' ends, so two streams may share an Avro name; they have topics and subjects of their own.
    """
    return "".join(word[:1].upper() + word[1:] for word in stream.split("-"))


def read_stream(name: str, node: Node, path: Path, problems: Problems) -> Stream:
    """The stream that a node declares; what is wrong is noted."""
    section = Section(node, path, problems, KEYS)
    entries = section.entries("fields", FIELD, FIELD_RULE, required=True, size_max=FIELDS_MAX)
    stream = Stream(
        name=name,
        key=section.text("key", cure="key: the field that names the entity") or "",
        id=section.text("id", required=False),
        time=section.text("time", required=False),
        max_jump_ms=section.duration("max_jump", "7d") or 0,
        partitions=section.integer("partitions", 1, 1, 1_000),
        generation=section.integer("generation", 0, 0, 1_000_000),
        dedup_window_ms=section.duration("dedup_window", "1h") or 0,
        fields={field_name: read_field(field_name, item, inside, problems) for field_name, item, inside in entries},
        late_ms_max=section.duration("max_late", required=False),
        expect=read_expect(section),
        extra_fields=_read_extra_fields(section),
    )
    if entries:
        _check(stream, section)
    return stream


def stream_body(stream: Stream) -> dict[str, Any]:
    """The stream as it would stand in the file, every default written out but those of keys that came later."""
    return {
        "key": stream.key,
        **({"id": stream.id} if stream.id else {}),
        **({"time": stream.time} if stream.time else {}),
        "max_jump": format_duration(stream.max_jump_ms),
        "partitions": stream.partitions,
        "generation": stream.generation,
        "dedup_window": format_duration(stream.dedup_window_ms),
        "fields": {name: field_body(field) for name, field in stream.fields.items()},
        **({} if stream.late_ms_max is None else {"max_late": format_duration(stream.late_ms_max)}),
        **({} if stream.expect == NOTHING else {"expect": expect_body(stream.expect)}),
        **({} if stream.extra_fields == WARN else {"on": {EXTRA_FIELDS: stream.extra_fields}}),
    }


def _read_extra_fields(section: Section) -> str:
    node = section.node("on", required=False)
    return (
        WARN
        if node is None
        else Section(node, (*section.path, "on"), section.problems, (EXTRA_FIELDS,)).choice(EXTRA_FIELDS, EXTRA_POLICIES, WARN)
    )


def _check(stream: Stream, section: Section) -> None:
    rules = {"key": ("string", "long"), "id": ("string", "long"), "time": ("timestamp",)}
    for role, types in rules.items():
        name = getattr(stream, role)
        field = stream.fields.get(name)
        if not name:
            continue
        if field is None:
            section.note(
                role,
                f"{quoted(name)} is not a field of this stream ({', '.join(list(stream.fields)[:20])})",
                f"add it under fields: {name}: {types[0]}",
            )
        elif field.type not in types or field.nullable:
            section.note(role, f"{quoted(name)} must be of type {' or '.join(types)} and not nullable", f"{name}: {types[0]}")
        elif field.default is not None or not set(field.on.values()) <= {REJECT, WARN}:
            section.note(role, f"{quoted(name)} says which event it is: it has no default, and is never changed", "on: {…: reject}")
