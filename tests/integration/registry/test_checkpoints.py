import pytest

from penstock.errors import UsageError
from penstock.registry_client import RegistryClient
from penstock.rpc import NotFound, Refused
from penstock.rpc.registry.v1 import registry_pb2 as pb
from penstock_registry.ledger import Ledger
from tests.integration.registry.running import Running, checkpoint, proposal, spec_json

BIG = bytes(range(256)) * 12_000  # over three chunks


async def moves(client: RegistryClient) -> list[tuple[int, int, str]]:
    history = (await client.aliases("late")).history
    return [(alias.revision, alias.version, alias.cause) for alias in reversed(history)]


async def test_the_first_checkpoint_of_a_model_makes_its_version_the_champion(registry: Running) -> None:
    await registry.client.apply(spec_json())
    assert not (await registry.client.serving("late")).found
    await registry.client.put_checkpoint(checkpoint(1, 100), b"learner")
    await registry.client.put_checkpoint(checkpoint(2, 100), b"learner")
    assert await moves(registry.client) == [(1, 1, "first")]


async def test_a_proposal_moves_the_champion_once_however_often_it_comes(registry: Running) -> None:
    await registry.client.apply(spec_json())
    await registry.client.put_checkpoint(checkpoint(1, 100), b"learner")
    better = checkpoint(2, 200, proposal=proposal("better-2", champion=1))
    assert [await registry.client.put_checkpoint(better, b"learner") for _ in range(3)] == [True, True, True]
    assert await moves(registry.client) == [(1, 1, "first"), (2, 2, "better-2")]


async def test_a_proposal_against_a_former_champion_is_refused_and_the_reason_is_kept(registry: Running, ledger: Ledger) -> None:
    await registry.client.apply(spec_json())
    await registry.client.put_checkpoint(checkpoint(1, 100), b"learner")
    assert await registry.client.put_checkpoint(checkpoint(2, 200, proposal=proposal("a", champion=1)), b"learner")
    assert not await registry.client.put_checkpoint(checkpoint(3, 200, proposal=proposal("b", champion=1)), b"learner")
    assert await moves(registry.client) == [(1, 1, "first"), (2, 2, "a")]
    reason = await ledger.pool.fetchval("SELECT reason FROM proposals WHERE cause = 'b'")
    assert reason == "it was compared with version 1, but version 2 is the champion now"


async def test_where_promotion_is_manual_a_proposal_waits_for_a_human(registry: Running) -> None:
    await registry.client.apply(spec_json("mode: automatic", "mode: manual"))
    await registry.client.put_checkpoint(checkpoint(1, 100), b"learner")
    assert not await registry.client.put_checkpoint(checkpoint(2, 200, proposal=proposal("a", champion=1)), b"learner")
    await registry.client.set_alias("late", "champion", 2, "ticket-7")
    assert await moves(registry.client) == [(1, 1, "first"), (2, 2, "ticket-7")]
    declared = checkpoint(1, 300, proposal=proposal("b", champion=2, declared=True))
    assert await registry.client.put_checkpoint(declared, b"learner")  # whoever applied the specification has decided
    assert await moves(registry.client) == [(1, 1, "first"), (2, 2, "ticket-7"), (3, 1, "b")]


async def test_bytes_come_back_as_they_were_put(registry: Running) -> None:
    put = checkpoint(1, 100, BIG)
    await registry.client.put_checkpoint(put, BIG)
    assert await registry.client.blob(put.digest) == BIG
    with pytest.raises(NotFound, match="no checkpoint has the digest"):
        await registry.client.blob("0" * 64)


async def test_bytes_that_are_not_the_digest_are_refused(registry: Running) -> None:
    with pytest.raises(Refused, match="have the digest"):
        await registry.client.put_checkpoint(checkpoint(1, 100, b"one"), b"other")


async def test_two_answers_for_one_position_are_refused(registry: Running) -> None:
    await registry.client.put_checkpoint(checkpoint(1, 100, b"one"), b"one")
    with pytest.raises(Refused, match=r"late/1@100 is here already with another digest"):
        await registry.client.put_checkpoint(checkpoint(1, 100, b"other"), b"other")


async def test_what_serves_is_the_newest_checkpoint_of_the_champion(registry: Running) -> None:
    for position in (100, 300, 200):
        await registry.client.put_checkpoint(checkpoint(1, position), b"learner")
    serving = await registry.client.serving("late")
    assert (serving.found, serving.revision, serving.checkpoint.position) == (True, 1, 300)


@pytest.mark.parametrize(
    ("reference", "found"),
    [("late", (1, 200)), ("models:/late@champion", (1, 200)), ("late/2", (2, 150)), ("late/1@100", (1, 100))],
)
async def test_a_reference_resolves(registry: Running, reference: str, found: tuple[int, int]) -> None:
    for version, position in ((1, 100), (1, 200), (2, 150)):
        await registry.client.put_checkpoint(checkpoint(version, position), b"learner")
    answer = await registry.client.resolve(reference)
    assert (answer.version, answer.position) == found


@pytest.mark.parametrize(
    ("reference", "reason"),
    [
        ("early", "there is no model early; there is late"),
        ("late@night", "late has no alias night; it has champion"),
        ("late/7", "late has no version 7; it has 1"),
        ("late/1@150", "late/1 has no checkpoint at 150; the newest are at 200, 100"),
    ],
)
async def test_a_reference_to_nothing_says_what_there_is(registry: Running, reference: str, reason: str) -> None:
    await registry.client.apply(spec_json())
    for position in (100, 200):
        await registry.client.put_checkpoint(checkpoint(1, position), b"learner")
    with pytest.raises(NotFound, match=reason):
        await registry.client.resolve(reference)


async def test_a_reference_that_is_none_is_a_usage_error(registry: Running) -> None:
    with pytest.raises(UsageError, match="is not a reference"):
        await registry.client.resolve("late/x")


async def test_a_model_without_a_checkpoint_says_so(registry: Running) -> None:
    await registry.client.apply(spec_json())
    with pytest.raises(NotFound, match="late has no checkpoint yet"):
        await registry.client.resolve("late")
    assert await registry.client.versions("late") == []


async def test_an_alias_is_moved_once_per_cause_and_only_to_a_live_version(registry: Running) -> None:
    client = registry.client
    await client.put_checkpoint(checkpoint(1, 100), b"learner")
    await client.put_checkpoint(checkpoint(2, 100, state="retired"), b"learner")
    first, again = [await client.set_alias("late", "night", 1, "ticket") for _ in range(2)]
    assert (first.revision, again.revision) == (2, 2)
    with pytest.raises(Refused, match="late/2 is retired"):
        await client.set_alias("late", "night", 2, "ticket-2")
    with pytest.raises(NotFound, match="late has no version 9; it has 1, 2"):
        await client.set_alias("late", "night", 9, "ticket-3")
    with pytest.raises(Refused, match="has set late@night to version 1 already"):
        await client.set_alias("late", "day", 1, "ticket")
    with pytest.raises(UsageError, match="is not an alias"):
        await client.set_alias("late", "7", 1, "ticket-4")


async def test_a_version_is_retired_for_good(registry: Running) -> None:
    client = registry.client
    for state in ("live", "retired", "live"):
        await client.put_checkpoint(checkpoint(1, 100, state=state), b"learner")
    (version,) = await client.versions("late")
    assert (version.state, version.newest.state, list(version.aliases)) == ("retired", "retired", ["champion"])


async def test_a_checkpoint_without_its_facts_first_is_refused(registry: Running) -> None:
    with pytest.raises(UsageError, match="a model, a version from 1"):
        await registry.client.put_checkpoint(pb.Checkpoint(), b"")
