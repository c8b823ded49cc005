"""Ids are for ever: the registry's topic gives them back when the tables have lost them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import resources
from typing import Any

import asyncpg
import httpx
import pytest

from penstock.kafka.cluster import opened
from penstock.settings import Settings
from penstock_registry.kafka import everything
from penstock_registry.main import PACKAGE
from penstock_registry.schema_log import UnreadableLog
from tests.integration.registry.rest import SUBJECT, WIND, field, put, record
from tests.integration.registry.running import serving, spec_json
from tests.waiting import until

TIMEOUT_S = 30.0


@asynccontextmanager
async def asking(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(settings), httpx.AsyncClient(base_url=settings.schema_registry_url, timeout=TIMEOUT_S) as http:
        yield http
        await all_is_told(settings)


async def all_is_told(settings: Settings) -> None:
    """Wait until the topic has everything that the tables have."""

    async def told() -> bool:
        return not await one_value(settings, "SELECT count(*) FROM outbox WHERE NOT sent")

    await until(told, TIMEOUT_S)


async def one_value(settings: Settings, query: str) -> Any:
    connection = await asyncpg.connect(settings.dsn, server_settings={"search_path": f'"{settings.topic_prefix}{PACKAGE}"'})
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


async def everything_said(http: httpx.AsyncClient) -> dict[str, Any]:
    """What a client can know."""
    paths = ("/schemas?deleted=true", "/subjects?deletedOnly=true", f"/config/{SUBJECT}", "/config")
    return {path: (await http.get(path)).json() for path in paths}


async def fill(http: httpx.AsyncClient) -> None:
    """Schemas, a deleted version, a subject that is gone for good, levels."""
    await put(http, SUBJECT, record(field("a")))
    await put(http, SUBJECT, record(field("a"), WIND))
    await put(http, "gone-value", record(WIND))
    await put(http, "orders-value", "int")
    await http.delete(f"/subjects/{SUBJECT}/versions/1")
    await http.delete("/subjects/gone-value")
    await http.delete("/subjects/gone-value?permanent=true")
    await http.put(f"/config/{SUBJECT}", json={"compatibility": "FULL"})
    await http.put("/config", json={"compatibility": "FORWARD"})


async def lose_the_tables(settings: Settings) -> None:
    await one_value(settings, f'DROP SCHEMA "{settings.topic_prefix}{PACKAGE}" CASCADE')


async def test_a_registry_that_lost_its_tables_has_every_id_again_and_gives_none_twice(settings: Settings) -> None:
    async with asking(settings) as http:
        await fill(http)
        before, new = await everything_said(http), await put(http, "new-value", record(field("new")))
    await lose_the_tables(settings)
    async with asking(settings) as http:
        for path in ("/subjects/new-value", "/subjects/new-value?permanent=true"):
            await http.delete(path)
        assert await everything_said(http) == before
        assert (await http.get(f"/schemas/ids/{new}")).status_code == httpx.codes.OK
        assert await put(http, "newer-value", record(field("newer"))) > new
        after = await everything_said(http)
    await lose_the_tables(settings)
    async with asking(settings) as http:
        assert await everything_said(http) == after


async def test_a_registry_whose_tables_are_of_yesterday_gives_no_id_of_today_again(settings: Settings) -> None:
    async with asking(settings) as http:
        await put(http, "a-value", record(field("a")))
        old_id = await put(http, "a-value", record(field("a"), WIND))
    for query in (
        f"DELETE FROM subjects WHERE schema_id = {old_id}",
        f"DELETE FROM schemas WHERE id = {old_id}",
        f"DELETE FROM outbox WHERE (kind, name) IN (('schema', '{old_id}'), ('subject', 'a-value'))",
        f"SELECT setval('schemas_id_seq', {old_id} - 1)",
    ):
        await one_value(settings, query)
    async with asking(settings) as http:
        assert await put(http, "b-value", record(field("b"))) > old_id
        assert (await http.get("/subjects/a-value/versions")).json() == [1, 2]


async def test_what_the_tables_know_newer_than_the_topic_stays(settings: Settings) -> None:
    """A deletion that was not told yet, when the registry went down, is not undone by the log."""
    async with asking(settings) as http:
        await put(http, "a-value", record(field("a")))
    await one_value(settings, "UPDATE subjects SET deleted = true WHERE subject = 'a-value'")
    async with asking(settings) as http:
        assert (await http.get("/subjects?deletedOnly=true")).json() == ["a-value"]


async def test_a_topic_of_another_registry_is_a_loud_stop(settings: Settings) -> None:
    async with asking(settings) as http:
        id = await put(http, "a-value", record(field("a")))
    await one_value(settings, f"UPDATE schemas SET schema = '\"bytes\"', digest = 'other' WHERE id = {id}")
    with pytest.raises(UnreadableLog, match=f"schema {id} is one thing in the registry's tables and another in its topic"):
        async with serving(settings):
            pass


async def make_tables_of_the_first_release(settings: Settings) -> None:
    """Two schemas under a subject with a level, in tables that know of no deletion, beside a topic that knows of no schema."""
    name = "0001_registry.sql"
    first = (resources.files(PACKAGE) / "migrations" / name).read_text()
    schema = f'"{settings.topic_prefix}{PACKAGE}"'
    owner = await asyncpg.connect(settings.dsn, server_settings={"search_path": schema})
    await owner.execute(f"CREATE SCHEMA {schema}; CREATE TABLE migrations (name text PRIMARY KEY, body text NOT NULL)")
    await owner.execute(first)
    await owner.execute("INSERT INTO migrations VALUES ($1, $2)", name, first)
    for version, each in enumerate((record(field("a")), record(field("a"), WIND)), 1):
        await owner.execute("INSERT INTO schemas (digest, schema) VALUES ($1, $2)", f"digest {version}", json.dumps(each))
        await owner.execute("INSERT INTO subjects VALUES ($1, $2, $2)", SUBJECT, version)
    await owner.execute("INSERT INTO compatibility VALUES ($1, 'FULL'), ('', 'FORWARD')", SUBJECT)
    await owner.close()


async def test_what_an_earlier_release_registered_is_told_when_its_tables_are_migrated(settings: Settings) -> None:
    await make_tables_of_the_first_release(settings)
    async with asking(settings) as http:
        before = await everything_said(http)
        assert (await http.get(f"/subjects/{SUBJECT}/versions")).json() == [1, 2]
    await lose_the_tables(settings)
    async with asking(settings) as http:
        assert await everything_said(http) == before


async def test_apply_tells_of_its_schemas_too(settings: Settings) -> None:
    async with serving(settings) as running:
        await running.client.apply(spec_json())
        await all_is_told(settings)
        async with opened(settings.bootstrap) as kafka:
            keys = {record.key for record in await everything(kafka, settings.bootstrap, f"{settings.topic_prefix}registry")}
    assert f"subject/{settings.topic_prefix}validated.flights-penstock.streams.Flights".encode() in keys
    assert b"schema/1" in keys


async def test_digests_of_an_earlier_release_are_renewed_and_ids_stay(settings: Settings) -> None:
    async with asking(settings) as http:
        ids = [await put(http, "a-value", record(field("a"))), await put(http, "a-value", record(field("a"), WIND))]
    await one_value(settings, "UPDATE schemas SET digest = 'of another text ' || id")
    async with asking(settings) as http:
        assert [await put(http, f"{name}-value", record(field("a"), WIND)) for name in ("a", "b")] == [ids[1]] * 2
