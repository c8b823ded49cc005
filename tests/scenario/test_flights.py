"""The main job: real flights through all six services, drift, reaction and promotion, and the proof of what was learned."""

from collections.abc import Sequence

import pytest

from examples.flights.summary import chains, counts_add_up
from penstock import codec
from penstock.cli.platform import registry
from penstock.cli.verify import prove
from penstock.learning import present
from penstock.tasks import TASKS
from tests.scenario.flights import Run
from tests.scenario.running import Platform, Read

BINARY = TASKS["binary_classification"]

pytestmark = pytest.mark.timeout(400)  # the first one waits for the stack, the platform and a whole replay

RECOMPUTED_EVERY = 10
CHECKPOINTS_MAX = 10_000


def test_counts_add_up(recorded: Run) -> None:
    assert counts_add_up(recorded.summary), recorded.summary
    assert recorded.summary["predictions"] == 4_000
    assert recorded.summary["pending"] == 0
    assert recorded.summary["expired"] > 0, "cancelled flights have no arrival"


def test_a_drift_leads_to_a_version_that_comes_to_serve_each_step_with_its_cause(recorded: Run) -> None:
    found = chains(recorded.history)
    assert found, recorded.history
    for chain in found:
        drift, reaction, proposal, serve = (chain[kind] for kind in ("drift", "reaction", "proposal", "serve"))
        assert drift["cause"] == reaction["cause"] == proposal["cause"]
        assert drift["cause"].startswith(f"drift:{recorded.model}:")
        assert serve["cause"].startswith(f"serve:{recorded.model}:")
        assert reaction["version"] == proposal["version"] == serve["version"]
        assert drift["position"] <= reaction["position"] < proposal["position"] < serve["position"]


async def test_the_promotion_cites_the_proposal(platform: Platform, recorded: Run) -> None:
    async with registry(platform.folder) as client:
        history = (await client.aliases(recorded.model)).history
    for chain in chains(recorded.history):
        promotion = next(change for change in history if change.version == chain["serve"]["version"])
        assert promotion.cause.startswith(f"proposal:{promotion.version}>")
        assert promotion.cause.endswith(f":{chain['drift']['cause']}")


@pytest.mark.parametrize("reference", ["@champion", "/1"])
async def test_verify_is_equal(platform: Platform, recorded: Run, reference: str) -> None:
    proof = await prove(recorded.model + reference, platform.folder)
    assert proof.equal, proof
    assert proof.records > recorded.summary["predictions"]


async def test_one_champion_at_any_instant(platform: Platform, recorded: Run) -> None:
    async with registry(platform.folder) as client:
        history = (await client.aliases(recorded.model)).history
    assert [change.revision for change in reversed(history)] == list(range(1, len(history) + 1))
    serving = (0, 0)
    for each in await platform.read(f"learning.{recorded.model}"):
        if each.name == "Serve":
            serving = (each.value["version"], each.value["position"])
        elif each.name == "Prediction":
            assert (each.value["version"], each.value["position"]) == serving, "the log says who answers, from where on"
    assert recorded.summary["champion"] == history[0].version == serving[0]


async def test_users_get_the_very_bytes_that_the_log_holds(platform: Platform, recorded: Run) -> None:
    learned = _predictions(await platform.read(f"learning.{recorded.model}"))
    told = _predictions(await platform.read(f"predictions.{recorded.model}"))
    assert [each.record.value for each in told] == [each.record.value for each in learned]
    assert len(told) == recorded.summary["predictions"]


async def test_log_says_what_was_served(platform: Platform, recorded: Run) -> None:
    sample = _predictions(await platform.read(f"learning.{recorded.model}"))[::RECOMPUTED_EVERY]
    async with registry(platform.folder) as client:
        listed = await client.checkpoints(recorded.model, limit=CHECKPOINTS_MAX)
        digests = {(checkpoint.version, checkpoint.position): checkpoint.digest for checkpoint in listed}
        named = {digests[each.value["version"], each.value["position"]] for each in sample}
        learners = {digest: codec.decode(await client.blob(digest)) for digest in named}
    for each in sample:
        learner = learners[digests[each.value["version"], each.value["position"]]]
        assert BINARY.ask(learner, present(each.value["features"])) == each.value["score"]
    assert len(sample) >= 200
    assert len(learners) >= 3, "the sample covers several checkpoints"


def _predictions(records: Sequence[Read]) -> list[Read]:
    return [each for each in records if each.name == "Prediction"]
