"""A URL of another schema registry in the settings replaces ours: its ids stand on the wire, our own rules hold at apply."""

from collections.abc import AsyncIterator
from contextlib import aclosing

import asyncpg
import httpx
import pytest

from penstock import postgres
from penstock.catalogue import Catalogue
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.rpc import Refused
from penstock.settings import Settings
from penstock_registry.ledger import Ledger
from penstock_registry.main import PACKAGE
from tests.integration.registry.rest import put, serving_rest
from tests.integration.registry.running import serving, spec_json
from tests.waiting import until

STRANGERS = 7


@pytest.fixture
async def elsewhere(settings: Settings) -> AsyncIterator[Settings]:
    """Settings whose schema registry is another one, in which others have registered before."""
    async with postgres.connect(settings.dsn, "elsewhere", PACKAGE) as pool, serving_rest(Ledger(pool, postgres.queries(PACKAGE))) as url:
        async with httpx.AsyncClient(base_url=url) as http:
            for number in range(STRANGERS):
                await put(http, f"stranger-{number}", {"type": "fixed", "name": "F", "size": number + 1})
        yield settings.model_copy(update={"schema_registry_url": url})


async def names_read(settings: Settings) -> set[str]:
    """The streams that a service reads from the registry's topic, with the schemas of the registry in its settings."""
    topic = f"{settings.topic_prefix}registry"
    async with (
        aclosing(HttpSchemaRegistry(settings.schema_registry_url)) as schemas,
        Catalogue(settings.bootstrap, topic, Wire(schemas)) as catalogue,
    ):
        await catalogue.ready()
        return set(catalogue.streams)


async def test_what_stands_on_the_wire_has_the_ids_of_the_registry_in_the_settings(elsewhere: Settings) -> None:
    async with serving(elsewhere) as running:
        await running.client.apply(spec_json())

        async def heard() -> bool:
            return await names_read(elsewhere) == {"flights", "arrivals"}

        await until(heard)
    async with httpx.AsyncClient(base_url=elsewhere.schema_registry_url) as http:
        found = await http.get(f"/subjects/{elsewhere.topic_prefix}registry-penstock.RegistryEntry/versions/latest")
    assert found.json()["id"] > STRANGERS


async def test_our_own_rules_hold_at_apply_and_a_lost_table_comes_back_though_the_ids_are_others(elsewhere: Settings) -> None:
    async with serving(elsewhere) as running:
        await running.client.apply(spec_json())

        async def told() -> bool:
            return await names_read(elsewhere) == {"flights", "arrivals"}

        await until(told)
    owner = await asyncpg.connect(elsewhere.dsn)
    await owner.execute(f'DROP SCHEMA "{elsewhere.topic_prefix}{PACKAGE}" CASCADE')
    await owner.close()
    async with serving(elsewhere) as running:
        with pytest.raises(Refused, match="wind"):
            await running.client.apply(spec_json("distance: double}", "distance: double, wind: double}"))
