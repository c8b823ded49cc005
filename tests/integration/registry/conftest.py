"""A registry service on real Kafka and PostgreSQL: each test has a database, a topic prefix and ports of its own."""

import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from penstock import postgres
from penstock.local.stack import Addresses
from penstock.settings import Settings
from penstock_registry.ledger import Ledger
from penstock_registry.main import PACKAGE
from tests.integration.registry.running import Running, free_ports, serving


@pytest.fixture
async def settings(stack: Addresses) -> AsyncIterator[Settings]:
    name = f"registry_{uuid.uuid4().hex[:12]}"
    owner = await asyncpg.connect(stack.dsn)
    await owner.execute(f"CREATE DATABASE {name}")
    grpc_port, http_port = free_ports(2)
    yield Settings(
        bootstrap=stack.bootstrap,
        dsn=f"{stack.dsn.rpartition('/')[0]}/{name}",
        registry=f"127.0.0.1:{grpc_port}",
        schema_registry_url=f"http://127.0.0.1:{http_port}",
        topic_prefix=f"{name}.",
        grpc_port=grpc_port,
        http_port=http_port,
    )
    await owner.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await owner.close()


@pytest.fixture
async def registry(settings: Settings) -> AsyncIterator[Running]:
    async with serving(settings) as running:
        yield running


@pytest.fixture
async def ledger(settings: Settings) -> AsyncIterator[Ledger]:
    """The registry's tables without the service."""
    async with postgres.connect(settings.dsn, settings.topic_prefix + PACKAGE, PACKAGE) as pool:
        yield Ledger(pool, postgres.queries(PACKAGE))
