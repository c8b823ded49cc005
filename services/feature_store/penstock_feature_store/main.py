"""The feature store's composition root: a fold per view, and online features over gRPC."""

from collections.abc import Iterator, Sequence
from functools import partial

from penstock.fleet import Fleet, Plan
from penstock.fold.limits import Limits
from penstock.fold.protocol import Effect
from penstock.fold.runner import Runner, Unit
from penstock.patience import WEATHER, patiently
from penstock.process import Process
from penstock.rpc.features.v1 import features_pb2, features_pb2_grpc
from penstock.rpc.server import Service, serve_grpc
from penstock.world import World, open_world
from penstock_feature_store.fold import ViewFold
from penstock_feature_store.online import OnlineStore
from penstock_feature_store.plan import make_plan
from penstock_feature_store.service import OnlineFeatures
from penstock_feature_store.units import Wanted, wanted
from penstock_feature_store.value import OnlineValue

LIMITS = Limits(merge_wait_s=2.0)  # in a fast replay hours of event time pass in it: features as of the event time are worth the wait


async def main(process: Process) -> None:
    """Run every view of the catalogue and answer `GetOnline`, until cancelled."""
    async with open_world(process) as world:
        store = OnlineStore(world.pool)
        fleet = Fleet(partial(plans, world, store), process.log)
        process.counts.append(fleet.counts)
        answers = Service(
            features_pb2.DESCRIPTOR.services_by_name["Features"],
            features_pb2_grpc.add_FeaturesServicer_to_server,
            OnlineFeatures(store),
        )
        async with serve_grpc([answers], process.settings.bind, process.settings.grpc_port, WEATHER):
            process.ready = True
            await fleet.follow(world.catalogue.changes())


def plans(world: World, store: OnlineStore) -> Iterator[Plan]:
    """A unit per view that should run now."""
    catalogue = world.catalogue
    for each in wanted(catalogue.streams, catalogue.views, catalogue.models):
        yield Plan(f"feature_store/{each.view}", each.version, partial(make_runner, world, store, each))


async def make_runner(world: World, store: OnlineStore, each: Wanted) -> Runner:
    """The runner of a view; waits for the schema registry, which numbers the schemas of what the view writes."""
    plan = await patiently(world.process.log, lambda: make_plan(each.view, each.spec, world.wire, world.process.topic))
    ViewFold(plan, world.wire)  # parts that do not fit one another (yet) must be refused here: in the runner it would end the service
    unit = Unit(plan.unit, plan.topics, lambda _: ViewFold(plan, world.wire), plan.generation)
    return world.runner(unit, deliver=partial(deliver, store), limits=LIMITS)


async def deliver(store: OnlineStore, effects: Sequence[Effect]) -> None:
    """Write the online values of a round."""
    await store.write(effect for effect in effects if isinstance(effect, OnlineValue))
