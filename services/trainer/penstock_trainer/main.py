"""The trainer's composition root: a fold per model, its agent, its gRPC service."""

import asyncio
import time
from collections.abc import Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from penstock import codec
from penstock.fleet import Fleet, Plan
from penstock.fold.protocol import Effect
from penstock.fold.runner import Runner, Unit
from penstock.kafka.agent import Agent, agents, every
from penstock.kafka.sender import Sender
from penstock.process import Process
from penstock.rpc import NotFound
from penstock.rpc.server import Service, serve_grpc
from penstock.rpc.trainer.v1 import trainer_pb2, trainer_pb2_grpc
from penstock.world import WEATHER, World, as_weather, open_world, patiently
from penstock_trainer.agent import Applied, CommandAgent, Ports
from penstock_trainer.checkpoints import CheckpointMade, message
from penstock_trainer.cohort import canonical
from penstock_trainer.drifts import Drifts
from penstock_trainer.fold import TrainerFold
from penstock_trainer.service import TrainerService

RECONCILE_EVERY_S = 1.0
UNIT = "trainer/"


async def main(process: Process) -> None:
    """Serve until cancelled."""
    async with open_world(process) as world, AsyncExitStack() as stack:
        fleet = Fleet(partial(_plans, world), process.log)
        process.counts.append(fleet.counts)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        following = tasks.create_task(fleet.follow(world.catalogue.changes()))
        await fleet.begun()
        drifts = await stack.enter_async_context(Drifts(process.settings.bootstrap, process.topic("drift"), world.wire))
        sender = await stack.enter_async_context(Sender(world.kafka))
        agent = CommandAgent(world.wire, _ports(world, fleet, drifts, sender))
        await stack.enter_async_context(serve_grpc([_service(world, fleet)], process.settings.bind, process.settings.grpc_port, WEATHER))
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
    topic = partial(world.process.topic, name=model)
    write_outcome = await patiently(world.process.log, lambda: world.writer(topic("outcomes"), "Outcome"))

    def make_fold(_: int) -> TrainerFold:
        return TrainerFold(model, world.wire, write_outcome, topic("outcomes"), canonical(codec.runtime()))

    return world.runner(Unit(UNIT + model, (topic("learning"),), make_fold), partial(_deliver, world))


async def _deliver(world: World, effects: Sequence[Effect]) -> None:
    for effect in effects:
        assert isinstance(effect, CheckpointMade)
        with as_weather(f"checkpoint {effect.model}/{effect.version}@{effect.position}"):
            await world.registry.put_checkpoint(message(effect), effect.blob)


def _folds(fleet: Fleet) -> Iterable[TrainerFold]:
    return [fold for _, _, fold in fleet.folds() if isinstance(fold, TrainerFold)]


def _service(world: World, fleet: Fleet) -> Service:
    servicer = TrainerService(lambda model: next((fold for fold in _folds(fleet) if fold.name == model), None), world.registry)
    return Service(trainer_pb2.DESCRIPTOR.services_by_name["Trainer"], trainer_pb2_grpc.add_TrainerServicer_to_server, servicer)


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
        live=partial(_folds, fleet),
        applied=applied,
        partitions=partitions,
        drifts=drifts.all,
        now_s=time.monotonic,
    )
