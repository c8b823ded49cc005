"""The rows of a PostgreSQL query in the order of one of its columns, each once: a run goes on behind what the runs before it have sent."""

import asyncio
import contextlib
import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import asyncpg

from penstock.errors import PenstockError, UsageError
from penstock.postgres import WEATHER
from penstock.replay import Message
from penstock.sources.cells import Cell, fit_value, text_of
from penstock.sources.place import Place
from penstock.spec.rows import event_of
from penstock.spec.stream import Stream
from penstock.spec.values import field_name

BATCH_ROWS = 1_000
CONNECT_TIMEOUT_S = 15.0
TEXTS = ("text", "varchar", "uuid", "name", "bpchar")
ORDERS = ("int2", "int4", "int8", "numeric", "date", "timestamp", "timestamptz", "text", "varchar", "uuid")
TYPES = (*ORDERS, *TEXTS, "bool", "float4", "float8", "json", "jsonb")
ENDLESS = ("infinity", "-infinity", "Infinity", "-Infinity", "NaN")
SESSION = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL idle_in_transaction_session_timeout = 0"
ADDRESS = re.compile(r"(\[[0-9a-fA-F:.%]+\]|[A-Za-z0-9._-]*)(:[0-9]+)?(,|$)")


class Column(NamedTuple):
    """A column of the query's answer: its name and PostgreSQL's name for its type."""

    name: str
    type: str


@dataclass(slots=True)
class Query:
    """The rows of `text` as events of a stream, in the order of the column `by`, from `place` on; `limit` rows (0: all).

    With `follow_s` it is read again and again, with so many seconds between. Nobody knows how many rows there are.
    """

    connection: asyncpg.Connection
    text: str
    by: str
    stream: Stream
    place: Place
    limit: int = 0
    follow_s: float = 0.0
    done: int = field(default=0, init=False)

    @property
    def total(self) -> int | None:
        return self.limit or None

    async def check(self) -> None:
        """Whether it can be read at all. Raises: UsageError for a query that PostgreSQL or the stream refuses; PenstockError."""
        with _told():
            async with self.connection.transaction(readonly=True):
                await self._columns()

    async def messages(self) -> AsyncIterator[Message]:
        """See Reader. Raises: see check."""
        while True:
            async with aclosing(self._read()) as messages:
                async for message in messages:
                    yield message
                    self.done += 1
                    if self.done == self.limit:
                        return
            if not self.follow_s:
                return
            self.place.found.clear()  # what was not met is not in the table any more
            await asyncio.sleep(self.follow_s)

    async def _read(self) -> AsyncGenerator[Message]:
        """One reading: a cursor over one state of the database, so many rows in memory at once."""
        with _told():
            async with self.connection.transaction(isolation="repeatable_read", readonly=True):
                await self.connection.execute(SESSION)
                columns = await self._columns()
                first = self.place.again()
                statement = ordered(self.text, self.by, columns, begun=first is not None)
                async for row in self.connection.cursor(statement, *([] if first is None else [first]), prefetch=BATCH_ROWS):
                    if message := self._message(columns, list(row)):
                        yield message

    async def _columns(self) -> list[Column]:
        statement = await self.connection.prepare(f"SELECT source.* FROM (\n{_inside(self.text)}\n) AS source")  # noqa: S608  # the user's own
        if statement.get_parameters():
            raise UsageError("the query has parameters ($1), and nobody gives them values. Try: the values in their places")
        columns = [Column(each.name, each.type.name) for each in statement.get_attributes()]
        check_columns(columns, self.by, self.stream)
        return columns

    def _message(self, columns: Sequence[Column], row: list[Any]) -> Message | None:
        *values, place = row
        if place in ENDLESS:
            raise PenstockError(f"{self.by} is {place} in a row, and nothing comes behind it. Try: a query without such rows")
        cells = {column.name: cell_of(value, column.type) for column, value in zip(columns, values, strict=True)}
        id = self.place.take(plain(place), [text_of(cell) for cell in cells.values()])
        return None if id is None else message_of(cells, self.stream, id)


def message_of(cells: Mapping[str, Cell], stream: Stream, id: str) -> Message:
    """The event of one row."""
    event = event_of({field_name(name): cell for name, cell in cells.items() if cell is not None}, stream, fit_value)
    time = event.get(stream.time) if stream.time else None
    time_ms = time if isinstance(time, int) else None
    return Message(stream.name, str(event[stream.key]), json.dumps(event).encode(), time_ms, [("ce_id", id.encode())])


def ordered(text: str, by: str, columns: Sequence[Column], *, begun: bool) -> str:
    """The statement that reads a query in its order, and the column's value as text last; from $1 on if there is one.

    >>> print(ordered("select * from halls;", "at", [Column("at", "timestamptz")], begun=True))
    SELECT source.*, source."at"::text FROM (
    select * from halls
    ) AS source WHERE source."at" IS NOT NULL AND source."at" >= $1::text::pg_catalog."timestamptz" ORDER BY source."at"
    """
    type = next(column.type for column in columns if column.name == by)
    quoted = '"{}"'.format(by.replace('"', '""'))
    column = f"source.{quoted}" + (' COLLATE "C"' if type in ("text", "varchar") else "")  # equal means the same bytes
    rest = f' AND {column} >= $1::text::pg_catalog."{type}"' if begun else ""
    rows = f"SELECT source.*, source.{quoted}::text FROM (\n{_inside(text)}\n) AS source"  # noqa: S608  # the query is the user's own
    return f"{rows} WHERE source.{quoted} IS NOT NULL{rest} ORDER BY {column}"


def check_columns(columns: Sequence[Column], by: str, stream: Stream) -> None:
    """Every column has its field, every field that must be there its column, and `by` orders. Raises: UsageError."""
    names = [column.name for column in columns]
    fields = [field_name(name) for name in names]
    if twice := sorted({field for field in fields if fields.count(field) > 1}):
        raise UsageError(f"two columns of the query are called {', '.join(twice)}. Try: … AS another_name")
    if by not in names:
        raise UsageError(f"--by {by}: the query has no such column ({', '.join(names)}). Try: --by {names[0] if names else 'COLUMN'}")
    if (type := columns[names.index(by)].type) not in ORDERS:
        raise UsageError(f"--by {by}: a {type} gives no lasting order. Try: a column that only grows, such as a serial number")
    if unfit := [f"{column.name} ({column.type})" for column in columns if column.type not in TYPES]:
        raise UsageError(f"no field can hold {', '.join(unfit)}. Try: {unfit[0].partition(' ')[0]}::text, or leave it out")
    if extra := [name for name, own in zip(names, fields, strict=True) if own not in stream.fields and name != by]:
        raise UsageError(f"{stream.name} has no field for {', '.join(extra)}. Try: leave it out, or penstock apply with the field")
    needed = [name for name, declared in stream.fields.items() if not declared.nullable and declared.default is None]
    if missing := [name for name in needed if name not in fields]:
        raise UsageError(f"{stream.name} needs {', '.join(missing)}, which the query does not give. Try: … AS {missing[0]}")


def cell_of(value: Any, type: str) -> Cell:
    """A value as asyncpg gives it, as a cell: a JSON text, number or truth value is that, other JSON is its text.

    >>> cell_of('"hall"', "jsonb"), cell_of("[1, 2]", "json"), cell_of("1.5", "jsonb"), cell_of("null", "json")
    ('hall', '[1, 2]', 1.5, None)
    """
    if value is None:
        return None
    if type in ("json", "jsonb"):
        content = json.loads(value)
        return str(value) if isinstance(content, list | dict) else content
    return str(value) if type in TEXTS else value


def plain(number: str) -> str:
    """Equal decimals as the same text; other text as it is.

    >>> plain("1.50"), plain("10"), plain("3.000"), plain("2026-11-21 00:00:00.5+00")
    ('1.5', '10', '3', '2026-11-21 00:00:00.5+00')
    """
    return number.rstrip("0").rstrip(".") if re.fullmatch(r"-?\d+\.\d+", number) else number


def named(dsn: str, environment: Mapping[str, str]) -> str:
    """Which server a DSN means, for the place of a query: its hosts and ports, nothing else. Raises: UsageError.

    >>> named("postgresql://me:secret@db:5433/shop", {}), named("", {"PGHOST": "db"})
    ('db:5433', 'db')
    """
    try:
        parts = urlsplit(dsn)
        asked = parse_qs(parts.query)
    except ValueError:
        raise _unreadable() from None
    hosts = parts.netloc.rpartition("@")[2]
    if "".join(match.group() for match in ADDRESS.finditer(hosts)) != hosts:
        raise _unreadable()
    host = hosts or ",".join(asked.get("host", ())) or environment.get("PGHOST", "localhost")
    port = ",".join(asked.get("port", ())) or ("" if hosts else environment.get("PGPORT", ""))
    return f"{host}:{port}" if port else host


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection; without a DSN libpq's variables (PGHOST, …) say where. Raises: PenstockError; it never shows the password."""
    try:
        connection = await asyncpg.connect(dsn or None, timeout=CONNECT_TIMEOUT_S, statement_cache_size=0)
    except asyncpg.PostgresError as error:
        raise PenstockError(f"the database refuses: {error}. Try: --dsn, or PGHOST, PGUSER, PGPASSWORD and PGDATABASE") from None
    except OSError as error:
        raise PenstockError(f"the database does not answer: {error.strerror or 'time is up'}. Try: --dsn, or PGHOST and PGPORT") from None
    except (ValueError, asyncpg.InterfaceError):
        raise _unreadable() from None
    try:
        yield connection
    finally:
        await connection.close(timeout=CONNECT_TIMEOUT_S)


async def database(connection: asyncpg.Connection) -> str:
    """The name of the database."""
    return str(await connection.fetchval("SELECT current_database()"))


def _inside(text: str) -> str:
    return text.strip().removesuffix(";")


@contextlib.contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except WEATHER as error:
        raise PenstockError(f"the database went away: {error!r}. Try: the same command, which goes on behind what was sent") from error
    except asyncpg.PostgresError as error:
        raise UsageError(f"PostgreSQL refuses the query: {error}. Try: the same query in psql, as SELECT … without parameters") from error
    except (ValueError, OverflowError) as error:
        raise PenstockError(f"a value of the query is beyond what can be read: {error}. Try: the column as ::text") from error


def _unreadable() -> UsageError:
    return UsageError(
        "the DSN cannot be understood (it is not shown: it may hold a password). Try: postgresql://user@host:5432/database, and PGPASSWORD"
    )
