"""Schemas on the registry's topic: told after every change, and taken back from there when the tables have lost them."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from fastavro import parse_schema, schemaless_reader

from penstock.errors import PenstockError
from penstock.fold.protocol import Poison, Record
from penstock.records import platform_schema
from penstock.records.wire import HEADER, schema_id
from penstock_registry.compatibility import canonical
from penstock_registry.ledger import Change, Entry, Ledger

SCHEMA, SUBJECT = "schema", "subject"


class UnreadableLog(PenstockError):
    """The registry's topic and its tables contradict each other: to go on could give an id away twice."""


@dataclass(slots=True)
class SchemaLog:
    """What the topic says of schemas: texts by id; revision and body by subject, each at its highest revision."""

    schemas: dict[int, str] = field(default_factory=dict)
    subjects: dict[str, tuple[int, Mapping[str, Any]]] = field(default_factory=dict)

    def take(self, kind: str, name: str, revision: int, body: str) -> None:
        """Keep an entry, if it is of schemas and newer than what is here."""
        if kind == SCHEMA:
            self.schemas[int(name)] = json.loads(body)["schema"]
        elif kind == SUBJECT and revision > self.subjects.get(name, (0, {}))[0]:
            self.subjects[name] = revision, json.loads(body)


def digest_of(schema: str) -> str:
    """SHA-256 of the canonical text: what has one digest is one schema. Raises: InvalidSchema."""
    return hashlib.sha256(canonical(schema).encode()).hexdigest()


def schema_entry(id: int, schema: str) -> Entry:
    """A schema as the topic tells it; it never changes."""
    return Entry(SCHEMA, str(id), 1, {"id": id, "schema": schema})


async def subject_entry(change: Change, subject: str) -> Entry:
    """A subject as it stands inside a change: its own level, and [version, id, deleted] of each version."""
    versions = await change.connection.fetch(change.sql["subject_versions"], subject)
    level = await change.connection.fetchval(change.sql["level"], subject)
    told = await change.connection.fetchval(change.sql["told_revision"], SUBJECT, subject)
    body = {"level": level, "versions": [[one["version"], one["id"], one["deleted"]] for one in versions]}
    return Entry(SUBJECT, subject, max(change.sequence, told + 1), body)


def read_entries(records: Iterable[Record], known: Mapping[int, Any]) -> SchemaLog:
    """What the records of the registry's topic say; `known` are the schemas that the tables still have.

    The schema of the entries themselves may be among those that were lost, so they are read with the platform's own first.
    Raises: UnreadableLog.
    """
    log, own = SchemaLog(), parse_schema(platform_schema("RegistryEntry"))
    for record in records:
        if record.value is not None:
            entry = _entry(record, own, known)
            log.take(entry["kind"], entry["name"], entry["revision"], entry["body"])
    return log


def _entry(record: Record, own: Any, known: Mapping[int, Any]) -> dict[str, Any]:
    reasons = []
    try:
        for schema in filter(None, (own, known.get(schema_id(record.value)))):
            try:
                return _decoded(record.value or b"", parse_schema(schema))
            except Exception as error:  # fastavro raises many kinds
                reasons.append(type(error).__name__)
    except Poison as poison:
        reasons.append(str(poison))
    raise UnreadableLog(
        f"offset {record.offset} of {record.topic} is no registry entry ({', '.join(reasons)}): what it says of schemas is not known, "
        "and an id could be given twice. Try: see who else writes to this topic, or restore it"
    )


def _decoded(value: bytes, schema: Any) -> dict[str, Any]:
    buffer = BytesIO(value)
    buffer.seek(HEADER.size)
    entry = schemaless_reader(buffer, schema, None)
    if buffer.tell() != len(value) or not isinstance(entry, dict):
        raise ValueError("bytes after the entry")
    return entry


async def recover(ledger: Ledger, log: SchemaLog) -> int:
    """Put back what the tables have lost; how many schemas and subjects. Raises: UnreadableLog."""
    async with ledger.change() as change:
        await _renew_digests(change)
        count = await _recover_schemas(change, log.schemas) + await _recover_subjects(change, log.subjects)
        if count:
            await change.connection.execute(change.sql["pass_ids"])
            await change.record("recovered", {"schemas": sorted(log.schemas), "subjects": sorted(log.subjects)})
    return count


async def _renew_digests(change: Change) -> None:
    """Digests that an earlier release made of another canonical text; where two schemas have become one, the older id stays."""
    rows = await change.connection.fetch(change.sql["schemas"])
    taken = {row["digest"] for row in rows}
    for row in rows:
        digest = digest_of(row["schema"])
        if digest not in taken:
            taken.add(digest)
            await change.connection.execute(change.sql["set_digest"], row["id"], digest)


async def _recover_schemas(change: Change, schemas: Mapping[int, str]) -> int:
    rows = await change.connection.fetch(change.sql["schemas"])
    here = {row["id"]: row["schema"] for row in rows}
    for id, schema in schemas.items():
        if id in here and canonical(here[id]) != canonical(schema):
            raise UnreadableLog(
                f"schema {id} is one thing in the registry's tables and another in its topic: this topic is of another registry, or the "
                "tables were begun anew beside it. Try: restore the database, or another topic prefix"
            )
    lost = {id: schema for id, schema in schemas.items() if id not in here}
    for id, schema in lost.items():
        await change.connection.execute(change.sql["put_schema"], id, digest_of(schema), schema)
        await _note_told(change, schema_entry(id, schema))
    return len(lost)


async def _recover_subjects(change: Change, subjects: Mapping[str, tuple[int, Mapping[str, Any]]]) -> int:
    count = 0
    for subject, (revision, body) in subjects.items():
        if revision > await change.connection.fetchval(change.sql["told_revision"], SUBJECT, subject):
            await _recover_subject(change, subject, body)
            await _note_told(change, Entry(SUBJECT, subject, revision, body))
            count += 1
    return count


async def _recover_subject(change: Change, subject: str, body: Mapping[str, Any]) -> None:
    await change.connection.execute(change.sql["forget_subject"], subject)
    await change.connection.execute(change.sql["forget_level"], subject)
    await change.connection.executemany(change.sql["put_subject_version"], [(subject, *version) for version in body["versions"]])
    if body["level"] is not None:
        await change.connection.execute(change.sql["set_level"], subject, body["level"])


async def _note_told(change: Change, entry: Entry) -> None:
    """The topic has said this already, so it waits for nobody; but a topic that is lost in its turn is told again."""
    await change.connection.execute(change.sql["put_told"], entry.kind, entry.name, entry.revision, change.at_ms, entry.text)
