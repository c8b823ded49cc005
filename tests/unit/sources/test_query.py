"""A PostgreSQL query: which columns a stream takes, in which order they are read, and what is never shown."""

from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest

from penstock.errors import PenstockError, UsageError
from penstock.sources.cells import Cell
from penstock.sources.postgres_query import Column, cell_of, check_columns, connected, message_of, named, ordered
from penstock.spec import load

STREAM = load(
    "streams: {sales: {key: shop, id: no, time: at, fields: {no: long, shop: string, at: timestamp, "
    "paid: {type: double, nullable: true}, card: {type: boolean, nullable: true}, note: {type: string, nullable: true}}}}"
).streams["sales"]
COLUMNS = [Column("no", "int8"), Column("shop", "text"), Column("at", "timestamptz"), Column("paid", "numeric")]
SECRET = "hunter2"


@pytest.mark.parametrize(
    ("columns", "by", "said"),
    [
        (COLUMNS, "id", "--by id: the query has no such column (no, shop, at, paid)"),
        ([*COLUMNS, Column("Note!", "text"), Column("note", "text")], "no", "two columns of the query are called note"),
        ([*COLUMNS, Column("weight", "float8")], "weight", "a float8 gives no lasting order"),
        (
            [*COLUMNS, Column("tags", "text[]"), Column("where", "point")],
            "no",
            r"no field can hold tags (text[]), where (point). Try: tags::text",
        ),
        ([*COLUMNS, Column("colour", "text")], "no", "sales has no field for colour"),
        (COLUMNS[:1] + COLUMNS[2:], "no", "sales needs shop, which the query does not give"),
    ],
)
def test_a_query_that_does_not_fit_its_stream_is_refused(columns: list[Column], by: str, said: str) -> None:
    columns = [Column("note", "text") if column.name == "Note!" else column for column in columns]
    with pytest.raises(UsageError) as raised:
        check_columns(columns, by, STREAM)
    assert said in str(raised.value)


def test_the_column_that_orders_need_not_be_a_field() -> None:
    check_columns([*COLUMNS, Column("serial", "int8")], "serial", STREAM)


def test_a_row_becomes_an_event_with_the_types_of_its_fields() -> None:
    at = datetime(2026, 11, 21, 12, tzinfo=UTC)
    cells: dict[str, Cell] = {"no": 7, "shop": "n", "at": at, "paid": Decimal("9.90"), "card": True, "serial": 99}
    message = message_of(cells, STREAM, "run:row")
    assert message.body == b'{"at": 1795262400000, "card": true, "no": 7, "note": null, "paid": 9.9, "shop": "n"}'
    assert (message.stream, message.key, message.time_ms, message.headers) == ("sales", "n", 1_795_262_400_000, [("ce_id", b"run:row")])


def test_a_uuid_is_its_text_and_json_what_it_says() -> None:
    id = UUID("0192d3a4-0000-7000-8000-000000000001")
    assert cell_of(id, "uuid") == str(id)
    assert [cell_of(text, "jsonb") for text in ('"a"', "true", "7", '{"a": 1}')] == ["a", True, 7, '{"a": 1}']


def test_rows_of_the_value_reached_are_read_again_and_texts_are_ordered_by_their_bytes() -> None:
    text = ordered("select 1", 'a"b', [Column('a"b', "text")], begun=True)
    assert '>= $1::text::pg_catalog."text" ORDER BY source."a""b" COLLATE "C"' in text
    assert "$1" not in ordered("select 1", "no", COLUMNS, begun=False)


@pytest.mark.parametrize(
    ("dsn", "environment", "server"),
    [
        (f"postgresql://u:{SECRET}@db.example:5433/shop", {}, "db.example:5433"),
        (f"postgresql://u:{SECRET}@a:1,b:2/shop", {}, "a:1,b:2"),
        ("postgresql://[::1]:5432/shop", {}, "[::1]:5432"),
        (f"postgresql:///shop?host=/run/pg&port=7&password={SECRET}", {}, "/run/pg:7"),
        ("", {"PGHOST": "h", "PGPORT": "8"}, "h:8"),
        ("", {}, "localhost"),
    ],
)
def test_a_place_belongs_to_a_server_and_says_nothing_else_of_the_dsn(dsn: str, environment: dict[str, str], server: str) -> None:
    assert named(dsn, environment) == server


async def reached(dsn: str) -> None:
    named(dsn, {})
    async with connected(dsn):
        pass


@pytest.mark.parametrize("dsn", [f"postgresql://u:{SECRET}/x@db/shop", f"postgresql://u:{SECRET}[@db/shop", f"{SECRET}://db/shop", SECRET])
async def test_a_dsn_that_cannot_be_understood_is_not_shown(dsn: str) -> None:
    with pytest.raises(PenstockError) as raised:
        await reached(dsn)
    assert SECRET not in str(raised.value)
