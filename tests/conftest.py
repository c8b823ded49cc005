"""Fixtures that every test may use: where Kafka and PostgreSQL are, and a corner of each of one's own."""

import asyncio
import os
import threading
import uuid
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass

import asyncpg
import pytest
from hypothesis import Phase, settings

from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.ports import TopicPartition
from penstock.kafka.topics import TopicSpec
from penstock.local.stack import Addresses, infrastructure

# Unit tests are run all the time: few examples each, and many when asked for (HYPOTHESIS_PROFILE=thorough). No deadline: machines differ.
settings.register_profile("quick", max_examples=25, deadline=None)
settings.register_profile("thorough", max_examples=1_000, deadline=None)
settings.register_profile(
    "unshrunk", max_examples=25, deadline=None, phases=(Phase.explicit, Phase.generate)
)  # a failure is enough: mutants
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whatever needs the platform comes last, in its random order: with all that tests leave on it, it takes CPU time while it idles."""
    items.sort(key=lambda item: "platform" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """Real Kafka and PostgreSQL: from the environment, else from testcontainers if asked for, else the local stack."""
    bootstrap, dsn = os.environ.get("PENSTOCK_BOOTSTRAP"), os.environ.get("PENSTOCK_DSN")
    if bootstrap and dsn:
        yield Addresses(bootstrap, dsn)
    elif os.environ.get("PENSTOCK_TESTCONTAINERS") == "1" and _docker_answers():
        yield from _containers()
    else:
        yield from _held(infrastructure(tmp_path_factory.mktemp("stack")))


@dataclass(frozen=True, slots=True)
class Corner:
    """A test's own part of the stack: topics behind a prefix, tables in a schema."""

    bootstrap: str
    dsn: str
    prefix: str
    schema: str
    kafka: KafkaCluster
    pool: "asyncpg.Pool[asyncpg.Record]"

    async def topic(self, name: str, partitions: int = 1, kind: str = "validated") -> str:
        """Make a topic; its whole name."""
        await self.kafka.create([TopicSpec(self.prefix + name, kind, partitions)])
        return self.prefix + name

    async def end(self, topic: str, partition: int = 0) -> int:
        """The offset that the next record of this partition will get."""
        return (await self.kafka.bounds(TopicPartition(topic, partition))).end


@pytest.fixture
async def corner(stack: Addresses) -> AsyncIterator[Corner]:
    """A prefix for topics and a schema that no other test has."""
    name = f"t{uuid.uuid4().hex[:10]}"
    async with opened(stack.bootstrap) as kafka, _schema(stack.dsn, name) as pool:
        yield Corner(stack.bootstrap, stack.dsn, f"{name}.", name, kafka, pool)


@asynccontextmanager
async def _schema(dsn: str, name: str) -> "AsyncIterator[asyncpg.Pool[asyncpg.Record]]":
    async with asyncpg.create_pool(dsn, min_size=1, max_size=4, server_settings={"search_path": name}) as pool:
        await pool.execute(f"create schema {name}")
        try:
            yield pool
        finally:
            await pool.execute(f"drop schema {name} cascade")


def _held(stack: AbstractAsyncContextManager[Addresses]) -> Iterator[Addresses]:
    """The stack for the whole session, on a loop of its own in a thread: every test has another loop."""
    ready: Future[Addresses] = Future()
    loop = asyncio.new_event_loop()
    done = asyncio.Event()

    async def hold() -> None:
        try:
            async with stack as addresses:
                ready.set_result(addresses)
                await done.wait()
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)

    thread = threading.Thread(target=lambda: loop.run_until_complete(hold()))
    thread.start()
    try:
        yield ready.result(timeout=120)
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join()
        loop.close()


def _docker_answers() -> bool:
    """`which docker` says nothing of its daemon."""
    import docker  # noqa: PLC0415  # only when asked for

    try:
        return bool(docker.from_env(timeout=2).ping())
    except docker.errors.DockerException:
        return False


def _containers() -> Iterator[Addresses]:
    from testcontainers.community.kafka import KafkaContainer  # noqa: PLC0415
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415

    with KafkaContainer("apache/kafka:4.3.1").with_kraft() as kafka, PostgresContainer("postgres:18") as postgres:
        yield Addresses(kafka.get_bootstrap_server(), postgres.get_connection_url(driver=None))
