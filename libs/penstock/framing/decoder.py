"""Avro as producers write it: Confluent's framing names a schema by its id, a single object by its fingerprint."""

import asyncio
from typing import Any

from fastavro import parse_schema
from fastavro.schema import fingerprint, to_parsing_canonical_form

from penstock.fold.protocol import Missing, Poison
from penstock.records import Wire
from penstock.records.schemas import Schema
from penstock.records.wire import Known, decode, schema_id

SINGLE_OBJECT = b"\xc3\x01"
SINGLE_HEADER_BYTES = 10
FINGERPRINT = "fingerprint"
ABSENT_S = 1.0
ABSENT_MAX = 1_000

Asked = int | tuple[str, bytes]
"""An id; or a topic, and the fingerprint that a single object on it names."""


class Decoder:
    """Decodes what producers wrote. What no schema has is poison for the record that asked; the next record asks again.

    But the registry is asked for what it has not at most once in ABSENT_S: a producer with a wrong id must not hold up all others.

    A record is decoded with the schema that it was written with, and the contract takes its fields by name: what the stream has since
    gained is absent (its default, or null), what it has lost is dropped, and integers become doubles. That is what Avro's resolution
    against the stream's current schema gives, without its rule that both records have one name.
    """

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._unknown: dict[Asked, Poison] = {}
        self._absent: dict[Asked, tuple[str, float]] = {}  # why, and until when in seconds of the loop; a Poison would hold on to a record
        self._single: dict[tuple[str, bytes], Known] = {}

    def know(self, topic: str, schema: Schema) -> None:
        """Single objects of this schema may stand on the topic, registered or not: it is the one that the specification makes."""
        self._single[topic, fingerprint_of(schema)] = Known(schema["name"], parse_schema(schema), schema)

    def read(self, value: bytes) -> dict[str, Any]:
        """The fields of a framed record. Raises: Missing for a schema to be fetched; Poison."""
        id = schema_id(value)
        if id in self._unknown:
            raise self._unknown.pop(id)
        return self._wire.read(value)[1]

    def read_single(self, topic: str, value: bytes) -> dict[str, Any]:
        """The fields of a single object: 0xC3 0x01, fingerprint, Avro. Raises: Missing for a schema to be found; Poison.

        Source: Avro 1.12, single-object encoding; the fingerprint is CRC-64-AVRO of the parsing canonical form, little-endian.
        """
        if len(value) < SINGLE_HEADER_BYTES:
            raise Poison("undecodable", "a single object ends inside its fingerprint")
        asked = (topic, value[len(SINGLE_OBJECT) : SINGLE_HEADER_BYTES])
        known = self._single.get(asked)
        if known is not None:
            return decode(known, value, SINGLE_HEADER_BYTES)
        if asked in self._unknown:
            raise self._unknown.pop(asked)
        raise Missing(FINGERPRINT, f"{asked[1].hex()} {topic}")

    async def bring(self, missing: Missing) -> None:
        """Bring the schema that a step misses; that there is none is said at the next read, so that the fold counts the record."""
        asked, now_s = _asked(missing), asyncio.get_running_loop().time()
        reason, until_s = self._absent.get(asked, ("", now_s))
        if now_s < until_s:
            self._unknown[asked] = Poison("unknown_schema", reason)
            return
        await (self.fetch(asked) if isinstance(asked, int) else self._find(*asked))
        if asked in self._unknown:
            if len(self._absent) >= ABSENT_MAX:
                self._absent.clear()
            self._absent[asked] = (self._unknown[asked].reason, now_s + ABSENT_S)

    async def fetch(self, id: int) -> None:
        """Bring the schema with this id."""
        try:
            await self._wire.fetch(id)
        except Poison as poison:
            self._unknown[id] = poison

    async def _find(self, topic: str, mark: bytes) -> None:
        """Look through the topic's schemas. Each is fetched by its id too: the wire refuses those that a decoder must never meet."""
        for id, schema in (await self._wire.registered(topic)).items():
            if fingerprint_of(schema) == mark:
                await self.fetch(id)
                if id not in self._unknown:
                    self._single[topic, mark] = self._wire.known(id)
                    return
        self._unknown[topic, mark] = Poison("unknown_schema", f"no schema under {topic}-… has its fingerprint")


def _asked(missing: Missing) -> Asked:
    if missing.kind != FINGERPRINT:
        return int(missing.reference)
    mark, _, topic = missing.reference.partition(" ")
    return topic, bytes.fromhex(mark)


def fingerprint_of(schema: Schema) -> bytes:
    """The 8 bytes that stand for a schema in a single object.

    >>> fingerprint_of("int")[::-1].hex()
    '7275d51a3f395c8f'
    """
    return bytes.fromhex(fingerprint(to_parsing_canonical_form(schema), "CRC-64-AVRO"))
