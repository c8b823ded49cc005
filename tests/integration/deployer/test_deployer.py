"""The deployer as it runs: registry, Kafka and PostgreSQL are real."""

from typing import Any

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from penstock import codec
from penstock.fold.protocol import Output
from penstock.learning import present
from penstock.local.stack import Addresses
from penstock.records import with_features
from penstock.settings import Settings
from penstock.spec import load
from penstock.spec.avro import feature_fields
from penstock.tasks import TASKS
from penstock_deployer import CARD
from penstock_deployer.main import main
from tests.integration.deployer.platform import SPEC, Platform, platform, service
from tests.waiting import until

BINARY = TASKS["binary_classification"]

TIMEOUT_S = 60.0


async def ask(there: Platform, offsets: range) -> None:
    """Questions from two partitions, as the feature store would write them."""
    spec, topic = load(SPEC), there.topic("features.late")
    write = await there.wire.writer(topic, with_features("FeatureVector", feature_fields(spec.views["basic"], spec)))
    outputs = []
    for offset in offsets:
        partition = offset % 2
        origin = {"topic": there.topic("validated.flights"), "generation": 1, "partition": partition, "offset": offset, "index": 0}
        vector = {"event_time_ms": offset, "origin": origin, "event_id": str(offset), "entity": "JFK"}
        features = {"wind": float(offset % 50), "carrier": "AA" if offset % 3 else None}
        outputs.append(Output(topic, partition, b"JFK", write({**vector, "features": features})))
    await there.sender.send(outputs)


async def predictions(there: Platform) -> list[tuple[str, dict[str, Any], bytes]]:
    return await there.read("predictions.late", 0) + await there.read("predictions.late", 1)


async def serves(there: Platform) -> list[tuple[int, int]]:
    """Version and position of every Serve that stands in both partitions of the features topic."""
    found = [
        {(value["version"], value["position"]) for name, value, _ in await there.read("features.late", partition) if name == "Serve"}
        for partition in (0, 1)
    ]
    return sorted(found[0] & found[1])


def deployer_settings(there: Platform) -> Settings:
    return there.settings.model_copy(update={"grpc_port": 0, "http_port": 0})


async def test_an_alias_becomes_a_serve_and_every_answer_recomputes_from_its_checkpoint(stack: Addresses) -> None:
    async with platform(stack) as there:
        blobs = {}
        async with service(CARD, main, deployer_settings(there)):
            await ask(there, range(20))
            await until(lambda: _count(there, 20), TIMEOUT_S)
            blobs[1, 30] = await there.put_checkpoint(1, 30)
            await until(lambda: _serves(there, (1, 30)), TIMEOUT_S)
            await ask(there, range(20, 40))
            blobs[2, 80] = await there.put_checkpoint(2, 80)
            await there.registry.set_alias("late", "champion", 2, "by hand")
            await until(lambda: _serves(there, (2, 80)), TIMEOUT_S)
            await ask(there, range(40, 60))
            await until(lambda: _count(there, 60), TIMEOUT_S)
        answers = await predictions(there)
        log = await there.read("learning.late")
    assert len(answers) == 60
    assert {value["version"] for _, value, _ in answers} == {0, 1, 2}
    for _, value, _ in answers:
        if value["version"]:
            learner = codec.decode(blobs[value["version"], value["position"]])
            assert value["score"] == BINARY.ask(learner, present(value["features"]))
    assert sorted(raw for _, _, raw in answers) == sorted(raw for name, _, raw in log if name == "Prediction")
    served = [value["cause"] for name, value, _ in log if name == "Serve"]
    assert set(served) == {"serve:late:1:1:30", "serve:late:2:2:80"}
    assert len(served) == 4


async def test_a_restart_goes_on_with_the_model_that_served(stack: Addresses) -> None:
    async with platform(stack) as there:
        await there.put_checkpoint(1, 30)
        async with service(CARD, main, deployer_settings(there)):
            await until(lambda: _serves(there, (1, 30)), TIMEOUT_S)
            await ask(there, range(10))
            await until(lambda: _count(there, 10), TIMEOUT_S)
        async with service(CARD, main, deployer_settings(there)):
            await ask(there, range(10, 20))
            await until(lambda: _count(there, 20), TIMEOUT_S)
        answers = await predictions(there)
    assert sorted(int(value["event_id"]) for _, value, _ in answers) == list(range(20))
    assert {value["version"] for _, value, _ in answers} == {1}


async def test_an_installation_has_tables_snapshots_and_groups_of_its_own_by_its_prefix(stack: Addresses) -> None:
    async with platform(stack) as there, service(CARD, main, deployer_settings(there)):
        await ask(there, range(2))
        await until(lambda: _count(there, 2), TIMEOUT_S)
        schemas, groups = await _schemas(there.settings.dsn), await _groups(stack.bootstrap)
    prefix = there.settings.topic_prefix
    assert prefix
    assert schemas == {f"{prefix}penstock_registry", f"{prefix}penstock_deployer"}
    assert f"{prefix}penstock.deployer/late" in groups


async def _schemas(dsn: str) -> set[str]:
    """The schemas that have tables of Penstock."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch("select distinct schemaname from pg_tables where tablename in ('migrations', 'fold_snapshots')")
    finally:
        await connection.close()
    return {row["schemaname"] for row in rows}


async def _groups(bootstrap: str) -> set[str]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        return {group for group, _ in await admin.list_consumer_groups()}
    finally:
        await admin.close()


async def _count(there: Platform, size: int) -> bool:
    return len(await predictions(there)) >= size


async def _serves(there: Platform, serve: tuple[int, int]) -> bool:
    return serve in await serves(there)
