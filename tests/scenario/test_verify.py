"""`penstock verify` without a reference: a platform holds what it promises while events flow; what is broken by hand is named."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from penstock.cli.platform import registry
from tests.scenario.doors import SPEC, Doors, failure, reading
from tests.scenario.running import DEADLINE_S, Platform
from tests.waiting import until

pytestmark = pytest.mark.timeout(400)  # the first one waits for the stack and the platform

TWO_VERSIONS = SPEC.replace("    champion: sgd\n", "    champion: sgd\n    challengers: [adagrad]\n").replace(
    "learners: {{", "learners: {{adagrad: {{linear_model.LogisticRegression: {{optimizer: {{optim.AdaGrad: 0.05}}}}}}, "
)
INVARIANTS = {
    *("acknowledged_is_kept", "audit_chain", "counts_add_up", "finite", "learned_once"),
    *("log_says_what_was_served", "no_gap", "one_champion", "same_digest", "snapshots"),
}
BATCH = 50
SERVICES = ("ingestion", "feature_store", "deployer", "trainer", "monitor")
RECENT = "fold like $1 and stored_at > now() - interval '5 s'"


class Verified:
    """One look at the platform."""

    def __init__(self, doors: Doors, *options: str) -> None:
        done = doors.platform.try_penstock(
            "verify", "-o", "json", *(options or ("--model", doors.model, "--replay", "0", "--recompute", "0"))
        )
        assert done.stdout, done.stderr
        self.code = done.returncode
        self.report: dict[str, Any] = json.loads(done.stdout)
        self.by_name: dict[str, dict[str, Any]] = {each["name"]: each for each in self.report["invariants"]}

    def broken(self, own: str) -> dict[str, list[str]]:
        """The breaks that name something of one's own: others may have broken theirs."""
        return {name: ours for name, each in self.by_name.items() if (ours := [where for where in each["broken"] if own in where])}


@dataclass(frozen=True, slots=True)
class Looked:
    """A platform of two versions, looked at while events flowed and when they had ended: before anything was broken."""

    doors: Doors
    live: list[Verified]
    quiet: Verified
    whole: Verified


@pytest.fixture(scope="module")
def looked(platform: Platform) -> Looked:
    doors = Doors(platform, TWO_VERSIONS)
    live = asyncio.run(_looked_at_live(doors))
    until(lambda: _is_quiet(doors), DEADLINE_S)
    return Looked(
        doors, live, Verified(doors, "--model", doors.model, "--replay", "1000"), Verified(doors, "--replay", "0", "--recompute", "0")
    )


async def _looked_at_live(doors: Doors) -> list[Verified]:
    """Look twice while readings and failures come in, with some that are no good and some that come twice."""
    look = asyncio.get_running_loop().run_in_executor(None, lambda: [Verified(doors) for _ in range(2)])
    number = 0
    while not look.done():
        numbers = range(number, number + BATCH)
        await doors.platform.send(f"events.{doors.readings}", [*map(reading, numbers), b"{", reading(number)])
        await doors.platform.send(f"events.{doors.failures}", [*map(failure, numbers), b"{", failure(number)])
        number += BATCH
        await until(lambda sent=number: doors.taken(doors.readings).get("validated", 0) >= sent, DEADLINE_S)  # type: ignore[misc]
    return await look


async def _is_quiet(doors: Doors) -> bool:
    """Whether every prediction is labelled, and every fold has stored what it knows."""
    learned = doors.platform.counts(f"trainer/{doors.model}")
    if not learned.get("labelled", 0) == learned.get("predictions") == doors.taken(doors.readings).get("validated"):
        return False
    stored = [
        await _fetch(doors, f"select count(*) from penstock_{service}.fold_snapshots where {RECENT}", f"%{doors.own}")
        for service in SERVICES
    ]
    return not any(stored)


def test_all_hold_while_events_flow(looked: Looked) -> None:
    for look in looked.live:
        assert look.by_name.keys() == INVARIANTS
        assert look.code == 0, look.report
    assert looked.live[1].report["records"] > looked.live[0].report["records"], "it was live"


def test_all_hold_when_it_is_quiet_and_each_was_checked(looked: Looked) -> None:
    assert looked.quiet.code == 0, looked.quiet.report
    assert all(each["checked"] for each in looked.quiet.by_name.values()), looked.quiet.by_name


def test_the_whole_platform_is_looked_at_too(looked: Looked) -> None:
    assert looked.whole.broken(looked.doors.own) == {}, "others may have broken theirs"
    assert looked.whole.code == (0 if looked.whole.report["holds"] else 3)


def test_a_deleted_and_a_changed_snapshot_are_named(looked: Looked) -> None:
    doors = looked.doors
    trainer, monitor = f"trainer/{doors.model}", f"monitor/{doors.model}"
    with _kept(doors, "trainer", trainer) as of_trainer, _kept(doors, "monitor", monitor) as of_monitor:
        _run(doors, f"delete from penstock_trainer.fold_snapshots {of_trainer}", trainer)
        _run(doors, f"update penstock_monitor.fold_snapshots set state = state || 'x'::bytea {of_monitor}", monitor)
        look = Verified(doors)
    assert look.code == 3
    named = look.broken(doors.own)["snapshots"]
    assert any(where.startswith(f"{trainer}[0]: its group has stored all below learning.{doors.model}[0]:") for where in named), named
    assert any(where.startswith(f"{monitor}[0]: snapshot ") and "is bad" in where for where in named), named
    assert "snapshots" not in Verified(doors).broken(doors.own), "mended again"


@contextmanager
def _kept(doors: Doors, service: str, fold: str) -> Iterator[str]:
    """The newest snapshot of a fold, put back in the end; yields how to find it."""
    table, kept = f"penstock_{service}.fold_snapshots", f"penstock_{service}.kept_{doors.own}"
    newest = f"where fold = $1 and sequence = (select max(sequence) from {table} where fold = $1)"
    sequence = _run(doors, f"select max(sequence) from {table} where fold = $1", fold)
    _run(doors, f"create table {kept} as select * from {table} where fold = '{fold}' and sequence = {sequence}")
    try:
        yield newest
    finally:
        _run(doors, f"delete from {table} where fold = $1 and sequence = $2", fold, sequence)
        _run(doors, f"insert into {table} select * from {kept}")
        _run(doors, f"drop table {kept}")


def test_a_changed_alias_row_is_named(looked: Looked) -> None:
    asyncio.run(_alias(looked.doors, "night", 1))
    change = "update penstock_registry.alias_changes set version = $2 where model = $1 and alias = 'night'"
    _run(looked.doors, change, looked.doors.model, 2)
    look = Verified(looked.doors)
    _run(looked.doors, change, looked.doors.model, 1)
    assert look.code == 3
    named = look.broken(looked.doors.own)["one_champion"]
    assert any(f"{looked.doors.model}@night revision 2 names version 2, the audit log says version 1" in where for where in named), named


def test_a_truncated_topic_is_named(looked: Looked) -> None:
    topic = f"predictions.{looked.doors.model}"
    asyncio.run(_truncate(looked.doors, topic, 10))
    look = Verified(looked.doors)
    assert look.code == 3
    named = look.broken(looked.doors.own)
    assert named["acknowledged_is_kept"] == [f"{topic}[0] begins at offset 10: 10 records are lost that are kept for 30 days"]
    assert named["no_gap"]


def _run(doors: Doors, sql: str, *arguments: object) -> Any:
    return asyncio.run(_fetch(doors, sql, *arguments))


async def _fetch(doors: Doors, sql: str, *arguments: object) -> Any:
    connection = await asyncpg.connect(doors.platform.at.dsn)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()


async def _alias(doors: Doors, alias: str, version: int) -> None:
    async with registry(doors.platform.folder) as client:
        await client.set_alias(doors.model, alias, version, f"ticket-{doors.own}")


async def _truncate(doors: Doors, topic: str, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=doors.platform.at.bootstrap)
    await admin.start()
    try:
        await admin.delete_records({TopicPartition(topic, 0): RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()
