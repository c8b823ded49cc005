"""The trainer's fold beside a bare River loop: the same examples, the same order of calls, one process on one core, rounds interleaved.

It measures `TrainerFold.step` over a whole learning log in memory: decoding, the hash chain, origins, pending predictions, prequential
metrics, outcomes and checkpoints every 1,000 labels. Beside it, in the same order: *bare* is `predict_proba_one` and `learn_one` on
dictionaries that are there already; *prequential* also updates the three metrics that the fold keeps, as `progressive_val_score` does.
The ratio is the loop's time over the fold's: 1.0 would be a trainer that costs nothing. Every round must end with the same digest
(SHA-256 of the encoded learner) in all three, or there is no figure. Times are CPU times of the thread; a first round warms up.

It does not measure Kafka, the runner, snapshots (at most 1/20 of the time), or the registry's calls. Nothing is expired here, and there
are no challengers. Environment: RECORDS (examples at most, default 45312; the forest, which takes a millisecond for each, has at most
FOREST_RECORDS_MAX), ROUNDS (default 5).
"""

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from river import metrics

from benchmarks.collector import frozen
from benchmarks.examples import Example, examples
from benchmarks.learning_log import MODEL, LearningLog, Recipe
from benchmarks.machine import environment
from benchmarks.report import Result
from penstock import codec
from penstock.errors import PenstockError
from penstock.learning import seed_of

LAG = 100  # questions between a question and its label
FOREST = "forest of 10"
FOREST_RECORDS_MAX = 10_000
SCALED: Sequence[Recipe] = ({"select": "numbers", "then": "preprocessing.StandardScaler"},)
LEARNERS: dict[str, tuple[Sequence[Recipe], Recipe, float]] = {  # preprocess, learner, the ratio to reach (design §14)
    "logistic regression": (SCALED, {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.02}}}, 0.50),
    "Hoeffding tree": ((), {"tree.HoeffdingTreeClassifier": {"max_depth": 20}}, 0.70),
    FOREST: ((), {"forest.ARFClassifier": {"n_models": 10, "max_depth": 20}}, 0.90),
}

LOOPS = ("bare", "prequential")

Timed = tuple[float, str]  # CPU seconds and digest


def measure(folder: Path) -> Result:
    """Run all learners; the figures. Raises: PenstockError when digests differ."""
    source, data = examples(environment("RECORDS", 45_312))
    rounds = environment("ROUNDS", 5)
    with one_core() as core:
        figures = {name: _compare(_of(name, data), *recipe, rounds) for name, recipe in LEARNERS.items()}
    notes = [
        f"{len(data):,} examples of {source}, of the forest {len(_of(FOREST, data)):,}; {rounds} rounds; {core}",
        f"a label follows {LAG} questions later",
        "the digest of the fold's learner equals that of River fed by hand, in every round",
    ]
    columns = ("learner", "beside", "µs", "fold µs", "ratio", "worst", "goal")
    return Result(columns, [_row(name, loop, each) for name, each in figures.items() for loop in LOOPS], figures, notes)


def _of(learner: str, data: Sequence[Example]) -> Sequence[Example]:
    return data[:FOREST_RECORDS_MAX] if learner == FOREST else data


def _compare(data: Sequence[Example], preprocess: Sequence[Recipe], learner: Recipe, to_reach: float, rounds: int) -> dict[str, Any]:
    log = asyncio.run(LearningLog.of(data, preprocess, learner, LAG))

    def build() -> Any:
        return codec.build_pipeline(preprocess, learner, seed_of(MODEL, 1))

    ways: dict[str, Callable[[], Timed]] = {
        "fold": lambda: fold(log),
        "bare": lambda: bare(build(), data),
        "prequential": lambda: prequential(build(), data),
    }
    with frozen():
        rounds_and_warm_up = [{name: way() for name, way in ways.items()} for _ in range(1 + rounds)]
    timed = rounds_and_warm_up[1:]
    if len({digest for each in timed for _, digest in each.values()}) != 1:
        raise PenstockError("the fold's learner is not the one that River gives by hand. Try: make test PYTEST=tests/scenario")
    seconds = {name: [each[name][0] for each in timed] for name in ways}
    return _figures(seconds, len(data)) | {"to_reach": to_reach, "digest": timed[0]["fold"][1]}


def fold(log: LearningLog) -> Timed:
    """The trainer's fold over the whole log."""
    trainer = log.fold()
    began = time.thread_time()
    for record in log.records:
        trainer.step(record)
    seconds = time.thread_time() - began
    return seconds, codec.digest(codec.encode(trainer.cohort.versions[1].learner))


def bare(model: Any, data: Sequence[Example]) -> Timed:
    """River alone: every example is asked, and learned when its label has come."""
    waiting: deque[Example] = deque()
    began = time.thread_time()
    for example in data:
        model.predict_proba_one(example[0])
        waiting.append(example)
        if len(waiting) > LAG:
            model.learn_one(*waiting.popleft())
    for x, y in waiting:
        model.learn_one(x, y)
    return time.thread_time() - began, codec.digest(codec.encode(model))


def prequential(model: Any, data: Sequence[Example]) -> Timed:
    """River with the metrics that the fold keeps."""
    log_loss, rocauc, accuracy = metrics.LogLoss(), metrics.ROCAUC(), metrics.Accuracy()
    waiting: deque[tuple[dict[str, float], bool, float]] = deque()

    def learn(x: dict[str, float], y: bool, score: float) -> None:
        log_loss.update(y, score)
        rocauc.update(y, score)
        accuracy.update(y, score >= 0.5)
        model.learn_one(x, y)

    began = time.thread_time()
    for x, y in data:
        waiting.append((x, y, model.predict_proba_one(x).get(True, 0.0)))
        if len(waiting) > LAG:
            learn(*waiting.popleft())
    for left in waiting:
        learn(*left)
    return time.thread_time() - began, codec.digest(codec.encode(model))


def _figures(seconds: dict[str, list[float]], count: int) -> dict[str, Any]:
    ratios = {name: [loop / mine for loop, mine in zip(seconds[name], seconds["fold"], strict=True)] for name in LOOPS}
    return {
        "microseconds_per_example": {name: round(median(each) / count * 1e6, 2) for name, each in seconds.items()},
        "ratio_median": {name: round(median(seconds[name]) / median(seconds["fold"]), 3) for name in ratios},
        "ratio_worst_round": {name: round(min(each), 3) for name, each in ratios.items()},
        "seconds": seconds,
    }


def _row(name: str, loop: str, figures: dict[str, Any]) -> tuple[str, ...]:
    micros, middle, worst = (figures[key] for key in ("microseconds_per_example", "ratio_median", "ratio_worst_round"))
    to_reach = f"≥ {figures['to_reach']:.2f}" if loop == "bare" else ""
    return name, loop, f"{micros[loop]:.1f}", f"{micros['fold']:.1f}", f"{middle[loop]:.2f}", f"{worst[loop]:.2f}", to_reach


@contextmanager
def one_core() -> Iterator[str]:
    """Keep this process on one core; what comes after may use all again."""
    if not hasattr(os, "sched_setaffinity"):
        yield "this system cannot pin a process to a core"
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield f"pinned to core {max(cores)}"
    finally:
        os.sched_setaffinity(0, cores)
