"""The store of online values: the newest features of every entity, in PostgreSQL."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import asyncpg
from msgspec import json

from penstock.postgres import queries
from penstock_feature_store.value import OnlineValue, coalesce


class OnlineStore:
    """Writes and reads online values. Raises: whatever asyncpg raises."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries: Mapping[str, str] = queries("penstock_feature_store")

    async def write(self, values: Iterable[OnlineValue]) -> None:
        """Store the newest value of every entity; one statement, rows in one order for all writers (no deadlock)."""
        newest = sorted(coalesce(values).items())
        if not newest:
            return
        rows = [(view, entity, value.event_time_ms, json.encode(value.features).decode()) for (view, entity), value in newest]
        await self._pool.execute(self._queries["write"], *(list(column) for column in zip(*rows, strict=True)))

    async def read(self, view: str, entities: Sequence[str]) -> dict[str, tuple[int, dict[str, Any]]]:
        """Event time in ms and features, by entity; entities that were never seen are absent."""
        rows = await self._pool.fetch(self._queries["read"], view, list(entities))
        return {row["entity"]: (row["event_time_ms"], json.decode(row["features"])) for row in rows}
