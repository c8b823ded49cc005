"""The kept log, how it was made, and what a fold makes of it."""

import asyncio
import hashlib
import json
import math
import random
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from penstock import codec
from penstock.backtest.spool import About, SpoolWriter, about, spooled
from penstock.records import Wire
from penstock_trainer.fold import TrainerFold
from tests.learning_log import SPEC, TOPIC, LearningLog

FOLDER = Path(__file__).parent / "log"
EXPECTED = Path(__file__).parent / "expected.json"
QUESTIONS = 700
SEED = 20
LEARNERS: Mapping[str, Any] = {
    "sgd": {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.02}}},
    "adagrad": {"linear_model.LogisticRegression": {"optimizer": {"optim.AdaGrad": 0.05}}},
    "tree": {"tree.HoeffdingTreeClassifier": {"max_depth": 8, "grace_period": 50}},
    "forest": {"forest.ARFClassifier": {"n_models": 3, "max_depth": 8, "grace_period": 50}},
    "bayes": "naive_bayes.GaussianNB",
}


def fold(folder: Path = FOLDER) -> dict[str, Any]:
    """Fold the kept log: chain, counts, and of every version the digest of its bytes and of all its scores."""
    seen = about(folder)
    assert seen is not None
    scores: dict[int, Any] = {}

    def ended(outcome: Mapping[str, Any]) -> bytes:
        for each in outcome["scores"]:
            scores.setdefault(each["version"], hashlib.sha256()).update(struct.pack("<d", each["score"]))
        return b""

    trainer = TrainerFold("m", asyncio.run(_wire(seen)), ended, "outcomes.m")
    for record in spooled(folder, TOPIC):
        trainer.step(record)
    return {
        "chain": trainer.chain.value.hex(),
        "counts": dict(sorted(trainer.counts.items())),
        "versions": {
            f"{each.number} {each.learner_name}": {
                "digest": codec.digest(codec.encode(each.learner)),
                "scores": scores[each.number].hexdigest(),
                "metrics": each.metrics(),
            }
            for each in trainer.cohort.versions.values()
        },
    }


async def _wire(seen: About) -> Wire:
    wire = Wire(seen.registry())
    for id in seen.schemas:
        await wire.fetch(int(id))
    return wire


async def make(folder: Path = FOLDER) -> None:
    """Write the log anew, from its seed: five learners, labels an hour late, a drift with its reaction, a change of who serves."""
    log = await LearningLog.new()
    drift = {**SPEC["drift"], "reactions": [{"when": {"kind": "concept"}, "spawn": "tree", "cooldown_labels": 200, "budget": 5}]}
    log.spec(learners=dict(LEARNERS), champion="sgd", challengers=["adagrad", "tree", "forest", "bayes"], drift=drift)
    log.serve(1, 1)
    chance = random.Random(SEED)
    labels: list[tuple[float, str, bool]] = []
    for number in range(QUESTIONS):
        hours = number / 60
        while labels and labels[0][0] <= hours:
            due, id, value = labels.pop(0)
            log.label(id, due, value)
        if number == QUESTIONS // 2:
            log.drift("d1", hours)
            log.serve(2, 2, len(log.records))
        a, b = chance.gauss(0, 1), chance.gauss(0, 1)
        log.ask(f"q{number}", hours, a=a, b=None if number % 11 == 0 else b, c=chance.choice("xyz"))
        odds = (1.5 * a - b) * (1 if number < QUESTIONS // 2 else -1)
        if number % 13:
            labels.append((hours + 1, f"q{number}", chance.random() < 1 / (1 + math.exp(-odds))))
    log.tick(QUESTIONS / 60 + 49)
    with SpoolWriter(folder, 0) as writer:
        for record in log.records:
            writer.append(record)
        schemas = {str(id): await log.schemas.by_id(id) for id in log.schemas.ids()}
        writer.finish(About(TOPIC, 0, len(log.records), partitions=1, schemas=schemas))


def expected() -> list[dict[str, Any]]:
    """What folding gave, by runtime."""
    found: list[dict[str, Any]] = json.loads(EXPECTED.read_text(encoding="utf-8"))
    return found
