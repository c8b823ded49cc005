"""Three answers to one question: can a reader with this schema read what was written with that one? And why they differ, by name."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from io import BytesIO
from typing import Any
from uuid import UUID

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from fastavro import parse_schema, schemaless_reader, validate

from penstock_registry.compatibility import problems
from tests.compatibility.values import encodings

Schema = Any


class Why(StrEnum):
    """Every difference that is known; docs/interop.md explains each."""

    ALIAS = "avro takes an alias literally, we put it into its namespace"
    NAMESPACE = "fastavro looks at the last part of a name alone"
    NOT_TEXT = "bytes that are no UTF-8 cannot be read as a string"
    DEFAULT_BYTES = "fastavro gives a default of bytes as text"
    LOGICAL = "fastavro applies a logical type that the reader did not ask for"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What each says, and the reasons for which they differ; `None` among them is a difference that nobody has explained."""

    ours: bool
    avro: bool
    fastavro: bool
    why: frozenset[Why | None]


def judge(writer: Schema, reader: Schema) -> Verdict:
    """The three answers for a pair of schemas."""
    ours, avro_says = _ours(writer, reader), _avro(writer, reader)
    failures = frozenset(_failures(writer, reader))
    why: set[Why | None] = set()
    if ours != avro_says:
        bare = _without(writer, "aliases"), _without(reader, "aliases")
        why.add(Why.ALIAS if _avro(*bare) == _ours(*bare) else None)
    if ours:
        why |= failures
    elif not failures:
        why.add(Why.NAMESPACE if _ours(_without(writer, "namespace"), _without(reader, "namespace")) else None)
    return Verdict(ours, avro_says, not failures, frozenset(why))


def _ours(writer: Schema, reader: Schema) -> bool:
    return not problems(json.dumps(reader), [json.dumps(writer)], "BACKWARD")


def _avro(writer: Schema, reader: Schema) -> bool:
    parsed = [avro.schema.parse(json.dumps(schema)) for schema in (reader, writer)]
    return ReaderWriterCompatibilityChecker().get_compatibility(*parsed).compatibility is SchemaCompatibilityType.compatible


def _failures(writer: Schema, reader: Schema) -> Iterator[Why | None]:
    """Why fastavro does not give the reader what was written, for each of the writer's values where it does not; None: unknown."""
    plain = parse_schema(_without(writer, "logicalType")), parse_schema(_without(reader, "logicalType"))
    whole = parse_schema(writer), parse_schema(reader)
    for encoded in encodings(writer):
        if why := _why_not(encoded, *plain):
            yield from why
        elif not _is_plain(encoded, *whole):
            yield Why.LOGICAL


def _why_not(encoded: bytes, writer: Schema, reader: Schema) -> list[Why | None]:
    """One reason, or none if the value is read as the reader's schema says."""
    try:
        value = _decoded(encoded, writer, reader)
    except UnicodeDecodeError:
        return [Why.NOT_TEXT]
    except Exception:  # fastavro raises many kinds
        return [None]
    if validate(value, reader, raise_errors=False):
        return []
    return [Why.DEFAULT_BYTES if validate(_as_bytes(value), reader, raise_errors=False) else None]


def _is_plain(encoded: bytes, writer: Schema, reader: Schema) -> bool:
    """Whether a reader without logical types gets none."""
    value = _decoded(encoded, writer, reader)
    return "logicalType" in json.dumps(reader) or not any(isinstance(leaf, date | datetime | UUID) for leaf in _leaves(value))


def _decoded(encoded: bytes, writer: Schema, reader: Schema) -> Any:
    buffer = BytesIO(encoded)
    value = schemaless_reader(buffer, writer, reader)
    if buffer.tell() != len(encoded):
        raise ValueError("bytes after the record")
    return value


def _leaves(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            for each in value.values():
                yield from _leaves(each)
        case list():
            for each in value:
                yield from _leaves(each)
        case _:
            yield value


def _as_bytes(value: Any) -> Any:
    """The value with every text that stands for bytes in a default (Avro 1.12: one letter a byte) as bytes."""
    match value:
        case dict():
            return {name: _as_bytes(each) for name, each in value.items()}
        case list():
            return [_as_bytes(each) for each in value]
        case str() if value and set(value) == {"\u00ff"}:
            return value.encode("latin-1")
    return value


def _without(schema: Schema, key: str) -> Schema:
    match schema:
        case dict():
            return {name: _without(value, key) for name, value in schema.items() if name != key}
        case list():
            return [_without(each, key) for each in schema]
    return schema
