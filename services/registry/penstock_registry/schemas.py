"""Schemas and the subjects they stand under: one id for the same schema everywhere, and nothing accepted that breaks a reader."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from penstock.errors import PenstockError
from penstock.postgres import Connection
from penstock.rpc import NotFound
from penstock_registry.compatibility import LEVELS, InvalidSchema, Level, canonical, check_new, default_level, problems
from penstock_registry.ledger import Change, Entry, Ledger
from penstock_registry.schema_log import digest_of, schema_entry, subject_entry

SUBJECT_LENGTH_MAX = 400
EVERY_SUBJECT = ""
LATEST = -1

Compared = tuple[Level, tuple[str, ...]]
"""What a schema was compared with: the level, and the digests of the subject's versions."""


class Incompatible(PenstockError):
    """A schema that its subject cannot take after those it has."""


class UnknownSubject(NotFound):
    """No schema stands under this subject."""


class UnknownVersion(NotFound):
    """The subject has no such version."""


class UnknownSchema(NotFound):
    """No schema has this id, or the subject does not hold this schema."""


class SubjectDeleted(NotFound):
    """The subject was deleted already; it can be deleted for good."""


class SubjectNotDeleted(NotFound):
    """What is deleted for good must be deleted first."""


class VersionDeleted(NotFound):
    """The version was deleted already; it can be deleted for good."""


class VersionNotDeleted(NotFound):
    """What is deleted for good must be deleted first."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A schema as one version of a subject; `digest` is of its canonical text."""

    version: int
    id: int
    schema: str
    digest: str
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Put:
    """What a registration came to: the schema's id, and what others must hear if anything is new."""

    id: int
    entries: tuple[Entry, ...] = ()


class Schemas:
    """What a schema registry keeps; `topic_prefix` is cut from subjects to see which topic they are of.

    A deleted version is out of sight and out of comparison, but its number stays taken until it is deleted for good. Its id stays for
    ever: the records that were written with it do.
    """

    def __init__(self, ledger: Ledger, topic_prefix: str = "") -> None:
        self._ledger = ledger
        self._prefix = topic_prefix

    async def register(self, subject: str, schema: str, *, normalize: bool = False) -> int:
        """The id of a schema, put under the subject if it is new there; `normalize` keeps its canonical text instead of its own.

        Raises: InvalidSchema; Incompatible.
        """
        digest = digest_of(schema)
        known = await self.versions(subject)
        if (same := _holding(digest, known)) is not None:
            return same.id
        compared = await self.check(subject, schema)  # this can take long, and nobody waits for it
        async with self._ledger.change() as change:
            put = await self.register_in(change, subject, canonical(schema) if normalize else schema, compared)
            if put.entries:
                await change.record("schema", {"subject": subject, "id": put.id}, put.entries)
            return put.id

    async def register_in(self, change: Change, subject: str, schema: str, compared: Compared | None = None) -> Put:
        """The same inside a change that the caller records; what was compared before is compared again only if it has changed."""
        if not 0 < len(subject) <= SUBJECT_LENGTH_MAX:
            raise InvalidSchema(f"a subject is a text of 1 to {SUBJECT_LENGTH_MAX} characters")
        digest = digest_of(schema)
        every = await self._versions(change.connection, subject)
        if (same := _holding(digest, _live(every))) is not None:
            return Put(same.id)
        await self._refuse(change.connection, subject, schema, _live(every), compared)
        id, news = await _identified(change, digest, schema)
        await change.connection.execute(change.sql["add_subject_version"], subject, every[-1].version + 1 if every else 1, id)
        return Put(id, (*news, await subject_entry(change, subject)))

    async def check(self, subject: str, schema: str) -> Compared:
        """What the schema was compared with. Raises: InvalidSchema or Incompatible if the subject would not take it now."""
        digest = digest_of(schema)
        async with self._ledger.pool.acquire() as connection:
            known = _live(await self._versions(connection, subject))
            level = await self._level(connection, subject)
        if _holding(digest, known) is None:
            await self._compare(subject, schema, known, level)
        return level, tuple(one.digest for one in known)

    async def problems(self, subject: str, schema: str, number: int | None) -> list[str]:
        """Why the schema may not follow this version, or all that its level compares with (None); empty when it may.

        Nothing is refused by a subject that has nothing. Raises: InvalidSchema; UnknownSubject; UnknownVersion.
        """
        check_new(subject, schema, self._prefix)
        known = await self.versions(subject)
        if number is not None and (known or number != LATEST):
            known = [await self.version(subject, number)]
        return await asyncio.to_thread(problems, schema, [one.schema for one in known], await self.level(subject))

    async def by_id(self, id: int) -> str:
        """The text of a schema. Raises: UnknownSchema."""
        schema = await self._ledger.pool.fetchval(self._ledger.sql["schema"], id)
        if schema is None:
            raise UnknownSchema(f"no schema has the id {id}")
        return str(schema)

    async def uses(self, id: int, *, deleted: bool = False) -> list[tuple[str, int]]:
        """Subject and version of every use of a schema. Raises: UnknownSchema."""
        await self.by_id(id)
        rows = await self._ledger.pool.fetch(self._ledger.sql["schema_uses"], id)
        return [(row["subject"], row["version"]) for row in rows if deleted or not row["deleted"]]

    async def subjects(self, *, deleted: bool = False) -> list[str]:
        """Every subject, sorted; with those that have nothing but deleted versions if asked for."""
        rows = await self._ledger.pool.fetch(self._ledger.sql["all_subjects"])
        return [row["subject"] for row in rows if deleted or not row["deleted"]]

    async def versions(self, subject: str, *, deleted: bool = False) -> list[Registered]:
        """The versions of a subject, oldest first; empty if there is none."""
        async with self._ledger.pool.acquire() as connection:
            found = await self._versions(connection, subject)
        return found if deleted else _live(found)

    async def version(self, subject: str, number: int, *, deleted: bool = False) -> Registered:
        """One version; -1 is the latest. Raises: UnknownSubject; UnknownVersion."""
        return _numbered(subject, number, await self.versions(subject, deleted=deleted))

    async def find(self, subject: str, schema: str, *, deleted: bool = False) -> Registered:
        """The newest version that holds this schema. Raises: InvalidSchema; UnknownSubject; UnknownSchema."""
        digest = digest_of(schema)
        versions = await self.versions(subject, deleted=deleted)
        if not versions:
            raise UnknownSubject(f"there is no subject {subject}")
        if (found := _holding(digest, versions)) is None:
            raise UnknownSchema(f"{subject} does not hold this schema")
        return found

    async def delete_subject(self, subject: str, *, permanent: bool) -> list[int]:
        """Delete a subject with its level, or for good what was deleted before; the numbers of the versions.

        Raises: UnknownSubject; SubjectDeleted; SubjectNotDeleted.
        """
        async with self._ledger.change() as change:
            every = await self._versions(change.connection, subject)
            live = _live(every)
            if not every:
                raise UnknownSubject(f"there is no subject {subject}")
            if permanent and live:
                raise SubjectNotDeleted(f"{subject} was not deleted first. Try: the same without permanent=true, then again with it")
            if not permanent and not live:
                raise SubjectDeleted(f"{subject} was deleted before. Try: permanent=true, to delete it for good")
            numbers = [one.version for one in (every if permanent else live)]
            await change.connection.execute(change.sql["forget_level"], subject)
            await _delete(change, subject, numbers, permanent=permanent)
        return numbers

    async def delete_version(self, subject: str, number: int, *, permanent: bool) -> int:
        """Delete a version, or for good one that was deleted before; its number.

        Raises: UnknownSubject; UnknownVersion; VersionDeleted; VersionNotDeleted.
        """
        async with self._ledger.change() as change:
            every = await self._versions(change.connection, subject)
            one = _numbered(subject, number, (number == LATEST and not permanent and _live(every)) or every)
            if permanent and not one.deleted:
                raise VersionNotDeleted(f"version {one.version} of {subject} was not deleted first. Try: the same without permanent=true")
            if not permanent and one.deleted:
                raise VersionDeleted(f"version {one.version} of {subject} was deleted before. Try: permanent=true, to delete it for good")
            await _delete(change, subject, [one.version], permanent=permanent)
        return one.version

    async def level(self, subject: str) -> Level:
        """The level in force: the subject's own, that of every subject, or the default for such a subject."""
        async with self._ledger.pool.acquire() as connection:
            return await self._level(connection, subject)

    async def own_level(self, subject: str) -> Level | None:
        """The level set for exactly this subject, or None."""
        async with self._ledger.pool.acquire() as connection:
            return await self._own_level(connection, subject)

    async def set_level(self, subject: str, level: str | None) -> None:
        """Set the level of a subject, or of all that have none (empty); None takes it back. Raises: ValueError for an unknown level."""
        if level is not None and level not in LEVELS:
            raise ValueError(f"{level!r} is not a compatibility level ({', '.join(LEVELS)})")
        async with self._ledger.change() as change:
            if level is None:
                await change.connection.execute(change.sql["forget_level"], subject)
            else:
                await change.connection.execute(change.sql["set_level"], subject, level)
            await change.record("compatibility", {"subject": subject, "level": level}, (await subject_entry(change, subject),))

    async def _refuse(
        self, connection: Connection, subject: str, schema: str, known: Sequence[Registered], compared: Compared | None
    ) -> None:
        level = await self._level(connection, subject)
        if compared != (level, tuple(one.digest for one in known)):
            await self._compare(subject, schema, known, level)

    async def _compare(self, subject: str, schema: str, known: Sequence[Registered], level: Level) -> None:
        check_new(subject, schema, self._prefix)
        found = await asyncio.to_thread(problems, schema, [one.schema for one in known], level)
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


async def _identified(change: Change, digest: str, schema: str) -> tuple[int, tuple[Entry, ...]]:
    """The id of a schema, and the news of it if it has just been given."""
    if (known := await change.connection.fetchval(change.sql["schema_id"], digest)) is not None:
        return int(known), ()
    id = int(await change.connection.fetchval(change.sql["add_schema"], digest, schema))
    return id, (schema_entry(id, schema),)


async def _delete(change: Change, subject: str, numbers: list[int], *, permanent: bool) -> None:
    await change.connection.execute(change.sql["forget_versions" if permanent else "delete_versions"], subject, numbers)
    what = {"subject": subject, "versions": numbers, "permanent": permanent}
    await change.record("schema_deleted", what, (await subject_entry(change, subject),))


def _numbered(subject: str, number: int, versions: Sequence[Registered]) -> Registered:
    if not versions:
        raise UnknownSubject(f"there is no subject {subject}")
    found = versions[-1] if number == LATEST else next((one for one in versions if one.version == number), None)
    if found is None:
        raise UnknownVersion(f"{subject} has no version {number}; it has {', '.join(str(one.version) for one in versions[-20:])}")
    return found


def _live(versions: Sequence[Registered]) -> list[Registered]:
    return [one for one in versions if not one.deleted]


def _holding(digest: str, versions: Sequence[Registered]) -> Registered | None:
    return next((one for one in reversed(versions) if one.digest == digest), None)
