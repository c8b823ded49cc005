"""The deployer's composition root: a fold per model and partition, and the agent that tells them what serves."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from penstock.fleet import Fleet, Plan
from penstock.fold.runner import Runner, Unit
from penstock.kafka.agent import Agent, agents, every
from penstock.kafka.sender import Sender
from penstock.patience import WEATHER, patiently
from penstock.process import Process
from penstock.records import with_features
from penstock.rpc import NotFound
from penstock.spec import Spec, SpecError
from penstock.spec.avro import feature_fields
from penstock.spec.specification import newest
from penstock.tasks import TASKS
from penstock.world import World, open_world
from penstock_deployer import declared
from penstock_deployer.agent import Live, Ports, ServeAgent
from penstock_deployer.fold import DeployerFold, Topics, Writers

RECONCILE_EVERY_S = 1.0
UNIT = "deployer/"

Fields = list[dict[str, Any]]


async def main(process: Process) -> None:
    """Serve until cancelled."""
    async with open_world(process) as world, AsyncExitStack() as stack:
        fleet = Fleet(partial(_plans, world), process.log)
        process.counts.append(fleet.counts)
        tasks = await stack.enter_async_context(asyncio.TaskGroup())
        following = tasks.create_task(fleet.follow(world.catalogue.changes()))
        await fleet.begun()
        sender = await stack.enter_async_context(Sender(world.kafka))
        agent = ServeAgent(world.wire, _ports(world, fleet, sender))
        handlers = [Agent("deployer-serves", process.topic("registry"), agent.hint)]
        await stack.enter_async_context(
            agents(process.prefixed("deployer"), process.settings.bootstrap, handlers, partial(world.bury, sender))
        )
        await stack.enter_async_context(every(RECONCILE_EVERY_S, agent.reconcile, (*WEATHER, NotFound)))
        process.ready = True
        await following


def _plans(world: World) -> Iterator[Plan]:
    """A unit per model whose view and streams are known; it starts anew only when the features change."""
    catalogue = world.catalogue
    spec = newest(catalogue.streams, catalogue.views, catalogue.models)
    for model in spec.models:
        fields = _fields(spec, model)
        if fields is not None:
            yield Plan(UNIT + model, json.dumps(fields), partial(_runner, world, model, spec.models[model].task, fields))


def _fields(spec: Spec, model: str) -> Fields | None:
    """The features of a model's view; None while a part that they come from is not here yet."""
    try:
        return feature_fields(spec.views[spec.models[model].view], spec)
    except (KeyError, SpecError):  # the parts of a specification come one after the other
        return None


async def _runner(world: World, model: str, task: str, fields: Fields) -> Runner:
    topic = partial(world.process.topic, name=model)
    topics = Topics(topic("predictions"), topic("learning"))
    schema = with_features("Prediction", fields)

    async def writers() -> Writers:
        await world.wire.writer(topics.predictions, schema)  # the same bytes stand on both topics, so both subjects name the schema
        return Writers(await world.wire.writer(topics.learning, schema), await world.writer(topics.learning, "Tick"))

    write = await patiently(world.process.log, writers)

    def make_fold(_: int) -> DeployerFold:
        return DeployerFold(world.wire, write, topics, world.blobs, TASKS[task])

    unit = Unit(UNIT + model, (topic("features"),), make_fold)
    return world.runner(unit, resolve=partial(declared.resolve, world.resolve, world.registry, world.blobs, model, world.process.log))


def _ports(world: World, fleet: Fleet, sender: Sender) -> Ports:
    return Ports(
        ask=world.registry.serving,
        send=sender.send,
        partitions=world.kafka.partitions,
        writer=lambda topic: world.writer(topic, "Serve"),
        topic=partial(world.process.topic, "features"),
        live=partial(_live, fleet),
        now_s=time.monotonic,
    )


def _live(fleet: Fleet) -> Iterator[Live]:
    for unit, partition, fold in fleet.folds():
        if isinstance(fold, DeployerFold):
            yield Live(unit.removeprefix(UNIT), partition, fold.highest)
