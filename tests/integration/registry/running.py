"""A registry service as it runs, inside the test's own loop; specifications and checkpoints to give it."""

import asyncio
import contextlib
import hashlib
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass

import structlog

from penstock.process import Process
from penstock.registry_client import RegistryClient
from penstock.rpc.registry.v1 import registry_pb2 as pb
from penstock.settings import Settings
from penstock.spec import load
from penstock_registry import CARD
from penstock_registry.main import main
from tests.waiting import until

READY_TIMEOUT_S = 60.0
SPEC = """
streams:
  flights: {key: origin, id: flight, time: at, partitions: 2, fields: {flight: string, origin: string, at: timestamp, distance: double}}
  arrivals: {key: origin, partitions: 2, fields: {flight: string, origin: string, delay: double}}
views:
  basic: {from: flights, select: [distance]}
models:
  late:
    task: binary_classification
    view: basic
    label: {from: arrivals, id: flight, positive: "delay > 15", horizon: 48h}
    preprocess: [{select: numbers, then: preprocessing.StandardScaler}]
    learners: {sgd: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.02}}}}
    champion: sgd
    promotion: {mode: automatic, metric: log_loss, after_labels: 100, margin: 0.01}
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A registry that serves."""

    settings: Settings
    client: RegistryClient


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[Running]:
    """The service's own main, until the block ends."""
    process = Process(CARD, settings, structlog.get_logger())
    task = asyncio.create_task(main(process))
    try:
        await until(lambda: process.ready or task.done(), READY_TIMEOUT_S)
        if task.done():
            await task
        async with RegistryClient(settings.registry) as client:
            yield Running(settings, client)
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [int(one.getsockname()[1]) for one in sockets]


def spec_json(old: str = "", new: str = "") -> str:
    """The specification, with one piece of its text replaced."""
    assert old in SPEC
    return load(SPEC.replace(old, new) if old else SPEC).to_json()


def checkpoint(
    version: int, position: int, blob: bytes = b"learner", proposal: pb.Proposal | None = None, state: str = "live"
) -> pb.Checkpoint:
    """A checkpoint of the model late, with the digest of its bytes."""
    return pb.Checkpoint(
        model="late",
        version=version,
        position=position,
        chain="c" * 64,
        digest=hashlib.sha256(blob).hexdigest(),
        watermark_ms=position * 10,
        learner="sgd",
        recipe="{}",
        runtime='{"python":"3.11"}',
        metrics='{"log_loss":0.5}',
        cause=f"birth-{version}",
        state=state,
        proposal=proposal,
    )


def proposal(cause: str, champion: int, *, declared: bool = False) -> pb.Proposal:
    """A proposal that beats a champion."""
    return pb.Proposal(cause=cause, champion=champion, labels=2000, difference=0.02, evidence='{"labels":2000}', declared=declared)
