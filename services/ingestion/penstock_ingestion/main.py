"""Ingestion's composition root: a fold per stream, and the gateway."""

from collections.abc import AsyncIterator
from functools import partial

from penstock.fleet import Fleet
from penstock.process import Process, serve_http
from penstock.world import World, open_world
from penstock_ingestion import sender
from penstock_ingestion.gateway import Gateway
from penstock_ingestion.units import plans


async def main(process: Process) -> None:
    """Serve until cancelled; ready when the catalogue is known and the gateway answers."""
    settings = process.settings
    async with open_world(process) as world, sender.opened(settings.bootstrap) as producer:
        gateway = Gateway(partial(process.topic, "events"), producer.send)
        fleet = Fleet(partial(plans, world), process.log)
        process.counts.append(fleet.counts)
        async with serve_http(gateway.app(), settings.bind, settings.http_port):
            await fleet.follow(_changes(world, gateway))


async def _changes(world: World, gateway: Gateway) -> AsyncIterator[None]:
    """The changes of the catalogue. The gateway follows after the fleet, or an old fold would judge what a new contract let in."""
    async for _ in world.catalogue.changes():
        streams = {name: stream for name, (_, stream) in world.catalogue.streams.items()}
        yield
        gateway.open(streams)
        world.process.ready = True
