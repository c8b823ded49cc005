"""The trainer's composition root: a fold per model, its agent, its gRPC service."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from functools import partial

from penstock.fleet import Fleet, Plan
from penstock.fold.ladder import WITH_LADDER
from penstock.fold.protocol import Effect, Refold
from penstock.fold.runner import Runner, Unit
from penstock.kafka.agent import Agent, agents, every
from penstock.kafka.consumer import translated
from penstock.kafka.ports import TopicPartition
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
from penstock_trainer.rebuild import demanded
from penstock_trainer.service import TrainerService

RECONCILE_EVERY_S = 1.0
UNIT = "trainer/"


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
    make = await patiently(world.process.log, lambda: _maker(world, model))
    again = partial(_demanded, world, model)
    unit = Unit(UNIT + model, (world.process.topic("learning", model),), lambda _: make(), again=again)
    return world.runner(unit, partial(_deliver, world))


async def _maker(world: World, model: str, runtime: str | None = None) -> Callable[[], TrainerFold]:
    """How new folds of a model are made: under the runtime of this process, or whatever the log says ("")."""
    runtime = canonical(world.runtime) if runtime is None else runtime
    outcomes = world.process.topic("outcomes", model)
    write_outcome = await world.writer(outcomes, "Outcome")
    return lambda: TrainerFold(model, world.wire, write_outcome, outcomes, runtime)


async def _demanded(world: World, model: str, position: int) -> Refold | None:
    """What a log demands, behind this position, of a fold that cannot go on there. Raises: Weather."""
    topic = world.process.topic("learning", model)
    end = (await world.kafka.bounds(TopicPartition(topic, 0))).end
    with as_weather(f"{topic} cannot be read"), translated(topic):
        return await demanded(world.read_log(topic, min(position, end), end), world.wire, canonical(world.runtime))


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
    async def make_fold(model: str) -> TrainerFold:
        return (await _maker(world, model, runtime=""))()

    ports = rewinder.Ports(
        fold_of=partial(_fold_of, fleet),
        append=agent.rewind,
        snapshots=lambda model: world.snapshots.newest(UNIT + model, 0, 1),
        load=world.snapshots.load,
        read=lambda model, start, end: world.read_log(world.process.topic("learning", model), start, end),
        make_fold=make_fold,
        resolve=world.resolve,
        wire=world.wire,
        now_ms=lambda: time.time_ns() // 1_000_000,
        clock=time.monotonic,
        pause=asyncio.sleep,
    )
    descriptor = rewind_pb2.DESCRIPTOR.services_by_name["Rewinder"]
    return Service(descriptor, rewind_pb2_grpc.add_RewinderServicer_to_server, rewinder.RewindService(ports))


def _rebuilder(world: World, fleet: Fleet, agent: CommandAgent) -> Service:
    def topic(model: str) -> str:
        return world.process.topic("learning", model)

    async def make_fold(model: str) -> TrainerFold:
        return (await _maker(world, model, runtime=""))()

    async def end(model: str) -> int:
        return (await world.kafka.bounds(TopicPartition(topic(model), 0))).end

    async def versions(model: str) -> dict[str, str]:
        return {str(version.version): version.newest.learner for version in await world.registry.versions(model)}

    ports = rebuilder.Ports(
        fold_of=partial(_fold_of, fleet),
        refused=lambda: {unit.removeprefix(UNIT): reason for unit, reason in fleet.refused.items()},
        try_again=lambda model: fleet.try_again(UNIT + model),
        append=agent.rebuild,
        demanded=partial(_demanded, world),
        snapshots=lambda model: world.snapshots.newest(UNIT + model, 0, 1),
        versions=versions,
        end=end,
        read=lambda model, start, end: world.read_log(topic(model), start, end),
        make_fold=make_fold,
        resolve=world.resolve,
        now_ms=lambda: time.time_ns() // 1_000_000,
        clock=time.monotonic,
        pause=asyncio.sleep,
        runtime=canonical(world.runtime),
    )
    descriptor = rebuild_pb2.DESCRIPTOR.services_by_name["Rebuilder"]
    return Service(descriptor, rebuild_pb2_grpc.add_RebuilderServicer_to_server, rebuilder.RebuildService(ports))


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
