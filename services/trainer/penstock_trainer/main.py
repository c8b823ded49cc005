"""The trainer's composition root: a fold per model, its agent, its gRPC service."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from penstock.fleet import Fleet, Plan
from penstock.fold.ladder import WITH_LADDER
from penstock.fold.protocol import Effect
from penstock.fold.runner import Runner, Unit
from penstock.kafka.agent import Agent, agents, every
from penstock.kafka.sender import Sender
from penstock.process import Process
from penstock.rpc import NotFound
from penstock.rpc.server import Service, serve_grpc
from penstock.rpc.trainer.v1 import rebuild_pb2, rebuild_pb2_grpc, rewind_pb2, rewind_pb2_grpc, trainer_pb2, trainer_pb2_grpc
from penstock.world import WEATHER, World, as_weather, open_world, patiently
from penstock_trainer import rebuilder, rewinder
from penstock_trainer.agent import Applied, CommandAgent, Ports
from penstock_trainer.checkpoints import CheckpointMade, message
from penstock_trainer.cohort import canonical
from penstock_trainer.drifts import Drifts
from penstock_trainer.fold import TrainerFold
from penstock_trainer.logs import UNIT, LearningLogs
from penstock_trainer.service import TrainerService

RECONCILE_EVERY_S = 1.0


async def main(process: Process) -> None:
    """Serve until cancelled."""
    async with open_world(process, WITH_LADDER) as world, AsyncExitStack() as stack:
        fleet = Fleet(partial(_plans, world), process.log)
        process.counts.append(fleet.counts)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        following = tasks.create_task(fleet.follow(world.catalogue.changes()))
        await fleet.begun()
        drifts = await stack.enter_async_context(Drifts(process.settings.bootstrap, process.topic("drift"), world.wire))
        sender = await stack.enter_async_context(Sender(world.kafka))
        agent = CommandAgent(world.wire, _ports(world, fleet, drifts, sender))
        services = [_service(world, fleet), _rewinder(world, fleet, agent), _rebuilder(world, fleet, agent)]
        await stack.enter_async_context(serve_grpc(services, process.settings.bind, process.settings.grpc_port, WEATHER))
        handlers = [
            Agent("trainer-specs", process.topic("registry"), agent.hint_registry),
            Agent("trainer-drift", process.topic("drift"), agent.hint_drift),
        ]
        await stack.enter_async_context(
            agents(process.prefixed("trainer"), process.settings.bootstrap, handlers, partial(world.bury, sender))
        )
        await stack.enter_async_context(every(RECONCILE_EVERY_S, agent.reconcile, WEATHER))
        process.ready = True
        await following


def _plans(world: World) -> Iterable[Plan]:
    """A unit per model; an apply does not restart it, since the specification comes through the log."""
    return [Plan(UNIT + model, 0, partial(_runner, world, model)) for model in world.catalogue.models]


async def _runner(world: World, model: str) -> Runner:
    logs = LearningLogs(world)
    make = await patiently(world.process.log, lambda: logs.maker(model))
    unit = Unit(UNIT + model, (logs.topic(model),), lambda _: make(), again=partial(logs.demanded, model))
    return world.runner(unit, partial(_deliver, world))


async def _deliver(world: World, effects: Sequence[Effect]) -> None:
    for effect in effects:
        assert isinstance(effect, CheckpointMade)
        with as_weather(f"checkpoint {effect.model}/{effect.version}@{effect.position}"):
            await world.registry.put_checkpoint(message(effect), effect.blob)


def _folds(fleet: Fleet) -> Iterable[TrainerFold]:
    return [fold for _, _, fold in fleet.folds() if isinstance(fold, TrainerFold)]


def _fold_of(fleet: Fleet, model: str) -> TrainerFold | None:
    return next((fold for fold in _folds(fleet) if fold.name == model), None)


def _service(world: World, fleet: Fleet) -> Service:
    servicer = TrainerService(partial(_fold_of, fleet), world.registry, lambda model: fleet.refused.get(UNIT + model))
    return Service(trainer_pb2.DESCRIPTOR.services_by_name["Trainer"], trainer_pb2_grpc.add_TrainerServicer_to_server, servicer)


def _rewinder(world: World, fleet: Fleet, agent: CommandAgent) -> Service:
    logs = LearningLogs(world)
    ports = rewinder.Ports(
        fold_of=partial(_fold_of, fleet),
        append=agent.rewind,
        snapshots=logs.snapshots,
        load=world.snapshots.load,
        read=logs.read,
        make_fold=logs.make_fold,
        resolve=world.resolve,
        wire=world.wire,
        now_ms=_now_ms,
        clock=time.monotonic,
        pause=asyncio.sleep,
    )
    descriptor = rewind_pb2.DESCRIPTOR.services_by_name["Rewinder"]
    return Service(descriptor, rewind_pb2_grpc.add_RewinderServicer_to_server, rewinder.RewindService(ports))


def _rebuilder(world: World, fleet: Fleet, agent: CommandAgent) -> Service:
    async def versions(model: str) -> dict[str, str]:
        return {str(version.version): version.newest.learner for version in await world.registry.versions(model)}

    logs = LearningLogs(world)
    ports = rebuilder.Ports(
        fold_of=partial(_fold_of, fleet),
        refused=lambda: {unit.removeprefix(UNIT): reason for unit, reason in fleet.refused.items()},
        try_again=lambda model: fleet.try_again(UNIT + model),
        append=agent.rebuild,
        demanded=logs.demanded,
        snapshots=logs.snapshots,
        versions=versions,
        end=logs.end,
        read=logs.read,
        make_fold=logs.make_fold,
        resolve=world.resolve,
        now_ms=_now_ms,
        clock=time.monotonic,
        pause=asyncio.sleep,
        runtime=canonical(world.runtime),
    )
    descriptor = rebuild_pb2.DESCRIPTOR.services_by_name["Rebuilder"]
    return Service(descriptor, rebuild_pb2_grpc.add_RebuilderServicer_to_server, rebuilder.RebuildService(ports))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _ports(world: World, fleet: Fleet, drifts: Drifts, sender: Sender) -> Ports:
    async def applied(model: str) -> Applied | None:
        try:
            spec = await world.registry.spec("model", model)
        except NotFound:
            return None
        return Applied(model, spec.version, spec.body, spec.applied_at_ms)

    async def partitions(model: str) -> int:
        return await world.kafka.partitions(world.process.prefixed(f"features.{model}"))

    return Ports(
        send=sender.send,
        writer=world.writer,
        topic=partial(world.process.topic, "learning"),
        live=lambda: [fold for fold in _folds(fleet) if not fold.refolding],  # one that has folded half of its log knows half
        applied=applied,
        partitions=partitions,
        drifts=drifts.all,
        now_s=time.monotonic,
        runtime=canonical(world.runtime),
    )
