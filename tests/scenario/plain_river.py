"""What a model has learned, computed from its learning log by plain River: none of Penstock's services, folds or readers takes part.

Usage: PYTHONHASHSEED=0 python tests/scenario/plain_river.py KAFKA REGISTRY SCHEMA_REGISTRY_URL MODEL

Of Penstock it borrows three things: the registry's client, to ask for the checkpoints (which version, its recipe, where in the log);
the builder of River objects from a recipe; and the encoder, because a digest is a hash of encoded bytes.
"""

import asyncio
import hashlib
import io
import json
import sys
from typing import Any

import fastavro
import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition
from river import metrics

from penstock.codec import build_pipeline, digest, encode
from penstock.registry_client import RegistryClient

Record = tuple[str, dict[str, Any]]  # the record's name and its fields


class PlainVersion:
    """One River model and its prequential metrics."""

    def __init__(self, model: str, number: int, recipe: dict[str, Any]) -> None:
        seed = int.from_bytes(hashlib.sha256(f"{model}/{number}".encode()).digest()[:4], "big") >> 1
        self.river = build_pipeline(recipe["preprocess"], recipe["learner"], seed)
        self.asked: dict[str, float] = {}
        self.metrics = {"log_loss": metrics.LogLoss(), "rocauc": metrics.ROCAUC(), "accuracy": metrics.Accuracy()}

    def predict(self, event_id: str, x: dict[str, Any]) -> None:
        answer = self.river.predict_proba_one(x)
        self.asked[event_id] = answer.get(True, 0.0) if answer else 0.5

    def score_and_learn(self, event_id: str, x: dict[str, Any], y: bool) -> None:
        if event_id in self.asked:  # asked after its birth
            score = self.asked.pop(event_id)
            self.metrics["log_loss"].update(y, score)
            self.metrics["rocauc"].update(y, score)
            self.metrics["accuracy"].update(y, score >= 0.5)
        self.river.learn_one(x, y)

    def result(self) -> dict[str, Any]:
        return {"digest": digest(encode(self.river)), **{name: metric.get() for name, metric in self.metrics.items()}}


def replay(log: list[Record], model: str, checkpoints: list[Any]) -> dict[str, dict[str, Any]]:
    """Feed the log in its order; metrics and digest wherever the registry has a checkpoint, by "version@position"."""
    alive: dict[int, PlainVersion] = {}
    results: dict[str, dict[str, Any]] = {}
    features: dict[str, dict[str, Any]] = {}
    labels: dict[str, bool] = {}  # by event id; the first one counts
    for position in range(len(log) + 1):
        for made in [each for each in checkpoints if each.position == position]:  # of every offset below
            if made.born_position == position:
                alive[made.version] = PlainVersion(model, made.version, json.loads(made.recipe))
            results[f"{made.version}@{position}"] = alive[made.version].result()
            if made.state == "retired":
                del alive[made.version]
        name, fields = log[position] if position < len(log) else ("", {})
        id = fields.get("event_id", "")
        if name == "Prediction" and id not in features:
            features[id] = {feature: value for feature, value in fields["features"].items() if value is not None}
            for plain in alive.values():
                plain.predict(id, features[id])
            if id in labels:  # its label came early
                _learn(alive, id, features[id], labels[id])
        elif name == "Label" and id not in labels:
            labels[id] = fields["value"]
            if id in features:
                _learn(alive, id, features[id], labels[id])
    return results


def _learn(alive: dict[int, PlainVersion], id: str, x: dict[str, Any], y: bool) -> None:
    for plain in alive.values():
        plain.score_and_learn(id, x, y)


async def read_log(bootstrap: str, schema_registry_url: str, topic: str) -> list[Record]:
    """Every record of the log, decoded by fastavro: 0x00, the schema's id in four bytes, Avro."""
    partition, log, schemas = TopicPartition(topic, 0), [], {}
    async with AIOKafkaConsumer(bootstrap_servers=bootstrap, group_id=None) as consumer, httpx.AsyncClient() as http:
        consumer.assign([partition])
        consumer.seek(partition, 0)
        end = (await consumer.end_offsets([partition]))[partition]
        while await consumer.position(partition) < end:
            for record in (await consumer.getmany(partition, timeout_ms=500)).get(partition, []):
                id = int.from_bytes(record.value[1:5], "big")
                if id not in schemas:
                    answer = await http.get(f"{schema_registry_url}/schemas/ids/{id}")
                    schemas[id] = fastavro.parse_schema(json.loads(answer.json()["schema"]))
                fields = fastavro.schemaless_reader(io.BytesIO(record.value[5:]), schemas[id], None)
                log.append((schemas[id]["name"].split(".")[-1], fields))
    return log


async def main(bootstrap: str, registry: str, schema_registry_url: str, model: str) -> None:
    log = await read_log(bootstrap, schema_registry_url, f"learning.{model}")
    async with RegistryClient(registry) as client:
        checkpoints = await client.checkpoints(model, limit=10_000)
    sys.stdout.write(json.dumps(replay(log, model, checkpoints)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5]))
