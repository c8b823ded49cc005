"""Streams: events of one schema, keyed by entity."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.spec.document import Node
from penstock.spec.duration import format_duration
from penstock.spec.errors import Path, Problems, quoted
from penstock.spec.expression import WORDS
from penstock.spec.section import FIELD, FIELD_RULE, Section, as_number

TYPES = ("string", "double", "long", "boolean", "timestamp")
ENVELOPE = ("event_time_ms", "_origin", "event_id")  # the platform's own fields, before the stream's, on validated.<stream>
FIELDS_MAX = 500
ENUM_MAX = 1_000
KEYS = ("key", "id", "time", "max_jump", "partitions", "generation", "dedup_window", "fields")


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a stream; `minimum` and `maximum` are inclusive, `enum` lists every allowed text."""

    name: str
    type: str
    nullable: bool = False
    enum: tuple[str, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True, slots=True)
class Stream:
    """A declared stream; `id` and `time` name fields (None: place in the topic, append time).

    `generation` rises when the topic is made anew.
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

    @property
    def types(self) -> dict[str, str]:
        """The type of every field."""
        return {name: field.type for name, field in self.fields.items()}


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
        fields={field_name: _read_field(field_name, item, inside, problems) for field_name, item, inside in entries},
    )
    if entries:
        _check(stream, section)
    return stream


def stream_body(stream: Stream) -> dict[str, Any]:
    """The stream as it would stand in the file, every default written out."""
    return {
        "key": stream.key,
        **({"id": stream.id} if stream.id else {}),
        **({"time": stream.time} if stream.time else {}),
        "max_jump": format_duration(stream.max_jump_ms),
        "partitions": stream.partitions,
        "generation": stream.generation,
        "dedup_window": format_duration(stream.dedup_window_ms),
        "fields": {name: _field_body(field) for name, field in stream.fields.items()},
    }


def _read_field(name: str, node: Node, path: Path, problems: Problems) -> Field:
    if name in ENVELOPE or name in WORDS:
        problems.add(node.key_position, path, f"the name {quoted(name)} is reserved", f"{name}_: …")
    if isinstance(node.value, str):
        node = Node({"type": Node(node.value, node.position)}, node.position)
    section = Section(node, path, problems, ("type", "nullable", "enum", "range"))
    type = section.choice("type", TYPES)
    nullable = section.plain("nullable")
    if not isinstance(nullable, bool | None):
        section.note("nullable", "must be true or false", "nullable: true")
    minimum, maximum = _read_range(section, type)
    return Field(name, type, nullable is True, _read_enum(section, type), minimum, maximum)


def _read_enum(section: Section, type: str) -> tuple[str, ...] | None:
    if "enum" not in section:
        return None
    words = section.words("enum")
    if type != "string" or not words or len(words) > ENUM_MAX:
        section.note("enum", f"is a list of 1 to {ENUM_MAX} texts and fits type string only", "leave enum out, or use range for numbers")
    return words


def _read_range(section: Section, type: str) -> tuple[float | None, float | None]:
    if "range" not in section:
        return None, None
    ends = section.plain("range")
    if type not in ("double", "long"):
        section.note("range", f"fits numbers only, not {type}", "type: double" if type == "timestamp" else "enum: [ … ]")
    elif not isinstance(ends, list) or len(ends) != 2 or any(end is not None and as_number(end) is None for end in ends):
        section.note("range", "must be two finite numbers, lowest first; null where there is no limit", "range: [0, 100]")
    elif None not in ends and ends[0] > ends[1]:
        section.note("range", "the lowest value stands second", f"range: [{ends[1]}, {ends[0]}]")
    else:
        return as_number(ends[0]), as_number(ends[1])
    return None, None


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


def _field_body(field: Field) -> dict[str, Any]:
    body: dict[str, Any] = {"type": field.type, "nullable": field.nullable}
    if field.enum is not None:
        body["enum"] = list(field.enum)
    if field.minimum is not None or field.maximum is not None:
        body["range"] = [field.minimum, field.maximum]
    return body
