"""The deployer's composition root: a fold per model and partition, and the agent that tells them what serves."""

import json
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from penstock.catalogue import Catalogue
from penstock.fleet import Fleet, Plan
from penstock.fold.protocol import Missing, Poison
from penstock.fold.runner import Runner, Unit
from penstock.kafka.agent import Agent, agents, every
from penstock.kafka.sender import Sender
from penstock.process import Process
from penstock.records import with_features
from penstock.rpc import NotFound, Refused
from penstock.spec import Spec
from penstock.spec.avro import feature_fields
from penstock.world import WEATHER, World, open_world, patiently
from penstock_deployer.agent import Live, Ports, ServeAgent
from penstock_deployer.fold import DeployerFold, Topics, Writers

RECONCILE_EVERY_S = 1.0
BLOBS_MAX = 16
UNIT = "deployer/"

Fields = list[dict[str, Any]]


async def main(process: Process) -> None:
    """Serve until cancelled."""
    async with open_world(process) as world, AsyncExitStack() as stack:
        fleet = Fleet(partial(_plans, world), process.log)
        process.counts.append(fleet.counts)
        sender = await stack.enter_async_context(Sender(world.kafka))
        agent = ServeAgent(world.wire, _ports(world, fleet, sender))
        handlers = [Agent("deployer-serves", process.topic("registry"), agent.hint)]
        await stack.enter_async_context(
            agents(process.topic("deployer"), process.settings.bootstrap, handlers, partial(world.bury, sender))
        )
        await stack.enter_async_context(every(RECONCILE_EVERY_S, agent.reconcile, (*WEATHER, NotFound)))
        process.ready = True
        await fleet.follow(world.catalogue.changes())


def _plans(world: World) -> Iterator[Plan]:
    """A unit per model whose view and streams are known; it starts anew only when the features change."""
    spec = _spec(world.catalogue)
    for model in spec.models:
        fields = _fields(spec, model)
        if fields is not None:
            yield Plan(UNIT + model, json.dumps(fields), partial(_runner, world, model, fields))


def _spec(catalogue: Catalogue) -> Spec:
    streams = {name: stream for name, (_, stream) in catalogue.streams.items()}
    views = {name: view for name, (_, view) in catalogue.views.items()}
    return Spec(streams, views, {name: model for name, (_, model) in catalogue.models.items()})


def _fields(spec: Spec, model: str) -> Fields | None:
    """The features of a model's view; None while a part that they come from is not here yet."""
    try:
        return feature_fields(spec.views[spec.models[model].view], spec)
    except KeyError:
        return None


async def _runner(world: World, model: str, fields: Fields) -> Runner:
    topic = partial(world.process.topic, name=model)
    topics = Topics(topic("predictions"), topic("learning"))
    schema = with_features("Prediction", fields)

    async def writers() -> Writers:
        await world.wire.writer(topics.predictions, schema)  # the same bytes stand on both topics, so both subjects name the schema
        return Writers(await world.wire.writer(topics.learning, schema), await world.writer(topics.learning, "Tick"))

    write = await patiently(world.process.log, writers)

    def make_fold(_: int) -> DeployerFold:
        return DeployerFold(world.wire, write, topics, world.blobs)

    unit = Unit(UNIT + model, (topic("features"),), make_fold)
    return world.runner(unit, resolve=partial(_resolve, world))


async def _resolve(world: World, missing: Missing) -> None:
    """Bring a schema or a learner; of the learners the newest few are kept, since a fold decodes its own at once."""
    while len(world.blobs) >= BLOBS_MAX:
        del world.blobs[next(iter(world.blobs))]
    try:
        await world.resolve(missing)
    except (NotFound, Refused) as error:
        raise Poison("unknown_model", str(error)) from error


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
