"""The load of the pipeline's benchmark: a specification of its own, its events and labels, and two ways to send them."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice

from benchmarks.examples import SEED, WEIGHTS, seeded
from penstock.fold.protocol import Output
from penstock.kafka.ports import Producer

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
LABEL_AFTER = timedelta(milliseconds=50)
BACKLOG_EVENT_EVERY = timedelta(milliseconds=1)
BATCH_EVENTS = 2_000
PACE_S = 0.005
ENTITIES = 100
FEATURES = [f"x{index}" for index in range(len(WEIGHTS))]

SPECIFICATION = """
streams:
  {name}:
    key: entity
    id: id
    time: at
    dedup_window: 20s
    fields: {{id: string, entity: string, at: timestamp, {features}}}
  {name}-labels:
    key: entity
    id: id
    time: at
    dedup_window: 20s
    fields: {{id: string, entity: string, at: timestamp, y: {{type: long, range: [0, 1]}}}}
views:
  {name}:
    from: {name}
    select: [{select}]
models:
  {name}:
    task: binary_classification
    view: {name}
    label: {{from: {name}-labels, id: id, positive: "y == 1", horizon: 20s}}
    preprocess: [{{select: numbers, then: preprocessing.StandardScaler}}]
    learners: {{sgd: {{linear_model.LogisticRegression: {{optimizer: {{optim.SGD: 0.02}}}}}}}}
    champion: sgd
    metrics: [log_loss, rocauc, accuracy]
"""


@dataclass(frozen=True, slots=True)
class Load:
    """Events with their labels, ready to be sent: `events[i]` and `labels[i]` belong together."""

    events: Sequence[Output]
    labels: Sequence[Output]


def specification(name: str) -> str:
    """One stream with eight numeric features, its labels, a view that selects them, a scaled logistic regression."""
    return SPECIFICATION.format(name=name, select=", ".join(FEATURES), features=", ".join(f"{feature}: double" for feature in FEATURES))


def make(name: str, first: int, count: int, begin: datetime, every: timedelta) -> Load:
    """`count` events from number `first` on, `every` apart in event time, as JSON; each label is one of 50 ms later."""
    events, labels = [], []
    for number, (x, y) in enumerate(islice(seeded(SEED + first), count)):
        entity, at = f"entity-{number % ENTITIES}", begin + number * every
        ids = {"id": f"event-{first + number}", "entity": entity}
        events.append(_output(f"events.{name}", entity, {**ids, "at": at.isoformat(timespec="milliseconds"), **x}))
        late = (at + LABEL_AFTER).isoformat(timespec="milliseconds")
        labels.append(_output(f"events.{name}-labels", entity, {**ids, "at": late, "y": int(y)}))
    return Load(events, labels)


async def send_backlog(producer: Producer, load: Load) -> None:
    """Send everything as fast as Kafka takes it, labels close behind their events."""
    for start in range(0, len(load.events), BATCH_EVENTS):
        part = slice(start, start + BATCH_EVENTS)
        await producer.send([*load.events[part], *load.labels[part]])


async def send_paced(producer: Producer, load: Load, rate_per_s: float) -> None:
    """Send at a steady rate, each label 50 ms after its event; who falls behind catches up, so that the mean rate holds."""
    began, sent, labelled, count = time.perf_counter(), 0, 0, len(load.events)
    while labelled < count:
        elapsed_s = time.perf_counter() - began
        events_due = min(count, int(elapsed_s * rate_per_s))
        labels_due = min(events_due, int((elapsed_s - LABEL_AFTER.total_seconds()) * rate_per_s), count)
        labels_due = max(labels_due, labelled)
        await producer.send([*load.events[sent:events_due], *load.labels[labelled:labels_due]])
        sent, labelled = events_due, labels_due
        await asyncio.sleep(PACE_S)


def _output(topic: str, key: str, body: dict[str, object]) -> Output:
    return Output(topic, 0, key.encode(), json.dumps(body).encode())
