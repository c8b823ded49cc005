"""How the registry changes: one writer at a time, and every change with its audit row and outbox rows in one transaction."""

import contextlib
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from penstock.invariants.audit import GENESIS, AuditChain, AuditRow, link
from penstock.postgres import Connection
from penstock.spec.specification import canonical

CHANGED = "penstock_registry_changed"
"""PostgreSQL notifies this channel when a change is committed that others must hear of."""
AUDIT_PAGE_ROWS = 10_000

Queries = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of the registry as it now stands; readers keep the highest revision of a (kind, name)."""

    kind: str
    name: str
    revision: int
    body: Mapping[str, Any] | str

    @property
    def text(self) -> str:
        """The body as it is told."""
        return self.body if isinstance(self.body, str) else canonical(self.body)


@dataclass(frozen=True, slots=True)
class Change:
    """A transaction that holds the registry's lock. `sequence` numbers it: it becomes the number of its audit row."""

    connection: Connection
    sql: Queries
    sequence: int
    previous: bytes
    at_ms: int

    async def record(self, action: str, what: Mapping[str, Any], entries: tuple[Entry, ...] = ()) -> None:
        """Write the audit row, and an outbox row for each entry; once per change."""
        body = canonical({"action": action, "at_ms": self.at_ms, "sequence": self.sequence, **what})
        await self.connection.execute(self.sql["add_audit"], self.sequence, body, link(self.previous, body))
        for entry in entries:
            await self.connection.execute(self.sql["add_outbox"], entry.kind, entry.name, entry.revision, self.at_ms, entry.text)
        if entries:
            await self.connection.execute("SELECT pg_notify($1, '')", CHANGED)


class Ledger:
    """Opens changes on a pool."""

    def __init__(self, pool: asyncpg.Pool, sql: Queries) -> None:
        self.pool = pool
        self.sql = sql

    @contextlib.asynccontextmanager
    async def change(self) -> AsyncIterator[Change]:
        """A change; what is read inside is what stands, since there is one writer at a time. Rolled back when the body raises.

        The lock makes the order of the outbox the order of the commits, and keeps the audit chain whole.
        """
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(self.sql["lock"])
            last = await connection.fetchrow(self.sql["last_audit"])
            sequence, previous = (last["sequence"] + 1, last["hash"]) if last else (1, GENESIS)
            yield Change(connection, self.sql, sequence, previous, int(time.time() * 1000))

    async def audit(self, after: int = 0) -> AsyncIterator[AuditRow]:
        """The audit log in order, from the row after this one on."""
        while page := await self.pool.fetch(self.sql["audit_from"], after, AUDIT_PAGE_ROWS):
            for row in page:
                yield AuditRow(row["sequence"], row["body"], row["hash"])
            after = page[-1]["sequence"]

    async def broken_at(self) -> int | None:
        """The sequence number at which the audit chain breaks; None when all of it holds."""
        chain = AuditChain()
        async for row in self.audit():
            chain.add(row)
        return chain.broken_at
