import contextlib
from collections.abc import AsyncIterator, Sequence

import asyncpg
import pytest

from penstock.catalogue import Catalogue
from penstock.records import Wire, platform_schema
from penstock.records.schemas import HttpSchemaRegistry, MemorySchemaRegistry
from penstock.settings import Settings
from penstock_registry.ledger import Entry, Ledger
from penstock_registry.outbox import Outbox
from tests.integration.registry.running import Running, checkpoint, free_ports, proposal, serving, spec_json
from tests.waiting import until


class Crash(Exception):
    """The process ends here."""


async def change(ledger: Ledger, *names: str) -> None:
    for name in names:
        async with ledger.change() as change:
            await change.record("test", {"name": name}, (Entry("alias", name, change.sequence, {"of": name}),))


async def test_a_crash_between_sending_and_marking_sends_the_same_rows_again_in_order(ledger: Ledger) -> None:
    wire = Wire(MemorySchemaRegistry())
    write = await wire.writer("registry", platform_schema("RegistryEntry"))
    log: list[tuple[str, int]] = []
    crashes = [True, False, False]

    async def send(messages: Sequence[tuple[bytes, bytes]]) -> None:
        log.extend((key.decode(), wire.read(value)[1]["revision"]) for key, value in messages)
        if crashes.pop(0):
            raise Crash

    outbox = Outbox(ledger.pool, ledger.sql, write, send)
    await change(ledger, "a", "b", "a")
    async with ledger.pool.acquire() as connection:
        with pytest.raises(Crash):
            await outbox.publish(connection)
        await change(ledger, "c")
        assert [await outbox.publish(connection) for _ in range(2)] == [4, 0]
    before = [("alias/a", 1), ("alias/b", 2), ("alias/a", 3)]
    assert log == [*before, *before, ("alias/c", 4)]


async def test_a_change_that_is_rolled_back_tells_nobody(ledger: Ledger) -> None:
    async def crash() -> None:
        async with ledger.change() as change:
            await change.record("test", {}, (Entry("alias", "a", 1, {}),))
            raise Crash

    with pytest.raises(Crash):
        await crash()
    assert await ledger.pool.fetchval("SELECT count(*) FROM outbox") == 0
    assert await ledger.pool.fetchval("SELECT count(*) FROM audit") == 0


async def test_what_was_sent_and_superseded_is_dropped(ledger: Ledger) -> None:
    async def send(messages: Sequence[tuple[bytes, bytes]]) -> None:
        assert messages

    write = await Wire(MemorySchemaRegistry()).writer("registry", platform_schema("RegistryEntry"))
    await change(ledger, "a", "a", "b", "a")
    async with ledger.pool.acquire() as connection:
        await Outbox(ledger.pool, ledger.sql, write, send).publish(connection)
    rows = await ledger.pool.fetch("SELECT name, revision FROM outbox ORDER BY sequence")
    assert [tuple(row) for row in rows] == [("b", 3), ("a", 4)]


async def test_the_catalogue_sees_what_the_registry_holds_and_every_later_change(registry: Running) -> None:
    client, settings = registry.client, registry.settings
    await client.apply(spec_json())
    await client.put_checkpoint(checkpoint(1, 100), b"learner")
    async with following(settings) as catalogue:
        await until(lambda: "late@champion" in catalogue.aliases, 30)
        assert {name: version for name, (version, _) in catalogue.streams.items()} == {"flights": 1, "arrivals": 1}
        assert catalogue.models["late"][1].champion == "sgd"
        assert catalogue.checkpoints["late/1"]["metrics"] == {"log_loss": 0.5}
        changes = catalogue.changes()
        await anext(changes)
        await client.put_checkpoint(checkpoint(2, 200, proposal=proposal("better", 1)), b"learner")
        while catalogue.aliases["late@champion"]["version"] != 2:
            await anext(changes)
        assert catalogue.aliases["late@champion"]["revision"] == 2
        assert catalogue.versions["late/2"]["state"] == "live"


async def test_a_registry_topic_that_was_lost_is_written_again(settings: Settings) -> None:
    async with serving(settings) as running:
        await running.client.apply(spec_json())
        async with following(settings) as catalogue:
            await until(lambda: "late" in catalogue.models, 30)
    grpc_port, http_port = free_ports(2)
    elsewhere = settings.model_copy(
        update={
            "topic_prefix": f"{settings.topic_prefix}new.",
            "grpc_port": grpc_port,
            "http_port": http_port,
            "schema_registry_url": f"http://127.0.0.1:{http_port}",
            "registry": f"127.0.0.1:{grpc_port}",
        }
    )
    await _rename_schema(settings, elsewhere)  # the same tables, and an empty Kafka
    async with serving(elsewhere), following(elsewhere) as catalogue:
        await until(lambda: "late" in catalogue.models, 30)


async def _rename_schema(before: Settings, after: Settings) -> None:
    connection = await asyncpg.connect(before.dsn)
    try:
        old, new = (f'"{each.topic_prefix}penstock_registry"' for each in (before, after))
        await connection.execute(f"ALTER SCHEMA {old} RENAME TO {new}")
    finally:
        await connection.close()


@contextlib.asynccontextmanager
async def following(settings: Settings) -> AsyncIterator[Catalogue]:
    async with (
        contextlib.aclosing(HttpSchemaRegistry(settings.schema_registry_url)) as schemas,
        Catalogue(settings.bootstrap, f"{settings.topic_prefix}registry", Wire(schemas)) as catalogue,
    ):
        yield catalogue
