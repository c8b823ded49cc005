"""What a writer may write: values that take every branch and every symbol of a schema, and their bytes by the specification alone."""

import struct
from collections.abc import Iterator
from typing import Any

Schema = Any

OF_A_PRIMITIVE: dict[str, tuple[Any, ...]] = {
    "null": (None,),
    "boolean": (True, False),
    "int": (0, -(2**31), 2**31 - 1),
    "long": (0, -(2**63), 2**63 - 1),
    "float": (0.5, -1e30),
    "double": (0.5, -1e300),
    "bytes": (b"", b"text", b"\xff"),
    "string": ("", "Zürich"),
}
DAYS, MILLIS = 20_000, 1_700_000_000_000
OF_A_LOGICAL_TYPE: dict[str, tuple[Any, ...]] = {
    "date": (0, DAYS),
    "timestamp-millis": (0, MILLIS),
    "timestamp-micros": (0, MILLIS * 1000),
    "uuid": ("123e4567-e89b-12d3-a456-426614174000",),
}


def encodings(schema: Schema) -> list[bytes]:
    """Encoded values that together take every branch of every union and every symbol of every enum (Avro 1.12, binary encoding)."""
    return list(dict.fromkeys(_encodings(schema)))


def _encodings(schema: Schema) -> Iterator[bytes]:
    match schema:
        case str():
            yield from (_primitive(schema, value) for value in OF_A_PRIMITIVE[schema])
        case list():
            for index, branch in enumerate(schema):
                yield from (_long(index) + one for one in _encodings(branch))
        case {"type": "record", "fields": fields}:
            yield from _records([list(_encodings(each["type"])) for each in fields])
        case {"type": "enum", "symbols": symbols}:
            yield from (_long(index) for index in range(len(symbols)))
        case {"type": "fixed", "size": size}:
            yield b"\xff" * size
        case {"type": "array", "items": items}:
            yield _long(0)
            yield from (_long(1) + one + _long(0) for one in _encodings(items))
        case {"type": "map", "values": values}:
            yield _long(0)
            yield from (_long(1) + _primitive("string", "key") + one + _long(0) for one in _encodings(values))
        case {"type": type, "logicalType": logical}:
            yield from (_primitive(type, value) for value in OF_A_LOGICAL_TYPE[logical])


def _records(fields: list[list[bytes]]) -> Iterator[bytes]:
    """Each value of each field once, beside the first values of the others."""
    first = [values[0] for values in fields]
    yield b"".join(first)
    for index, values in enumerate(fields):
        for value in values[1:]:
            yield b"".join([*first[:index], value, *first[index + 1 :]])


def _primitive(type: str, value: Any) -> bytes:
    match type:
        case "null":
            return b""
        case "boolean":
            return bytes([value])
        case "float":
            return struct.pack("<f", value)
        case "double":
            return struct.pack("<d", value)
        case "string":
            encoded: bytes = value.encode()
            return _long(len(encoded)) + encoded
        case "bytes":
            return _long(len(value)) + bytes(value)
    return _long(value)


def _long(value: int) -> bytes:
    """A zigzag varint."""
    left, out = (value << 1) ^ (value >> 63), bytearray()
    left &= 2**64 - 1
    while left > 0x7F:
        out.append(left & 0x7F | 0x80)
        left >>= 7
    return bytes([*out, left])
