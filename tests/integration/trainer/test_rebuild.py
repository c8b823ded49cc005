"""A rebuild on real Kafka and PostgreSQL: snapshots that another River has written, and what stands there in the end."""

from dataclasses import replace

import msgspec
import pytest

from penstock.fold.ladder import WITH_LADDER
from penstock.fold.protocol import LogRecord, Refold, Unfit
from penstock.fold.runner import Unit
from penstock.fold.snapshots import PostgresSnapshots, digest_of
from penstock.kafka.log import read_log
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rebuild import demanded
from tests.conftest import Corner
from tests.integration.trainer.test_rewind import SLOWLY, accepted, append, fold_of
from tests.learning_log import LearningLog, tell
from tests.runtimes import NEW, OLD, aged
from tests.simulation.offline import state_of
from tests.unit.trainer.test_rebuild import go_on
from tests.waiting import until
from tests.worlds import runner, running

UNIT = "trainer/rebuilt"  # a group of its own


class Trainer:
    """The trainer of one model in a corner of Kafka and PostgreSQL."""

    def __init__(self, corner: Corner, log: LearningLog, learning: str, outcomes: str) -> None:
        self.corner, self.log, self.learning, self.outcomes = corner, log, learning, outcomes
        self.snapshots = PostgresSnapshots(corner.pool, WITH_LADDER)

    def unit(self, runtime: str) -> Unit:
        name, write = self.log.fold().name, self.log.writer("Outcome")

        async def again(position: int) -> Refold | None:
            end = await self.corner.end(self.learning)
            return await demanded(read_log(self.corner.bootstrap, self.learning, position, end), self.log.wire, runtime)

        return Unit(
            UNIT,
            (self.learning,),
            lambda _: TrainerFold(name, self.log.wire, write, self.outcomes, runtime),
            again=again,
        )

    async def live(self, runtime: str) -> None:
        """Fold everything, and stop."""
        worker = runner(self.unit(runtime), self.corner.kafka, self.snapshots, limits=SLOWLY)
        async with running(worker):
            end = len(self.log.records)
            await until(lambda: (fold := fold_of(worker)) is not None and not fold.refolding and fold.chain.position == end)
            await worker.settled()
            fold = fold_of(worker)
            assert fold is not None
            assert state_of(fold) == state_of((await tell(self.log, runtime=runtime)).fold)

    async def age(self, river: str) -> int:
        """What stands in the snapshots becomes the work of another River; how many there were."""
        ids = await self.snapshots.newest(UNIT, 0, 1)
        for id in ids:
            saved = await self.snapshots.load(id)
            state = msgspec.msgpack.encode(aged(msgspec.msgpack.decode(saved.snapshot.state), river))
            old = replace(saved, snapshot=replace(saved.snapshot, state=state))
            digests = [(segment.id, await self._digest(segment.id)) for segment in saved.snapshot.segments]
            await self.corner.pool.execute(
                "update fold_snapshots set state = $1, digest = $2 where epoch = $3 and sequence = $4",
                *(state, digest_of(old, digests), id.epoch, id.sequence),
            )
        return len(ids)

    async def _digest(self, segment: str) -> str:
        sql = "select encode(sha256(data), 'hex') from fold_segments where id = $1"
        return str(await self.corner.pool.fetchval(sql, segment))


async def a_trainer(corner: Corner) -> Trainer:
    learning, outcomes = await corner.topic("learning.m", kind="learning"), await corner.topic("outcomes.m")
    log = await LearningLog.new(topic=learning)
    log.spec(runtime=OLD)
    log.serve(1, 1)
    go_on(log, 200)
    trainer = Trainer(corner, log, learning, outcomes)
    await trainer.snapshots.create()
    await append(corner, *log.records)
    return trainer


async def test_a_log_of_another_river_is_refused_then_rebuilt_and_nothing_is_told_twice_or_lost(corner: Corner) -> None:
    trainer = await a_trainer(corner)
    log = trainer.log
    await trainer.live(OLD)
    told = (await trainer.snapshots.newest(UNIT, 0, 1))[0].sequence
    assert told == len(log.records)
    assert await trainer.age("0.25.0")

    before = len(log.records)
    go_on(log, 60, start=300)
    await append(corner, *log.records[before:])
    with pytest.raises(Unfit, match="Try: penstock rebuild"):
        await runner(trainer.unit(NEW), corner.kafka, trainer.snapshots, limits=SLOWLY).run()

    command: LogRecord = log.rebuild(NEW, told=told)
    await append(corner, command)
    await trainer.live(NEW)
    newest = (await trainer.snapshots.newest(UNIT, 0, 1))[0]
    assert (newest.epoch, newest.sequence) == (1, len(log.records))
    old, new = await tell(log, log.records[:told], runtime=OLD), await tell(log, runtime=NEW)
    assert await accepted(corner, log, trainer.outcomes) == old.outcomes + new.outcomes
    assert len(new.outcomes) == 60
    assert await corner.end(trainer.outcomes) == len(old.outcomes + new.outcomes)

    before = len(log.records)
    go_on(log, 40, start=600)
    await append(corner, *log.records[before:])
    await trainer.live(NEW)
    with pytest.raises(Unfit, match=r"river 0.26.1 \(here 0.25.0\)"):
        await runner(trainer.unit(OLD), corner.kafka, trainer.snapshots, limits=SLOWLY).run()
