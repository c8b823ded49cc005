"""The monitor's composition root: a fold per model, its quality over gRPC and as gauges."""

import json
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from functools import partial

from prometheus_client import REGISTRY

from penstock.fleet import Fleet, Plan
from penstock.fold.runner import Runner, Unit
from penstock.fold.weather import Weather
from penstock.kafka.partition import partition_of
from penstock.patience import WEATHER, patiently
from penstock.process import Process
from penstock.records import Writer
from penstock.rpc.monitor.v1 import monitor_pb2, monitor_pb2_grpc
from penstock.rpc.server import Service, serve_grpc
from penstock.spec import Model
from penstock.world import World, open_world
from penstock_monitor.fold import MonitorFold
from penstock_monitor.service import MonitorService, QualityGauges

UNIT = "monitor/"


async def main(process: Process) -> None:
    """Serve until cancelled."""
    async with open_world(process) as world, AsyncExitStack() as stack:
        fleet = Fleet(partial(_plans, world), process.log)
        process.counts.append(fleet.counts)
        folds = partial(_folds, fleet)
        gauges = QualityGauges(folds)
        REGISTRY.register(gauges)
        stack.callback(REGISTRY.unregister, gauges)
        descriptor = monitor_pb2.DESCRIPTOR.services_by_name["Monitor"]
        service = Service(descriptor, monitor_pb2_grpc.add_MonitorServicer_to_server, MonitorService(folds))
        await stack.enter_async_context(serve_grpc([service], process.settings.bind, process.settings.grpc_port, WEATHER))
        process.ready = True
        await fleet.follow(world.catalogue.changes())


def _plans(world: World) -> Iterator[Plan]:
    """A unit per model; it starts anew only when its detectors change, or the loss that they watch."""
    for name, (_, model) in world.catalogue.models.items():
        version = json.dumps([model.promotion.metric, *[asdict(detector) for detector in model.detectors]], sort_keys=True)
        yield Plan(UNIT + name, version, partial(_runner, world, model))


async def _runner(world: World, model: Model) -> Runner:
    process, topic = world.process, world.process.topic("drift")

    async def output() -> tuple[Writer, int]:
        return await world.writer(topic, "DriftDetected"), await _partition(world, topic, model.name)

    write, partition = await patiently(process.log, output)

    def make_fold(_: int) -> MonitorFold:
        return MonitorFold(model, world.wire, write, topic, partition)

    topics = (process.topic("outcomes", model.name),)
    return world.runner(Unit(UNIT + model.name, topics, make_fold))


async def _partition(world: World, topic: str, model: str) -> int:
    """Where Kafka's own partitioner puts this model. Raises: Weather while the topic is not there."""
    partitions = await world.kafka.partitions(topic)
    if not partitions:
        raise Weather(f"topic {topic} does not exist yet; the registry makes it when it starts")
    return partition_of(model.encode(), partitions)


def _folds(fleet: Fleet) -> Mapping[str, MonitorFold]:
    return {unit.removeprefix(UNIT): fold for unit, _, fold in fleet.folds() if isinstance(fold, MonitorFold)}
