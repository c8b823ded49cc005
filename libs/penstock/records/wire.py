"""How a record stands on the wire: 0x00, the schema id, then Avro (Confluent's framing), with every byte accounted for."""

import struct
from collections.abc import Callable, Mapping
from io import BytesIO
from typing import Any, NamedTuple

from fastavro import parse_schema, schemaless_reader, schemaless_writer
from fastavro.schema import SchemaParseException, UnknownType

from penstock.fold.protocol import Missing, Poison
from penstock.records.avsc import UnsafeSchema, refuse_unsafe
from penstock.records.schemas import Schema, SchemaRegistry, UnknownSchema

MAGIC = 0
HEADER = struct.Struct(">bI")
RECORD_BYTES_MAX = 1_000_000
MALFORMED = (SchemaParseException, UnknownType, KeyError, TypeError, ValueError, RecursionError)
"""What fastavro raises for a schema that is none."""

Writer = Callable[[Mapping[str, Any]], bytes]


class Known(NamedTuple):
    """A schema that can be decoded with."""

    name: str
    parsed: Any
    schema: Schema


class Wire:
    """Encodes and decodes framed records; look-ups are synchronous, what is unknown is fetched between steps.

    One object serves a whole process. `read` raises `Missing("schema", id)` before anything has happened; the runner awaits `fetch` and
    takes the step again.
    """

    def __init__(self, registry: SchemaRegistry) -> None:
        self._registry = registry
        self._known: dict[int, Known] = {}

    async def writer(self, topic: str, schema: Schema) -> Writer:
        """A function that encodes records of `schema` for `topic`; registers it under `<topic>-<full name>` (TopicRecordNameStrategy)."""
        name = f"{schema['namespace']}.{schema['name']}" if "namespace" in schema else schema["name"]
        id = await self._registry.register(f"{topic}-{name}", schema)
        return writer_of(id, self._learn(id, schema).parsed)

    async def fetch(self, id: int) -> None:
        """Learn the schema with this id. Raises: Poison("unknown_schema") if there is none that may be read with.

        Another registry takes schemas that ours refuses; here they are refused again, before anything is decoded.
        """
        try:
            schema = await self._registry.by_id(id)
            if not isinstance(schema, dict) or schema.get("type") != "record":
                raise UnknownSchema(f"schema {id} is not of a record")
            refuse_unsafe(schema)
            self._learn(id, schema)
        except (UnknownSchema, UnsafeSchema) as error:
            raise Poison("unknown_schema", str(error)) from error
        except MALFORMED as error:
            raise Poison("unknown_schema", f"schema {id} is no Avro schema: {type(error).__name__}") from error

    def read(self, value: bytes | None) -> tuple[str, dict[str, Any]]:
        """The record's name (without namespace) and its fields.

        Raises: Missing for a schema that is not here yet; Poison for bytes that are not exactly one record.
        """
        known = self.known(schema_id(value))
        assert value is not None
        return known.name, decode(known, value, HEADER.size)

    async def read_or_fetch(self, value: bytes | None) -> tuple[str, dict[str, Any]]:
        """As `read`, for those who may wait: a schema that is not here yet is fetched.

        Raises: Poison, also for a schema that does not exist; what the schema registry raises.
        """
        try:
            return self.read(value)
        except Missing as missing:
            await self.fetch(int(missing.reference))
            return self.read(value)

    async def registered(self, topic: str) -> dict[int, Schema]:
        """Every schema under the subjects of a topic, by id."""
        return await self._registry.of_topic(topic)

    def known(self, id: int) -> Known:
        """The schema with this id. Raises: Missing."""
        try:
            return self._known[id]
        except KeyError:
            raise Missing("schema", str(id)) from None

    def _learn(self, id: int, schema: Schema) -> Known:
        self._known[id] = Known(schema["name"], parse_schema(schema), schema)
        return self._known[id]


def writer_of(id: int, parsed: Any) -> Writer:
    """A function that encodes records of the parsed schema with this id."""
    header = HEADER.pack(MAGIC, id)

    def write(record: Mapping[str, Any]) -> bytes:
        buffer = BytesIO()
        buffer.write(header)
        schemaless_writer(buffer, parsed, record)
        return buffer.getvalue()

    return write


def decode(known: Known, value: bytes, start: int) -> dict[str, Any]:
    """The record that stands in `value` from `start` to its end. Raises: Poison for bytes that are not exactly one record."""
    buffer = BytesIO(value)
    buffer.seek(start)
    try:
        record = schemaless_reader(buffer, known.parsed, None)
    except Exception as error:  # fastavro raises many kinds on mutated bytes; its words may hold values, so they are left out
        raise Poison("undecodable", f"{known.name}: {type(error).__name__}") from error
    if buffer.tell() != len(value):
        raise Poison("trailing_bytes", f"{known.name}: {len(value) - buffer.tell()} bytes after the record")
    if not isinstance(record, dict):
        raise Poison("undecodable", f"{known.name}: not a record")
    return record


def schema_id(value: bytes | None) -> int:
    """The schema id of a framed record. Raises: Poison if the bytes are not framed, too long, or absent."""
    if value is None or len(value) < HEADER.size or value[0] != MAGIC:
        raise Poison("not_framed", "not 0x00, schema id, Avro")
    if len(value) > RECORD_BYTES_MAX:
        raise Poison("too_large", f"{len(value)} bytes; the limit is {RECORD_BYTES_MAX}")
    return int.from_bytes(value[1:5], "big")


def event_time_ms(value: bytes | None) -> int:
    """The event time of a framed platform or stream record, read without decoding the rest: it is always the first field.

    A zigzag varint after the header (Avro 1.12, binary encoding). Raises: Poison if it is not there.
    """
    schema_id(value)
    assert value is not None
    number = shift = 0
    for byte in value[HEADER.size : HEADER.size + 10]:
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return (number >> 1) ^ -(number & 1)
        shift += 7
    raise Poison("undecodable", "no event time in the first field")
