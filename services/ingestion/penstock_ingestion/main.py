"""Ingestion's composition root: what is waited for, what is served, what runs."""

import contextlib
from collections.abc import AsyncIterator
from functools import partial

from penstock import postgres
from penstock.catalogue import Catalogue
from penstock.fleet import Fleet
from penstock.fold.snapshots import PostgresSnapshots
from penstock.kafka.cluster import opened
from penstock.process import Process, serve_http
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock_ingestion import sender
from penstock_ingestion.framing import Decoder
from penstock_ingestion.gateway import Gateway
from penstock_ingestion.patience import patiently
from penstock_ingestion.units import Units

PACKAGE = "penstock_ingestion"


async def main(process: Process) -> None:
    """Serve until cancelled; ready when the catalogue is known and the gateway answers."""
    settings = process.settings
    async with (
        _snapshots(process) as snapshots,
        opened(settings.bootstrap) as kafka,
        contextlib.aclosing(HttpSchemaRegistry(settings.schema_registry_url)) as schemas,
        sender.opened(settings.bootstrap) as producer,
        Catalogue(settings.bootstrap, process.topic("registry"), wire := Wire(schemas)) as catalogue,
    ):
        gateway = Gateway(partial(process.topic, "events"), producer.send)
        units = Units(process, kafka, snapshots, wire, Decoder(wire), lambda: catalogue.streams)
        fleet = Fleet(units.plans, process.log)
        process.counts.append(fleet.counts)
        await catalogue.ready()
        async with serve_http(gateway.app(), settings.bind, settings.http_port):
            await fleet.follow(_changes(process, catalogue, gateway))


async def _changes(process: Process, catalogue: Catalogue, gateway: Gateway) -> AsyncIterator[None]:
    """The changes of the catalogue. The gateway follows after the fleet, or an old fold would judge what a new contract let in."""
    async for _ in catalogue.changes():
        streams = {name: stream for name, (_, stream) in catalogue.streams.items()}
        yield
        gateway.open(streams)
        process.ready = True


@contextlib.asynccontextmanager
async def _snapshots(process: Process) -> AsyncIterator[PostgresSnapshots]:
    async with contextlib.AsyncExitStack() as stack:
        connect = partial(postgres.connect, process.settings.dsn, PACKAGE, PACKAGE)
        pool = await patiently(process, "PostgreSQL", lambda: stack.enter_async_context(connect()))
        snapshots = PostgresSnapshots(pool)
        await patiently(process, "PostgreSQL", snapshots.create)
        yield snapshots
