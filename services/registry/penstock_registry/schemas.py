"""Schemas and the subjects they stand under: one id for the same schema everywhere, and nothing accepted that breaks a reader."""

import hashlib
from dataclasses import dataclass

from penstock.errors import PenstockError
from penstock.postgres import Connection
from penstock.rpc import NotFound
from penstock_registry.compatibility import LEVELS, InvalidSchema, Level, canonical, default_level, problems
from penstock_registry.ledger import Change, Ledger

SUBJECT_LENGTH_MAX = 400
EVERY_SUBJECT = ""


class Incompatible(PenstockError):
    """A schema that its subject cannot take after those it has."""


class UnknownSubject(NotFound):
    """No schema stands under this subject."""


class UnknownVersion(NotFound):
    """The subject has no such version."""


class UnknownSchema(NotFound):
    """No schema has this id, or the subject does not hold this schema."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema as one version of a subject; `digest` is of its canonical text."""

    version: int
    id: int
    schema: str
    digest: str


class Schemas:
    """What a schema registry keeps; `topic_prefix` is cut from subjects to see which topic they are of."""

    def __init__(self, ledger: Ledger, topic_prefix: str = "") -> None:
        self._ledger = ledger
        self._prefix = topic_prefix

    async def register(self, subject: str, schema: str) -> int:
        """The id of a schema, put under the subject if it is new there. Raises: InvalidSchema; Incompatible."""
        digest = _digest(canonical(schema))
        known = await self.versions(subject)
        if (id := _id_of(digest, known)) is not None:
            return id
        async with self._ledger.change() as change:
            return await self.register_in(change, subject, schema, record=True)

    async def register_in(self, change: Change, subject: str, schema: str, *, record: bool = False) -> int:
        """The same inside a change, which is recorded only when asked for (a change is recorded once)."""
        if not 0 < len(subject) <= SUBJECT_LENGTH_MAX:
            raise InvalidSchema(f"a subject is a text of 1 to {SUBJECT_LENGTH_MAX} characters")
        digest = _digest(canonical(schema))
        known = await self._versions(change.connection, subject)
        if (id := _id_of(digest, known)) is not None:
            return id
        await self._refuse_incompatible(change.connection, subject, schema, known)
        id = await change.connection.fetchval(change.sql["schema_id"], digest)
        if id is None:
            id = await change.connection.fetchval(change.sql["add_schema"], digest, schema)
        version = known[-1].version + 1 if known else 1
        await change.connection.execute(change.sql["add_subject_version"], subject, version, id)
        if record:
            await change.record("schema", {"subject": subject, "version": version, "id": id})
        assert isinstance(id, int)
        return id

    async def check(self, subject: str, schema: str) -> None:
        """Raise InvalidSchema or Incompatible if the subject would not take the schema now."""
        digest = _digest(canonical(schema))
        async with self._ledger.pool.acquire() as connection:
            known = await self._versions(connection, subject)
            if _id_of(digest, known) is None:
                await self._refuse_incompatible(connection, subject, schema, known)

    async def problems(self, subject: str, schema: str, against: list[Registered]) -> list[str]:
        """Why the schema may not follow these versions at the subject's level; empty when it may. Raises: InvalidSchema."""
        canonical(schema)
        async with self._ledger.pool.acquire() as connection:
            level = await self._level(connection, subject)
        return problems(schema, [one.schema for one in against], level)

    async def by_id(self, id: int) -> str:
        """The text of a schema. Raises: UnknownSchema."""
        schema = await self._ledger.pool.fetchval(self._ledger.sql["schema"], id)
        if schema is None:
            raise UnknownSchema(f"no schema has the id {id}")
        return str(schema)

    async def subjects(self) -> list[str]:
        """Every subject, sorted."""
        return [row["subject"] for row in await self._ledger.pool.fetch(self._ledger.sql["all_subjects"])]

    async def versions(self, subject: str) -> list[Registered]:
        """The versions of a subject, oldest first; empty if there is none."""
        async with self._ledger.pool.acquire() as connection:
            return await self._versions(connection, subject)

    async def version(self, subject: str, number: int) -> Registered:
        """One version; -1 is the latest. Raises: UnknownSubject; UnknownVersion."""
        versions = await self.versions(subject)
        if not versions:
            raise UnknownSubject(f"there is no subject {subject}")
        found = versions[-1] if number == -1 else next((one for one in versions if one.version == number), None)
        if found is None:
            raise UnknownVersion(f"{subject} has no version {number}; it has 1 to {versions[-1].version}")
        return found

    async def find(self, subject: str, schema: str) -> Registered:
        """The version that holds this schema. Raises: InvalidSchema; UnknownSubject; UnknownSchema."""
        digest = _digest(canonical(schema))
        versions = await self.versions(subject)
        if not versions:
            raise UnknownSubject(f"there is no subject {subject}")
        for one in versions:
            if one.digest == digest:
                return one
        raise UnknownSchema(f"{subject} does not hold this schema")

    async def level(self, subject: str) -> Level:
        """The level in force: the subject's own, that of every subject, or the default for such a subject."""
        async with self._ledger.pool.acquire() as connection:
            return await self._level(connection, subject)

    async def own_level(self, subject: str) -> Level | None:
        """The level set for exactly this subject, or None."""
        async with self._ledger.pool.acquire() as connection:
            return await self._own_level(connection, subject)

    async def set_level(self, subject: str, level: str) -> None:
        """Set the level of a subject, or of all that have none (empty). Raises: ValueError for an unknown level."""
        if level not in LEVELS:
            raise ValueError(f"{level!r} is not a compatibility level ({', '.join(LEVELS)})")
        async with self._ledger.change() as change:
            await change.connection.execute(change.sql["set_level"], subject, level)
            await change.record("compatibility", {"subject": subject, "level": level})

    async def _refuse_incompatible(self, connection: Connection, subject: str, schema: str, known: list[Registered]) -> None:
        level = await self._level(connection, subject)
        found = problems(schema, [one.schema for one in known], level)
        if found:
            raise Incompatible(f"{subject} takes only what is {level}: {'; '.join(found)}")

    async def _level(self, connection: Connection, subject: str) -> Level:
        own = await self._own_level(connection, subject) or await self._own_level(connection, EVERY_SUBJECT)
        return own or default_level(subject, self._prefix)

    async def _own_level(self, connection: Connection, subject: str) -> Level | None:
        level = await connection.fetchval(self._ledger.sql["level"], subject)
        return next((one for one in LEVELS if one == level), None)

    async def _versions(self, connection: Connection, subject: str) -> list[Registered]:
        return [Registered(**row) for row in await connection.fetch(self._ledger.sql["subject_versions"], subject)]


def _id_of(digest: str, versions: list[Registered]) -> int | None:
    return next((one.id for one in versions if one.digest == digest), None)


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
