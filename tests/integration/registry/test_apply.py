import pytest

from penstock.errors import UsageError
from penstock.kafka.cluster import opened
from penstock.rpc import NotFound, Refused
from penstock.spec import load
from penstock_registry.ledger import Ledger
from tests.integration.registry.running import SPEC, Running, spec_json

ANOMALY = SPEC.replace("binary_classification", "anomaly").replace(
    "{mode: automatic, metric: log_loss, after_labels: 100, margin: 0.01}", "{}"
)
ANOMALY = ANOMALY.replace("{linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.02}}}", "anomaly.HalfSpaceTrees")


async def test_what_has_not_changed_keeps_its_version(registry: Running, ledger: Ledger) -> None:
    first = await registry.client.apply(spec_json())
    again = await registry.client.apply(spec_json())
    assert [(part.kind, part.name, part.version, part.changed) for part in first] == [
        ("stream", "arrivals", 1, True),
        ("stream", "flights", 1, True),
        ("view", "basic", 1, True),
        ("model", "late", 1, True),
    ]
    assert [(part.version, part.changed) for part in again] == [(1, False)] * 4
    assert await ledger.pool.fetchval("SELECT count(*) FROM audit WHERE body::json ->> 'action' = 'apply'") == 1


async def test_only_the_part_that_changed_gets_a_new_version(registry: Running) -> None:
    await registry.client.apply(spec_json())
    changed = await registry.client.apply(spec_json("distance: double}", "distance: double, wind: {type: double, nullable: true}}"))
    assert [(part.name, part.version) for part in changed if part.changed] == [("flights", 2)]
    assert (await registry.client.spec("stream", "flights")).version == 2
    assert '"wind"' not in (await registry.client.spec("stream", "flights", 1)).body


async def test_a_stream_that_old_records_could_not_be_read_with_is_refused_as_a_whole(registry: Running) -> None:
    await registry.client.apply(spec_json())
    with pytest.raises(Refused, match=r"streams\.flights: .*cannot read what was written before.*wind"):
        await registry.client.apply(spec_json("distance: double}", "distance: double, wind: double}"))
    assert [part.version for part in await registry.client.specs()] == [1, 1, 1, 1]


async def test_a_view_may_change_its_features(registry: Running) -> None:
    await registry.client.apply(spec_json())
    changed = await registry.client.apply(spec_json("select: [distance]", "select: [distance, origin]"))
    assert [(part.name, part.version) for part in changed if part.changed] == [("basic", 2)]


async def test_the_partitions_of_a_stream_cannot_change(registry: Running) -> None:
    await registry.client.apply(spec_json())
    with pytest.raises(Refused, match="has 2 partitions, not 4"):
        await registry.client.apply(spec_json("partitions: 2", "partitions: 4"))
    assert (await registry.client.spec("stream", "flights")).version == 1


async def test_the_task_of_a_model_cannot_change(registry: Running) -> None:
    await registry.client.apply(spec_json())
    with pytest.raises(Refused, match=r"models\.late\.task: was binary_classification, and cannot become anomaly\. Try: another name"):
        await registry.client.apply(load(ANOMALY).to_json())
    assert {part.version for part in await registry.client.specs()} == {1}


async def test_a_bad_specification_is_refused_with_what_is_wrong(registry: Running) -> None:
    with pytest.raises(UsageError, match="kye"):
        await registry.client.apply(spec_json().replace('"key"', '"kye"'))
    assert await registry.client.specs() == []


async def test_apply_makes_the_topics(registry: Running) -> None:
    await registry.client.apply(spec_json())
    prefix = registry.settings.topic_prefix
    async with opened(registry.settings.bootstrap) as kafka:
        assert await kafka.partitions(f"{prefix}validated.flights") == 2
        assert await kafka.partitions(f"{prefix}features.late") == 2
        assert await kafka.partitions(f"{prefix}learning.late") == 1
        assert await kafka.partitions(f"{prefix}dlq.learning.late") == 1


async def test_what_is_not_there_is_named_with_what_is(registry: Running) -> None:
    await registry.client.apply(spec_json())
    with pytest.raises(NotFound, match="there is no view fancy; there is model late/1, stream arrivals/1"):
        await registry.client.spec("view", "fancy")
