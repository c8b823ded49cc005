"""The outbox: tells the compacted topic what changed, in the order of the changes, at least once."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Protocol

import asyncpg

from penstock.crashpoint import CrashPoints
from penstock.records import Writer
from penstock_registry.ledger import CHANGED, Queries

ROWS_MAX = 500
POLL_S = 1.0
"""A notification is only a hint: after this time the table is looked at anyway."""

Send = Callable[[Sequence[tuple[bytes, bytes]]], Awaitable[None]]
"""Sends keys and values in order; returns when all are acknowledged."""


class _Row(Protocol):
    def __getitem__(self, name: str, /) -> Any: ...


class Outbox:
    """Publishes what waits in the outbox; one publisher at a time, whoever holds the lock."""

    def __init__(self, pool: asyncpg.Pool, sql: Queries, write: Writer, send: Send, crash_points: CrashPoints | None = None) -> None:
        self._pool = pool
        self._sql = sql
        self._write = write
        self._send = send
        self._crash_points = crash_points or CrashPoints()

    async def run(self) -> None:
        """Publish until cancelled. Raises: what PostgreSQL and Kafka raise when they are away; start it again then."""
        async with self._pool.acquire() as connection:
            while not await connection.fetchval(self._sql["lock_publisher"]):
                await asyncio.sleep(POLL_S)
            async with _notified(connection) as changed:
                while True:
                    changed.clear()
                    if not await self.publish(connection):
                        with contextlib.suppress(TimeoutError):
                            await asyncio.wait_for(changed.wait(), POLL_S)

    async def publish(self, connection: asyncpg.pool.PoolConnectionProxy | asyncpg.Connection) -> int:
        """Send what waits, at most `ROWS_MAX` rows, then mark it as sent; how many rows it was.

        A crash between the two sends the rows again, in the same order: readers keep the highest revision of a key.
        """
        rows = await connection.fetch(self._sql["pending"], ROWS_MAX)
        if rows:
            self._crash_points.reach("outbox.read")
            await self._send([_message(row, self._write) for row in rows])
            self._crash_points.reach("outbox.sent")
            async with connection.transaction():
                await connection.execute(self._sql["mark_sent"], rows[-1]["sequence"])
                await connection.execute(self._sql["drop_superseded"], rows[-1]["sequence"])
                self._crash_points.reach("outbox.marked")
            self._crash_points.reach("outbox.committed")
        return len(rows)


def _message(row: _Row, write: Writer) -> tuple[bytes, bytes]:
    entry = {name: row[name] for name in ("event_time_ms", "kind", "name", "revision", "body")}
    return f"{row['kind']}/{row['name']}".encode(), write(entry)


@contextlib.asynccontextmanager
async def _notified(connection: asyncpg.pool.PoolConnectionProxy) -> AsyncIterator[asyncio.Event]:
    """An event that is set when a change is committed."""
    changed = asyncio.Event()

    def listen(*_: object) -> None:
        changed.set()

    await connection.add_listener(CHANGED, listen)
    try:
        yield changed
    finally:
        with contextlib.suppress(asyncpg.InterfaceError, asyncpg.PostgresError, OSError):  # a dead connection hears nothing anyway
            await connection.remove_listener(CHANGED, listen)
