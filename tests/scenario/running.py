"""The platform as its user meets it: six processes under the supervisor, their topics, and the command line."""

import asyncio
import json
import os
import subprocess
import sys
import uuid
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer
from prometheus_client.parser import text_string_to_metric_families

from penstock.cli.platform import ENVIRONMENT
from penstock.fold.protocol import Header, Poison, Record
from penstock.kafka.cluster import opened
from penstock.kafka.log import read_log
from penstock.kafka.ports import TopicPartition
from penstock.local.state import StackAddresses, State, read_state
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry

DEADLINE_S = 120.0
COMMAND = Path(sys.executable).with_name("penstock")


@dataclass(frozen=True, slots=True)
class Read:
    """One record of a topic, as it stands there and as it reads; the name is empty where it is no Avro."""

    record: Record
    name: str
    value: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Platform:
    """A running platform, by its folder."""

    folder: Path

    @property
    def state(self) -> State:
        state = read_state(self.folder)
        assert state is not None
        return state

    @property
    def at(self) -> StackAddresses:
        return self.state.addresses

    def pid(self, service: str) -> int:
        return next(process.pid for process in self.state.processes if process.name == service)

    def is_ready(self) -> bool:
        """Whether every process lives and serves."""
        return all(process.state == "ready" and process.is_alive for process in self.state.processes)

    def try_penstock(self, *arguments: str | Path, folder: Path | None = None, **settings: str) -> "subprocess.CompletedProcess[str]":
        """Run the command line as a user would, with these settings in the environment."""
        command = [str(COMMAND), *map(str, arguments)]
        if arguments[0] != "init":
            command += ["--folder", str(folder or self.folder)]
        return subprocess.run(command, capture_output=True, text=True, env=as_a_user() | settings, timeout=DEADLINE_S, check=False)

    def penstock(self, *arguments: str | Path) -> str:
        """What a command prints; it must succeed."""
        done = self.try_penstock(*arguments)
        assert done.returncode == 0, f"penstock {' '.join(map(str, arguments))}: exit code {done.returncode}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def show(self, model: str) -> dict[str, Any]:
        """What `penstock show -o json` says."""
        shown: dict[str, Any] = json.loads(self.penstock("show", model, "-o", "json"))
        return shown

    def tail(self, topic: str) -> list[dict[str, Any]]:
        """Everything that a topic holds now, as `penstock tail -o json` prints it."""
        records = len(asyncio.run(self.read(topic)))
        lines = self.penstock("tail", topic, "--from-beginning", "-n", str(records), "-o", "json", "--timeout", str(DEADLINE_S / 2))
        return [json.loads(line) for line in lines.splitlines()]

    def counts(self, fold: str) -> dict[str, int]:
        """What a fold such as ingestion/flights has counted, as the metrics of its service say it; empty while there are none."""
        text = httpx.get(self.at.metrics[fold.partition("/")[0]]).text
        samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
        own = [each for each in samples if each.name == "penstock_count" and each.labels["fold"] == fold]
        return {each.labels["name"]: int(each.value) for each in own}

    async def send(self, topic: str, values: Sequence[bytes], headers: Sequence[Header] = ()) -> None:
        """Append values as they are, in order; returns when all are acknowledged."""
        async with AIOKafkaProducer(bootstrap_servers=self.at.bootstrap, acks="all", enable_idempotence=True) as producer:
            for acknowledged in [await producer.send(topic, value, headers=list(headers)) for value in values]:
                await acknowledged

    async def read(self, topic: str) -> list[Read]:
        """Every record of a topic of one partition."""
        async with aclosing(HttpSchemaRegistry(self.at.schema_registry_url)) as schemas, opened(self.at.bootstrap) as kafka:
            wire, end = Wire(schemas), (await kafka.bounds(TopicPartition(topic, 0))).end
            batches = read_log(self.at.bootstrap, topic, 0, end)
            return [Read(record, *await _decoded(record.value, wire)) async for records in batches for record in records]


def as_a_user() -> dict[str, str]:
    """The environment without the addresses that a test's platform was given."""
    return {name: value for name, value in os.environ.items() if name not in ENVIRONMENT.values()}


def suffix() -> str:
    """A few letters that make names one's own: several tests, and several sessions, may share a platform."""
    return f"x{uuid.uuid4().hex[:6]}"


async def _decoded(value: bytes | None, wire: Wire) -> tuple[str, dict[str, Any]]:
    try:
        return await wire.read_or_fetch(value)
    except Poison:
        return "", {}
