"""What the deployer fetches must be what a recipe of the model makes."""

import json
from functools import partial

import pytest

from penstock import codec
from penstock.fold.protocol import Missing, Poison
from penstock.rpc.registry.v1 import registry_pb2 as pb
from penstock_deployer.declared import check, resolve
from tests.runtimes import written_by
from tests.tasks import SAMPLES
from tests.unit.deployer.vectors import LEARNER, PREPROCESS, checkpoint, digest

FASTER = {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.5}}}


class Registry:
    """A registry that knows these recipes, oldest first, and these bytes."""

    def __init__(self, learners: list[object], blob: bytes) -> None:
        recipes = [json.dumps({"preprocess": PREPROCESS, "learner": learner}) for learner in learners]
        self._versions = [pb.Version(version=number, newest=pb.Checkpoint(recipe=recipe)) for number, recipe in enumerate(recipes, 1)]
        self.blobs: dict[str, bytes] = {}
        self._blob = blob
        self.errors: list[dict[str, str]] = []

    def error(self, event: str, **fields: str) -> None:
        """The log of the deployer."""
        self.errors.append({"event": event, **fields})

    async def versions(self, model: str) -> list[pb.Version]:
        return self._versions

    async def fetch(self, missing: Missing) -> None:
        if missing.kind == "blob":
            self.blobs[missing.reference] = self._blob


async def _resolved(registry: Registry, reference: str, kind: str = "blob") -> None:
    await partial(resolve, registry.fetch, registry, registry.blobs, "late", registry)(Missing(kind, reference))


async def test_the_bytes_of_any_version_of_the_model_are_kept() -> None:
    blob = checkpoint(20)
    registry = Registry([LEARNER, FASTER], blob)
    await _resolved(registry, digest(blob))
    assert registry.blobs == {digest(blob): blob}


@pytest.mark.parametrize("learners", [[FASTER], ["naive_bayes.GaussianNB"], []], ids=["parameter", "class", "no version"])
async def test_bytes_with_other_parameters_are_poison_and_are_not_kept(learners: list[object]) -> None:
    blob = checkpoint(20)
    registry = Registry(learners, blob)
    with pytest.raises(Poison, match="no recipe of late makes these bytes"):
        await _resolved(registry, digest(blob))
    assert registry.blobs == {}


async def test_bytes_that_are_no_learner_are_poison() -> None:
    registry = Registry([LEARNER], b"not a learner")
    with pytest.raises(Poison, match="not MessagePack"):
        await _resolved(registry, "d")
    assert registry.blobs == {}


async def test_bytes_of_another_river_are_told_with_the_cure_and_left_to_the_fold() -> None:
    blob = written_by("0.1.0", checkpoint(20))
    registry = Registry([LEARNER], blob)
    await _resolved(registry, digest(blob))
    assert registry.blobs == {digest(blob): blob}
    assert [(each["event"], each["cure"]) for each in registry.errors] == [("checkpoint_refused", "penstock rebuild late")]


async def test_a_schema_is_only_fetched() -> None:
    registry = Registry([], b"")
    await _resolved(registry, "7", kind="schema")
    assert registry.blobs == {}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_learner_of_every_task_is_known_by_its_recipe_and_by_no_other(name: str) -> None:
    sample = SAMPLES[name]
    recipes = [json.dumps({"preprocess": sample.preprocess, "learner": learner}) for learner in sample.learners.values()]
    versions = [pb.Version(version=number, newest=pb.Checkpoint(recipe=recipe)) for number, recipe in enumerate(recipes, 1)]
    learner = sample.plain(1)
    for x, y in sample.events(100):
        if name == "anomaly":
            learner.learn_one(x)
        else:
            learner.learn_one(x=x, y=y)
    blob = codec.encode(learner)
    check(blob, "m", versions)
    with pytest.raises(Poison, match="no recipe of m makes these bytes"):
        check(blob, "m", versions[1:])
