"""Real Kafka and real PostgreSQL: start, restart, stop, and what keeps them from starting."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from penstock.local.detached import start_detached, stop
from penstock.local.kafka import cluster_id_file, prepare
from penstock.local.running import find_parts
from penstock.local.stack import Addresses, LocalStackError, infrastructure, read_state
from penstock.local.state import folders_of
from tests.integration.local.looking import processes, restarted
from tests.waiting import until

WITHIN_S = 90.0  # after kill -9 a broker waits for its old session; the machine may be busy
TOPIC = TopicPartition("learning.test", 0)


@pytest.fixture(autouse=True)
def no_given_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PENSTOCK_BOOTSTRAP", raising=False)
    monkeypatch.delenv("PENSTOCK_DSN", raising=False)
    monkeypatch.delenv("PENSTOCK_SCHEMA_REGISTRY_URL", raising=False)


@pytest.fixture(params=["open", "private"])
def folder(request: pytest.FixtureRequest) -> Iterator[Path]:
    """A folder that others may enter, and one that they may not: root runs PostgreSQL differently in each."""
    parent = Path(tempfile.mkdtemp())
    parent.chmod(0o755 if request.param == "open" else 0o700)
    yield parent / "stack"
    stop(parent / "stack")
    shutil.rmtree(parent)


async def write(addresses: Addresses) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=addresses.bootstrap)
    await admin.start()
    created = await admin.create_topics([NewTopic(TOPIC.topic, 1, 1)])
    await admin.close()
    assert [error[1] for error in created.topic_errors] == [0]
    async with AIOKafkaProducer(bootstrap_servers=addresses.bootstrap, enable_idempotence=True, acks="all") as producer:
        await producer.send_and_wait(TOPIC.topic, b"a record", partition=0)
    connection = await asyncpg.connect(addresses.dsn)
    await connection.execute("CREATE TABLE kept (word text)")
    await connection.execute("INSERT INTO kept VALUES ('a row')")
    await connection.close()


async def read(addresses: Addresses) -> tuple[bytes, str]:
    async with AIOKafkaConsumer(bootstrap_servers=addresses.bootstrap, auto_offset_reset="none", enable_auto_commit=False) as consumer:
        consumer.assign([TOPIC])
        consumer.seek(TOPIC, 0)
        record = await consumer.getone()
    connection = await asyncpg.connect(addresses.dsn)
    word = await connection.fetchval("SELECT word FROM kept")
    await connection.close()
    return bytes(record.value or b""), str(word)


async def test_what_was_written_is_there_after_a_stop_and_a_start(folder: Path) -> None:
    async with infrastructure(folder) as first:
        await write(first)
    assert not any(process.is_alive for process in processes(folder).values())
    async with infrastructure(folder) as second:
        assert await read(second) == (b"a record", "a row")
        assert second == first


def test_a_detached_stack_restarts_what_is_killed_and_keeps_its_data(folder: Path) -> None:
    state = start_detached(folder, only_infra=True)
    addresses = Addresses(state.addresses.bootstrap, state.addresses.dsn)
    asyncio.run(write(addresses))
    for name in ("kafka", "postgres"):
        os.kill(processes(folder)[name].pid, signal.SIGKILL)
    for name in ("kafka", "postgres"):
        until(restarted(folder, name), WITHIN_S)
    assert asyncio.run(read(addresses)) == (b"a record", "a row")
    with pytest.raises(LocalStackError, match="a stack runs"):
        start_detached(folder, only_infra=True)
    left = processes(folder).values()
    os.kill(state.pid, signal.SIGKILL)
    until(lambda: not any(process.is_alive for process in left), WITHIN_S)
    state = start_detached(folder, only_infra=True)
    assert asyncio.run(read(Addresses(state.addresses.bootstrap, state.addresses.dsn))) == (b"a record", "a row")


@pytest.mark.parametrize("folder", ["private"], indirect=True)
async def test_a_broker_of_another_cluster_on_our_port_is_not_readiness(folder: Path, tmp_path: Path) -> None:
    async with infrastructure(folder) as addresses:
        folders = folders_of(tmp_path)
        folders.make()
        ours = find_parts(folders).kafka
        assert ours
        theirs = replace(ours, port=int(addresses.bootstrap.rpartition(":")[2]))
        program = await prepare(theirs)
        assert not await program.ready(os.getpid())


@pytest.mark.parametrize("folder", ["private"], indirect=True)
async def test_foreign_data_are_refused_with_a_cure(folder: Path) -> None:
    async with infrastructure(folder):
        pass
    data = folders_of(folder).data
    (data / "postgres" / "PG_VERSION").write_text("12\n")
    with pytest.raises(LocalStackError, match=r"made by PostgreSQL 12.*PENSTOCK_PG_BIN"):
        await start(folder)
    (data / "postgres" / "PG_VERSION").write_text("18\n")
    cluster_id_file(folders_of(folder)).write_text("another")
    with pytest.raises(LocalStackError, match=r"belongs to cluster .* --wipe"):
        await start(folder)
    assert not any(process.is_alive for process in processes(folder).values())


@pytest.mark.parametrize("folder", ["private"], indirect=True)
async def test_a_pid_file_that_names_a_foreign_process_is_no_obstacle(folder: Path) -> None:
    async with infrastructure(folder):
        pass
    pid_file = folders_of(folder).data / "postgres" / "postmaster.pid"
    pid_file.write_text(f"{os.getpid()}\n")
    async with infrastructure(folder):
        assert pid_file.read_text().splitlines()[0] == str(processes(folder)["postgres"].pid)


@pytest.mark.parametrize("folder", ["private"], indirect=True)
async def test_a_java_that_is_too_old_or_absent_is_named_and_nothing_starts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("PENSTOCK_JAVA", str(old))
    with pytest.raises(LocalStackError, match=r"needs Java 17 or newer: .* is Java 11\.0\.2"):
        await start(folder)
    monkeypatch.setenv("PENSTOCK_JAVA", str(tmp_path / "absent"))
    with pytest.raises(LocalStackError, match="does not run"):
        start_detached(folder, only_infra=True)
    assert read_state(folder) is None


@pytest.mark.parametrize("folder", ["private"], indirect=True)
async def test_another_java_on_path_runs_kafka_too(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = shutil.which("java")
    if java is None:
        pytest.skip("this machine has no Java of its own")
    monkeypatch.setenv("PENSTOCK_JAVA", java)
    async with infrastructure(folder) as addresses:
        await write(addresses)
        assert await read(addresses) == (b"a record", "a row")


async def test_given_addresses_win_and_nothing_is_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP", "b:1")
    monkeypatch.setenv("PENSTOCK_DSN", "postgresql://d")
    monkeypatch.setenv("PENSTOCK_SCHEMA_REGISTRY_URL", "http://r")
    async with infrastructure(tmp_path / "stack") as addresses:
        assert addresses == Addresses("b:1", "postgresql://d", "http://r")
    assert not (tmp_path / "stack").exists()


async def start(folder: Path) -> None:
    async with infrastructure(folder):
        pass
