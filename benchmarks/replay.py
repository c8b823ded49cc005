"""A replay beside a bare River loop over the same records; and a backtest of eight learners on two cores beside one.

*verify* folds a learning log as a proof does: from offset 0, with the hash chain, every metric and every checkpoint, and compares.
*backtest* folds it from its file as a worker does, with the candidate's own commands, and keeps every answer. Beside them, in the same
order of calls: *reading* decodes each record and then asks and teaches River; *bare* has its dictionaries already. The ratio is the
loop's time over the replay's. Every round must end with the same digest in all four, and verify must find nothing, or there is no
figure. CPU times of the thread; a first round warms up.

Then `run_candidates`, worker processes and all, runs eight learners with one worker and with two, by the clock on the wall; every summary
must be the same. It does not measure Kafka. Environment: RECORDS (examples at most, default 20000), ROUNDS (default 5).
"""

import asyncio
import json
import os
import tempfile
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.collector import frozen
from benchmarks.examples import Example, examples
from benchmarks.learning_log import MODEL, TOPIC, LearningLog, Recipe
from benchmarks.machine import environment
from benchmarks.report import Result
from benchmarks.trainer_loop import LAG, LEARNERS, SCALED, Timed, bare, one_core
from penstock import codec
from penstock.backtest.plan import LEARNER, Candidate, Plan
from penstock.backtest.run import Lags, run_candidates, summaries
from penstock.backtest.spool import About, SpoolWriter, about, spooled
from penstock.errors import PenstockError
from penstock.fold.drive import Read
from penstock.fold.protocol import Record
from penstock.learning import seed_of
from penstock_trainer import backtest
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.openlog import OpenLog
from penstock_trainer.proof import Claim, Recorded, metrics_of
from penstock_trainer.verify import Replay

REPLAY_TO_REACH = 0.60
CORES_TO_REACH = 1.7
BATCH = 500
CANDIDATES = 8
WAYS = ("verify", "backtest")
LOOPS = ("reading", "bare")


def measure(folder: Path) -> Result:
    """Run all; the figures. Raises: PenstockError when digests differ."""
    source, data = examples(environment("RECORDS", 20_000))
    rounds = environment("ROUNDS", 5)
    with one_core() as core:
        figures: dict[str, Any] = {name: _replays(data, *recipe[:2], rounds) for name, recipe in LEARNERS.items()}
    figures["cores"] = cores = asyncio.run(_cores(data, rounds))
    rows = [_row(name, way, loop, figures[name]) for name in LEARNERS for way in WAYS for loop in LOOPS]
    ratio = f"{cores['ratio_median']:.2f}", f"{cores['ratio_worst_round']:.2f}"
    one, two = (f"{median(cores['seconds'][jobs]):.1f} s" for jobs in ("1", "2"))
    rows.append((f"{CANDIDATES} learners, 2 workers", "backtest", "1 worker", one, two, *ratio, f"≥ {CORES_TO_REACH}"))
    notes = [
        f"{len(data):,} examples of {source}; a label follows {LAG} questions later; {rounds} rounds; replays {core}",
        "the digest of every replay's learner equals that of River fed by hand, in every round; every proof was equal",
    ]
    return Result(("learner", "replay", "beside", "µs", "replay µs", "ratio", "worst", "goal"), rows, figures, notes)


def _replays(data: Sequence[Example], preprocess: Sequence[Recipe], learner: Recipe, rounds: int) -> dict[str, Any]:
    log = asyncio.run(LearningLog.of(data, preprocess, learner, LAG))
    with tempfile.TemporaryDirectory() as name:
        seen = asyncio.run(_spooled(log, Path(name)))
        claim = _claim(log)
        ways: dict[str, Callable[[], Timed]] = {
            "verify": lambda: asyncio.run(_verify(log, claim)),
            "backtest": lambda: _backtest(log, seen, Path(name)),
            "reading": lambda: _reading(codec.build_pipeline(preprocess, learner, seed_of(MODEL, 1)), log),
            "bare": lambda: bare(codec.build_pipeline(preprocess, learner, seed_of(MODEL, 1)), data),
        }
        with frozen():
            timed = [{way: run() for way, run in ways.items()} for _ in range(1 + rounds)][1:]
    if len({digest for each in timed for _, digest in each.values()}) != 1:
        raise PenstockError("a replay's learner is not the one that River gives by hand. Try: make test PYTEST=tests/unit/trainer")
    seconds = {way: [each[way][0] for each in timed] for way in ways}
    return _figures(seconds, len(data)) | {"to_reach": REPLAY_TO_REACH, "digest": timed[0]["bare"][1]}


async def _spooled(log: LearningLog, folder: Path) -> About:
    schemas = {str(id): await log.schemas.by_id(id) for id in log.schemas.ids()}
    with SpoolWriter(folder, 0) as writer:
        for record in log.records:
            writer.append(record)
        writer.finish(About(TOPIC, 0, len(log.records), partitions=1, schemas=schemas))
    found = about(folder)
    assert found is not None
    return found


def _claim(log: LearningLog) -> Claim:
    """Everything that the living fold would have recorded; the last checkpoint is what is proved, at the end of the log."""
    fold = log.fold()
    made = [each for record in log.records for each in fold.step(record) if isinstance(each, CheckpointMade)]
    waypoints = tuple(Recorded(each.version, each.position, each.chain, each.digest, each.metrics) for each in made)
    version = fold.cohort.versions[1]
    blob = version.remark()
    recorded = Recorded(1, fold.chain.position, fold.chain.value.hex(), codec.digest(blob), metrics_of(version))
    return Claim(MODEL, recorded, blob, waypoints)


def _in_batches(records: Sequence[Record]) -> Read:
    async def read(start: int) -> AsyncGenerator[Sequence[Record]]:
        for first in range(start, len(records), BATCH):
            yield records[first : first + BATCH]

    return read


async def _verify(log: LearningLog, claim: Claim) -> Timed:
    began = time.thread_time()
    replay = Replay(claim, TOPIC, log.wire, None)
    async for _ in replay.run(_in_batches(log.records)):
        pass
    found = replay.result(0.0)
    seconds = time.thread_time() - began
    if found.difference or found.checkpoints != len(claim.waypoints):
        raise PenstockError(f"the proof is not equal: {found.difference or found.checkpoints}. Try: make test PYTEST=tests/unit/trainer")
    return seconds, found.digest


def _backtest(log: LearningLog, seen: About, folder: Path) -> Timed:
    body = log.wire.read(log.records[0].value)[1]["spec"]
    opened = asyncio.run(OpenLog.of(seen))
    began = time.thread_time()
    run = backtest.Run(Candidate("only", LEARNER, body), MODEL, opened, backtest.Lags(0, 0))
    for record in spooled(folder, TOPIC):
        run.take(record)
    seconds = time.thread_time() - began
    return seconds, str(run.summary()["versions"][0]["digest"])


def _reading(model: Any, log: LearningLog) -> Timed:
    """River over the records: each is decoded, asked, and learned when its label has come."""
    open_questions: deque[dict[str, float]] = deque()  # labels come in the order of their questions here
    read = log.wire.read
    began = time.thread_time()
    for record in log.records:
        name, value = read(record.value)
        if name == "Prediction":
            model.predict_proba_one(value["features"])
            open_questions.append(value["features"])
        elif name == "Label":
            model.learn_one(open_questions.popleft(), value["value"])
    return time.thread_time() - began, codec.digest(codec.encode(model))


def _figures(seconds: dict[str, list[float]], count: int) -> dict[str, Any]:
    pairs = {f"{loop}/{way}": (seconds[loop], seconds[way]) for loop in LOOPS for way in WAYS}
    return {
        "microseconds_per_example": {name: round(median(each) / count * 1e6, 2) for name, each in seconds.items()},
        "ratio_median": {name: round(median(loop) / median(way), 3) for name, (loop, way) in pairs.items()},
        "ratio_worst_round": {name: round(min(one / other for one, other in zip(*pair, strict=True)), 3) for name, pair in pairs.items()},
        "seconds": seconds,
    }


def _row(name: str, way: str, loop: str, figures: dict[str, Any]) -> tuple[str, ...]:
    micros, pair = figures["microseconds_per_example"], f"{loop}/{way}"
    ratios = f"{figures['ratio_median'][pair]:.2f}", f"{figures['ratio_worst_round'][pair]:.2f}"
    return name, way, loop, f"{micros[loop]:.1f}", f"{micros[way]:.1f}", *ratios, f"≥ {REPLAY_TO_REACH:.2f}"


# Eight learners on one core and on two


async def _cores(data: Sequence[Example], rounds: int) -> dict[str, Any]:
    log = await LearningLog.of(data, SCALED, {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": 0.02}}}, LAG)
    spec = json.loads(log.wire.read(log.records[0].value)[1]["spec"])
    seconds: dict[str, list[float]] = {"1": [], "2": []}
    digests: set[str] = set()
    with tempfile.TemporaryDirectory() as name:
        await _spooled(log, Path(name))
        for _ in range(rounds):
            for jobs in (1, 2):
                began_s = time.monotonic()
                digests.add(await _eight(spec, len(log.records), Path(name), jobs))
                seconds[str(jobs)].append(time.monotonic() - began_s)
    if len(digests) != 1:
        raise PenstockError("two workers did not give what one gives. Try: make test PYTEST=tests/unit/trainer")
    ratios = [one / two for one, two in zip(seconds["1"], seconds["2"], strict=True)]
    ratio = round(median(seconds["1"]) / median(seconds["2"]), 3)
    facts = {"ratio_median": ratio, "ratio_worst_round": round(min(ratios), 3), "to_reach": CORES_TO_REACH, "usable_cores": os.cpu_count()}
    return facts | {"seconds": seconds}


async def _eight(spec: dict[str, Any], records: int, folder: Path, jobs: int) -> str:
    """Run all candidates from nothing; the digests of their learners as one."""
    bodies = [json.dumps(_with_rate(spec, 0.01 * (1 + number))) for number in range(CANDIDATES)]
    plan = Plan(
        MODEL,
        "binary_classification",
        "log_loss",
        TOPIC,
        0,
        records,
        "{}",
        tuple(Candidate(f"sgd{number}", LEARNER, body) for number, body in enumerate(bodies)),
    )
    _clear(folder)
    await run_candidates(plan, folder, Lags(0, 0, 0, 0), jobs, lambda done, total: None)
    return " ".join(each["versions"][0]["digest"] for each in summaries(plan, folder))


def _clear(folder: Path) -> None:
    for old in folder.glob("candidate-*"):
        old.unlink()


def _with_rate(spec: dict[str, Any], rate: float) -> dict[str, Any]:
    return {**spec, "learners": {"only": {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": rate}}}}}
