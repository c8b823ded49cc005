"""A small platform of readings and failures, with both doors into its streams."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from penstock.cli.apply import wait_until_served
from penstock.cli.platform import registry
from penstock.cli.show import model_state
from penstock.spec import load
from tests.scenario.running import DEADLINE_S, Platform, suffix
from tests.waiting import until

SPEC = """
streams:
  readings{own}:
    key: sensor
    id: reading_id
    time: at
    max_jump: 7d
    dedup_window: 7d
    fields: {{reading_id: string, sensor: string, at: timestamp, warmth: {{type: double, range: [-50, 150]}}}}
  failures{own}:
    key: sensor
    id: reading_id
    time: known_at
    max_jump: 7d
    dedup_window: 7d
    fields: {{reading_id: string, sensor: string, known_at: timestamp, failed: boolean}}
views:
  warmth{own}: {{from: readings{own}, select: [warmth]}}
models:
  fails{own}:
    task: binary_classification
    view: warmth{own}
    label: {{from: failures{own}, id: reading_id, positive: "failed == true", horizon: 1d}}
    preprocess: [{{select: numbers, then: preprocessing.StandardScaler}}]
    learners: {{sgd: {{linear_model.LogisticRegression: {{optimizer: {{optim.SGD: 0.05}}}}}}}}
    champion: sgd
    metrics: [log_loss]
    checkpoint_every_labels: 50
"""
START = datetime(2013, 7, 1, tzinfo=UTC)


class Doors:
    """A model of its own, with the ways in and the counts at the end."""

    def __init__(self, platform: Platform, text: str = SPEC) -> None:
        self.platform = platform
        self.own = suffix()
        self.readings, self.failures, self.model = (f"{name}{self.own}" for name in ("readings", "failures", "fails"))
        asyncio.run(self._apply(text))

    async def _apply(self, text: str) -> None:
        spec = load(text.format(own=self.own), "doors.yaml")
        async with registry(self.platform.folder) as client:
            await client.apply(spec.to_json())
        await wait_until_served([self.model], self.platform.folder, DEADLINE_S)

    def ask(self, *values: bytes) -> None:
        asyncio.run(self.platform.send(f"events.{self.readings}", values))

    def answer(self, *values: bytes) -> None:
        asyncio.run(self.platform.send(f"events.{self.failures}", values))

    def post(self, path: str, body: bytes) -> httpx.Response:
        return httpx.post(f"{self.platform.at.gateway}/events/{path}", content=body, headers={"content-type": "application/json"})

    def taken(self, stream: str) -> dict[str, int]:
        """What ingestion has counted for a stream, without the ticks."""
        counts = self.platform.counts(f"ingestion/{stream}")
        return {name: count for name, count in counts.items() if name not in ("lag", "ticks")}

    def wait(self, **counts: int) -> None:
        """Until the trainer has counted so many."""

        async def has_counted() -> bool:
            state = await model_state(self.model, self.platform.folder)
            return state is not None and counts.items() <= state["counts"].items()

        until(has_counted, DEADLINE_S)


def reading(number: int, **other: Any) -> bytes:
    at = START + timedelta(minutes=number)
    fields = {"reading_id": f"r{number}", "sensor": f"s{number % 3}", "at": at.isoformat(), "warmth": number * 37 % 100}
    return json.dumps({**fields, **other}).encode()


def failure(number: int, **other: Any) -> bytes:
    known_at = START + timedelta(minutes=number, hours=2)
    fields = {"reading_id": f"r{number}", "sensor": f"s{number % 3}", "known_at": known_at.isoformat(), "failed": number * 37 % 100 > 50}
    return json.dumps({**fields, **other}).encode()
