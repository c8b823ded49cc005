"""A rewind on real Kafka and PostgreSQL: what stands there in the end is what the log alone says."""

from dataclasses import replace

import msgspec

from penstock.fold.ladder import WITH_LADDER
from penstock.fold.limits import Limits
from penstock.fold.origin import Origins
from penstock.fold.protocol import LogRecord, Output
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import PostgresSnapshots
from penstock.kafka.ports import TopicPartition
from penstock_trainer.fold import TrainerFold
from tests.conftest import Corner
from tests.learning_log import LearningLog, a_log, tell
from tests.simulation.offline import state_of
from tests.waiting import until
from tests.worlds import runner, running

SLOWLY = Limits(round_records_max=10, snapshot_every_s=0.05, snapshot_cost_factor=0.0, backoff_first_s=0.02)


def fold_of(worker: Runner) -> TrainerFold | None:
    fold = worker.folds.get(0)
    assert fold is None or isinstance(fold, TrainerFold)
    return fold


async def append(corner: Corner, *records: LogRecord) -> None:
    producer = await corner.kafka.producer()
    await producer.send([Output(record.topic, 0, record.key, record.value) for record in records])
    await producer.stop()


async def accepted(corner: Corner, log: LearningLog, topic: str) -> list[dict[str, object]]:
    """What a reader takes of the outcomes."""
    origins, found = Origins(), []
    for offset in range(await corner.end(topic)):
        record = await corner.kafka.read(TopicPartition(topic, 0), offset)
        assert record is not None
        value = log.wire.read(record.value)[1]
        if origins.accept(topic, 0, value["origin"]):
            found.append(value)
    return found


async def test_a_rewind_gives_what_the_log_says_through_a_stop_in_the_middle_and_a_second_one(corner: Corner) -> None:
    learning, outcomes = await corner.topic("learning.m", kind="learning"), await corner.topic("outcomes.m")
    log = await a_log(questions=300, never_labelled=9, topic=learning)
    name, write = log.fold().name, log.writer("Outcome")
    unit = Unit("trainer/m", (learning,), lambda _: TrainerFold(name, log.wire, write, outcomes))
    snapshots = PostgresSnapshots(corner.pool, WITH_LADDER)
    await snapshots.create()

    async def fold_all(epoch: int) -> None:
        worker = runner(unit, corner.kafka, snapshots, limits=SLOWLY)
        async with running(worker):
            await until(lambda: (fold := fold_of(worker)) is not None and (fold.epoch, fold.chain.position) == (epoch, len(log.records)))
            await worker.settled()
            fold = fold_of(worker)
            assert fold is not None
            assert not fold.refolding
            assert state_of(fold) == state_of((await tell(log)).fold)

    await append(corner, *log.records)
    await fold_all(0)
    await append(corner, log.rewind(100, (100, 200)))
    stopped = runner(unit, corner.kafka, snapshots, limits=replace(SLOWLY, round_records_max=1))
    async with running(stopped):
        await until(lambda: (fold := fold_of(stopped)) is not None and fold.refolding and fold.chain.position > fold.rewinds.began)
    assert {id.epoch for id in await snapshots.newest("trainer/m", 0, 1)} == {0}, "half a refold is nothing"
    await fold_all(1)
    await append(corner, log.rewind(50, (50, 60), (250, 260), cause="r2"))
    await fold_all(2)
    newest = (await snapshots.newest("trainer/m", 0, 1))[0]
    assert (newest.epoch, newest.sequence) == (2, len(log.records))
    saved = msgspec.msgpack.decode((await snapshots.load(newest)).snapshot.state)
    assert len(saved["rewinds"]) == 2
    assert [{**each} for each in await accepted(corner, log, outcomes)] == (await tell(log)).outcomes
