"""Aliases: names for versions that move; every move is kept, and the newest is the alias."""

from dataclasses import dataclass
from typing import Any

import asyncpg

from penstock.errors import UsageError
from penstock.rpc import NotFound, Refused
from penstock_registry.ledger import Change, Entry, Ledger
from penstock_registry.promotion import LIVE
from penstock_registry.reference import ALIAS

HISTORY_ROWS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Alias:
    """An alias after one of its moves; `revision` counts the moves of all aliases of the model."""

    model: str
    alias: str
    version: int
    revision: int
    cause: str
    changed_at_ms: int

    @property
    def entry(self) -> Entry:
        """The alias as the topic tells it."""
        body = {name: getattr(self, name) for name in self.__slots__}
        return Entry("alias", f"{self.model}@{self.alias}", self.revision, body)


class Aliases:
    """The aliases of every model."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def set(self, model: str, alias: str, version: int, cause: str) -> Alias:
        """Move an alias to a version that is live; the same cause moves it once.

        Raises: UsageError; NotFound for an unknown version; Refused for a retired one, or a cause that did something else.
        """
        if not ALIAS.fullmatch(alias):
            raise UsageError(f'"{alias}" is not an alias. Try: small letters, digits, - and _, such as champion')
        if not cause:
            raise UsageError("an alias is moved for a cause, which makes the move happen once. Try: a cause such as a ticket's name")
        async with self._ledger.change() as change:
            if (done := await self._done(change, model, alias, version, cause)) is not None:
                return done
            await self._check_live(change, model, version)
            moved = await move(change, model, alias, version, cause)
            await change.record("alias", {"model": model, "alias": alias, "version": version, "cause": cause}, (moved.entry,))
            return moved

    async def get(self, model: str, alias: str) -> Alias | None:
        """The alias as it stands, or None."""
        return _alias(await self._ledger.pool.fetchrow(self._ledger.sql["alias"], model, alias))

    async def current(self, model: str) -> list[Alias]:
        """Every alias of a model, by name."""
        return [Alias(**row) for row in await self._ledger.pool.fetch(self._ledger.sql["aliases"], model)]

    async def history(self, model: str) -> list[Alias]:
        """Every move, newest first."""
        return [Alias(**row) for row in await self._ledger.pool.fetch(self._ledger.sql["alias_history"], model, HISTORY_ROWS_MAX)]

    async def _done(self, change: Change, model: str, alias: str, version: int, cause: str) -> Alias | None:
        done = _alias(await change.connection.fetchrow(change.sql["alias_by_cause"], model, cause))
        if done is not None and (done.alias, done.version) != (alias, version):
            raise Refused(f"the cause {cause} has set {model}@{done.alias} to version {done.version} already. Try: another cause")
        return done

    async def _check_live(self, change: Change, model: str, version: int) -> None:
        row = await change.connection.fetchrow(change.sql["version"], model, version)
        if row is None:
            known = [str(one["version"]) for one in await change.connection.fetch(change.sql["versions"], model)]
            raise NotFound(f"{model} has no version {version}; it has {', '.join(known) or 'none yet'}. Try: penstock show {model}")
        if row["state"] != LIVE:
            raise Refused(f"{model}/{version} is {row['state']}: it learns no more. Try: penstock show {model}, and a version that is live")


async def champion_version(change: Change, model: str, alias: str) -> int:
    """The version that an alias names inside a change; 0 when it is not set."""
    row = await change.connection.fetchrow(change.sql["alias"], model, alias)
    return int(row["version"]) if row else 0


async def move(change: Change, model: str, alias: str, version: int, cause: str) -> Alias:
    """Write one move of an alias; the caller has checked it and records the change."""
    row = await change.connection.fetchrow(change.sql["add_alias"], model, alias, version, cause, change.at_ms)
    assert row is not None
    return Alias(**row)


def _alias(row: asyncpg.Record | Any | None) -> Alias | None:
    return Alias(**row) if row else None
