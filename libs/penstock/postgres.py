"""PostgreSQL for a service: a pool in the service's own schema, numbered migrations, named queries from .sql files."""

import contextlib
import re
from collections.abc import AsyncIterator, Mapping
from importlib import resources

import asyncpg

from penstock.errors import PenstockError

Connection = asyncpg.Connection | asyncpg.pool.PoolConnectionProxy

POOL_SIZE_MAX = 5
STATEMENT_TIMEOUT_MS = 30_000
LOCK_TIMEOUT_MS = 10_000
IDLE_IN_TRANSACTION_TIMEOUT_MS = 30_000
WEATHER = (
    OSError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut in the middle of an answer
    asyncpg.PostgresConnectionError,
    asyncpg.TransactionRollbackError,
    asyncpg.InsufficientResourcesError,  # its disk is full
    asyncpg.LockNotAvailableError,
    asyncpg.OperatorInterventionError,  # it is told to stop, it crashes, it is starting, a statement took too long
    asyncpg.PostgresSystemError,
)
"""What a database that is away, ill or busy for a while raises: wait and try again (SQLSTATE classes 08, 40, 53, 57, 58 and 55P03)."""


class MigrationError(PenstockError):
    """The tables found are not what the migrations made."""


@contextlib.asynccontextmanager
async def connect(dsn: str, schema: str, package: str) -> AsyncIterator[asyncpg.Pool]:
    """A pool whose search path is `schema`, made and migrated with the .sql files of `package`/migrations.

    Raises: MigrationError if a migration that was applied has changed; OSError or asyncpg errors if the database is away.
    """
    settings = {
        "search_path": f'"{schema}"',  # a prefix may hold a dot
        "statement_timeout": str(STATEMENT_TIMEOUT_MS),
        "lock_timeout": str(LOCK_TIMEOUT_MS),
        "idle_in_transaction_session_timeout": str(IDLE_IN_TRANSACTION_TIMEOUT_MS),
        "application_name": package,
    }
    async with asyncpg.create_pool(dsn, min_size=1, max_size=POOL_SIZE_MAX, server_settings=settings) as pool:
        async with pool.acquire() as connection:
            await migrate(connection, schema, package)
        yield pool


async def migrate(connection: Connection, schema: str, package: str) -> None:
    """Apply the migrations that are new, in order of their numbers; one process at a time (advisory lock). Raises: MigrationError."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtext($1))", f"penstock:{schema}")
        await connection.execute(f'CREATE SCHEMA IF NOT EXISTS "{schema}"')
        await connection.execute("CREATE TABLE IF NOT EXISTS migrations (name text PRIMARY KEY, body text NOT NULL)")
        applied = {row["name"]: row["body"] for row in await connection.fetch("SELECT name, body FROM migrations")}
        for name, body in _migrations(package):
            if name not in applied:
                await connection.execute(body)
                await connection.execute("INSERT INTO migrations VALUES ($1, $2)", name, body)
            elif applied[name] != body:
                raise MigrationError(
                    f"{schema}: migration {name} was applied with another text. Try: a new migration instead of a changed one"
                )


def _migrations(package: str) -> list[tuple[str, str]]:
    folder = resources.files(package) / "migrations"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".sql")), key=lambda file: file.name)
    return [(file.name, file.read_text()) for file in files]


def queries(package: str, file: str = "queries.sql") -> Mapping[str, str]:
    """The named queries of a .sql file: each begins with a line `-- name: <name>`.

    >>> sorted(split_queries("-- name: one\\nSELECT 1;\\n-- name: two\\nSELECT 2;"))
    ['one', 'two']
    """
    return split_queries((resources.files(package) / file).read_text())


def split_queries(text: str) -> Mapping[str, str]:
    """The queries of a text by name."""
    parts = re.split(r"^-- name: *(\w+)[^\n]*\n", text, flags=re.MULTILINE)
    return {name: body.strip() for name, body in zip(parts[1::2], parts[2::2], strict=True)}
