"""A registry and other services in this process, on real Kafka and PostgreSQL, with a database, a prefix and ports of their own."""

import asyncio
import contextlib
import hashlib
import json
import socket
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from random import Random
from typing import Any

import asyncpg
import structlog

import penstock_registry
import penstock_registry.main
from penstock import codec
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.ports import TopicPartition
from penstock.kafka.sender import Sender
from penstock.local.stack import Addresses
from penstock.process import Card, Main, Process
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.registry_client import RegistryClient
from penstock.rpc.registry.v1 import registry_pb2
from penstock.settings import Settings
from penstock.spec import load
from tests.waiting import until

READY_TIMEOUT_S = 60.0
MODEL = "late"
SPEC = """
streams:
  flights: {key: origin, id: id, partitions: 2, fields: {id: string, origin: string, wind: double, carrier: string}}
  arrivals: {key: origin, partitions: 2, fields: {id: string, origin: string, delay: double}}
views:
  basic: {from: flights, select: [wind, carrier]}
models:
  late:
    task: binary_classification
    view: basic
    label: {from: arrivals, id: id, positive: "delay > 15", horizon: 48h}
    preprocess: [{select: numbers, then: preprocessing.StandardScaler}, {select: strings, then: preprocessing.OneHotEncoder}]
    learners: {sgd: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.02}}}}
    champion: sgd
    drift: {detectors: [{signal: loss, use: {drift.ADWIN: {delta: 0.002}}}]}
"""
STEPS = [{"select": "numbers", "then": "preprocessing.StandardScaler"}, {"select": "strings", "then": "preprocessing.OneHotEncoder"}]
LEARNER = {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.02}}}


@dataclass(frozen=True, slots=True)
class Platform:
    """Everything outside of the service under test."""

    settings: Settings
    registry: RegistryClient
    kafka: KafkaCluster
    sender: Sender
    wire: Wire

    def topic(self, name: str) -> str:
        return self.settings.topic_prefix + name

    async def put_checkpoint(self, version: int, position: int) -> bytes:
        """Put a learner that has learned `position` examples; its bytes."""
        blob = learner(position)
        checkpoint = registry_pb2.Checkpoint(
            model=MODEL,
            version=version,
            position=position,
            chain="00" * 32,
            digest=hashlib.sha256(blob).hexdigest(),
            watermark_ms=1_000,
            learner="sgd",
            recipe=json.dumps({"preprocess": STEPS, "learner": LEARNER}),
            runtime="{}",
            metrics="{}",
            cause=f"birth:{version}",
            state="live",
            size=len(blob),
        )
        await self.registry.put_checkpoint(checkpoint, blob)
        return blob

    async def read(self, topic: str, partition: int = 0) -> list[tuple[str, dict[str, Any], bytes]]:
        """Every record of a partition: its name, its fields and its bytes."""
        place = TopicPartition(self.topic(topic), partition)
        bounds = await self.kafka.bounds(place)
        records = [await self.kafka.read(place, offset) for offset in range(bounds.start, bounds.end)]
        values = [record.value for record in records if record is not None and record.value is not None]
        for value in values:
            await self.wire.fetch(int.from_bytes(value[1:5], "big"))
        return [(*self.wire.read(value), value) for value in values]


def learner(learned: int) -> bytes:
    pipeline, random = codec.build_pipeline(STEPS, LEARNER, seed=1), Random(1)
    for _ in range(learned):
        wind = random.uniform(0, 50)
        pipeline.learn_one({"wind": wind, "carrier": random.choice(["AA", "UA"])}, wind > 25)
    return codec.encode(pipeline)


@contextlib.asynccontextmanager
async def platform(stack: Addresses) -> AsyncIterator[Platform]:
    """A registry with the specification applied."""
    async with contextlib.AsyncExitStack() as opened_here:
        settings = await opened_here.enter_async_context(_settings(stack))
        await opened_here.enter_async_context(service(penstock_registry.CARD, penstock_registry.main.main, settings))
        registry = await opened_here.enter_async_context(RegistryClient(settings.registry))
        await registry.apply(load(SPEC).to_json())
        kafka = await opened_here.enter_async_context(opened(stack.bootstrap))
        sender = await opened_here.enter_async_context(Sender(kafka))
        schemas = await opened_here.enter_async_context(contextlib.aclosing(HttpSchemaRegistry(settings.schema_registry_url)))
        yield Platform(settings, registry, kafka, sender, Wire(schemas))


@contextlib.asynccontextmanager
async def service(card: Card, main: Main, settings: Settings) -> AsyncIterator[Process]:
    """A service's own main, until the block ends."""
    process = Process(card, settings, structlog.get_logger())
    task = asyncio.create_task(main(process))
    try:
        await until(lambda: process.ready or task.done(), READY_TIMEOUT_S)
        if task.done():
            await task
        yield process
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@contextlib.asynccontextmanager
async def _settings(stack: Addresses) -> AsyncIterator[Settings]:
    name = f"t{uuid.uuid4().hex[:12]}"
    owner = await asyncpg.connect(stack.dsn)
    await owner.execute(f"CREATE DATABASE {name}")
    grpc_port, http_port = free_ports(2)
    async with contextlib.AsyncExitStack() as last:
        last.push_async_callback(owner.close)
        last.push_async_callback(owner.execute, f"DROP DATABASE {name} WITH (FORCE)")
        yield Settings(
            bootstrap=stack.bootstrap,
            dsn=f"{stack.dsn.rpartition('/')[0]}/{name}",
            registry=f"127.0.0.1:{grpc_port}",
            schema_registry_url=f"http://127.0.0.1:{http_port}",
            topic_prefix=f"{name}.",
            grpc_port=grpc_port,
            http_port=http_port,
        )


def free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
