"""Ingestion's composition root: a fold per stream, and the gateway."""

import time
from collections.abc import AsyncIterator
from functools import partial

from starlette.applications import Starlette
from starlette.routing import Mount

from penstock.fleet import Fleet
from penstock.framing.decoder import Decoder
from penstock.process import Process, serve_http
from penstock.spec import Stream
from penstock.world import World, open_world
from penstock_ingestion import quality, sender
from penstock_ingestion.admission import Admission
from penstock_ingestion.gateway import Gateway
from penstock_ingestion.units import make_trial, plans, register_schema


async def main(process: Process) -> None:
    """Serve until cancelled; ready when the catalogue is known and the gateway answers."""
    settings = process.settings
    async with open_world(process) as world, sender.opened(settings.bootstrap) as producer:
        fleet = Fleet(partial(plans, world, Decoder(world.wire)), process.log)
        folds = quality.folds_of(fleet)
        trial = make_trial(world, lambda stream: quality.parked_in(folds(stream)))
        admission = Admission(settings.http_requests_max, settings.http_rate_max)
        gateway = Gateway(partial(process.topic, "events"), producer.send, trial.judge, admission)
        process.counts.append(fleet.counts)
        asked = (partial(_streams, world), folds, _now_ms)
        process.registry.register(quality.FreshnessGauges(*asked))
        app = Starlette(routes=[quality.route(*asked), Mount("/", gateway.app())])
        async with serve_http(app, settings.bind, settings.http_port):
            await fleet.follow(_changes(world, gateway))


async def _changes(world: World, gateway: Gateway) -> AsyncIterator[None]:
    """The changes of the catalogue. Gateway and producers follow after the fleet: no old fold judges what a new contract let in."""
    known: dict[str, Stream] = {}
    async for _ in world.catalogue.changes():
        streams = _streams(world)
        yield
        gateway.open(streams)
        world.process.ready = True
        for name, stream in streams.items():
            if known.get(name) != stream:
                await register_schema(world, stream)
        known = streams


def _streams(world: World) -> dict[str, Stream]:
    return {name: stream for name, (_, stream) in world.catalogue.streams.items()}


def _now_ms() -> int:
    return int(time.time() * 1_000)
