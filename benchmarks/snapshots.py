"""What safety costs: the trainer under its runner on real Kafka, with snapshots in PostgreSQL and without any, rounds interleaved.

The same learning log (RECORDS questions, their labels 100 questions later, a scaled logistic regression) is folded from its first record to
its last by the production runner, A B A B: *on* stores a snapshot at most every 2 s and never for more than 1/20 of the time, as in
production; *off* has a store that keeps nothing. A round's rate is outcomes per second between the first and the last of them, by the
broker's clock. The ratio is on's rate over off's. Every round must end with the same digest, or there is no figure.

Both pay for origins, the hash chain, the barrier between rounds and an idempotent producer with acks=all: these cannot be switched off.
Environment: RECORDS (default 45312), ROUNDS (default 4).
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import asyncpg

from benchmarks.examples import examples
from benchmarks.learning_log import MODEL, LearningLog
from benchmarks.log import Broker, broker
from benchmarks.machine import environment
from benchmarks.report import Result
from benchmarks.trainer_loop import LAG, LEARNERS
from penstock import codec
from penstock.errors import PenstockError
from penstock.fold.protocol import Effect, Missing
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import PostgresSnapshots, Saved, SnapshotId, SnapshotStore
from penstock_trainer.fold import TrainerFold

GOAL = 0.93
SCHEMA = "bench"


class NoSnapshots:
    """A store that keeps nothing."""

    async def store(self, saved: Saved) -> None:
        """Forget it."""

    async def newest(self, fold: str, partition: int, generation: int) -> Sequence[SnapshotId]:
        """There never is one."""
        return []

    async def load(self, id: SnapshotId) -> Saved:
        """Never called, since there never is one."""
        raise AssertionError(id)


def measure(folder: Path) -> Result:
    """Run all rounds; the figures. Raises: PenstockError when digests differ."""
    return asyncio.run(_measure(folder, environment("RECORDS", 45_312), environment("ROUNDS", 4)))


async def _measure(folder: Path, records: int, rounds: int) -> Result:
    source, data = examples(records)
    preprocess, learner, _ = LEARNERS["logistic regression"]
    log = await LearningLog.of(data, preprocess, learner, LAG)
    async with (
        broker(folder) as place,
        asyncpg.create_pool(place.dsn, min_size=1, max_size=2, server_settings={"search_path": SCHEMA}) as pool,
    ):
        await pool.execute(f"create schema if not exists {SCHEMA}")
        topic = await place.topic(f"learning.{MODEL}")
        await place.append(topic, ((record.key, record.value) for record in log.records))
        kept = PostgresSnapshots(pool)
        await kept.create()
        stores: dict[str, SnapshotStore] = {"on": kept, "off": NoSnapshots()}
        await _round(place, log, topic, stores["on"], len(data))  # warms up
        timed = [{name: await _round(place, log, topic, store, len(data)) for name, store in stores.items()} for _ in range(rounds)]
    if len({digest for each in timed for _, digest in each.values()}) != 1:
        raise PenstockError("the rounds ended with different digests. Try: make test PYTEST=tests/integration/runner")
    return _result(source, len(data), [{name: rate for name, (rate, _) in each.items()} for each in timed])


async def _round(place: Broker, log: LearningLog, topic: str, store: SnapshotStore, count: int) -> tuple[float, str]:
    """Outcomes per second, and the digest in the end."""
    outcomes = await place.topic("outcomes")
    fold = log.fold(outcomes)
    runner = _runner(place, fold, topic, outcomes, store)
    running = asyncio.create_task(runner.run())
    try:
        await place.until_holds(outcomes, count)
        await runner.settled()
    finally:
        running.cancel()
        await asyncio.wait([running])
    first_ms, last_ms = await place.append_times_ms(outcomes, [0, count - 1])
    return count / (last_ms - first_ms) * 1e3, codec.digest(codec.encode(fold.cohort.versions[1].learner))


def _runner(place: Broker, fold: TrainerFold, topic: str, outcomes: str, store: SnapshotStore) -> Runner:
    async def deliver(effects: Sequence[Effect]) -> None:
        """Checkpoints go nowhere: the registry is no part of this."""

    async def resolve(missing: Missing) -> None:
        raise PenstockError(f"{missing} in a log that was just made")

    return Runner(
        Unit(f"bench/{outcomes}", (topic,), lambda _: fold),
        kafka=place.kafka, snapshots=store, deliver=deliver, resolve=resolve, dlq_topic=lambda topic: f"dlq.{topic}",
        instance="0", service="bench", clock=time.monotonic,
    )  # fmt: skip


def _result(source: str, count: int, rates: Sequence[dict[str, float]]) -> Result:
    middle = {name: median(each[name] for each in rates) for name in ("on", "off")}
    worst = min(each["on"] / each["off"] for each in rates)
    ratio = middle["on"] / middle["off"]
    figures = {"events_per_s": middle, "ratio_median": round(ratio, 3), "ratio_worst_round": round(worst, 3), "rounds": list(rates)}
    rows: list[tuple[str, ...]] = [
        ("snapshots on, events/s", f"{middle['on']:,.0f}", "", ""),
        ("snapshots off, events/s", f"{middle['off']:,.0f}", "", ""),
        ("on / off", f"{ratio:.3f}", f"{worst:.3f}", f"≥ {GOAL}"),
    ]
    notes = [f"{count:,} examples of {source}; {len(rates)} rounds of each", "every round ended with the same digest"]
    return Result(("", "median", "worst round", "goal"), rows, figures, notes)
