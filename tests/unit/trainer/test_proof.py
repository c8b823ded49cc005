"""A proof: from a snapshot or from nothing it gives what is recorded, and when it does not, it says where that begins."""

from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from penstock import codec
from penstock.errors import PenstockError
from penstock.fold.drive import Read
from penstock.fold.ladder import Keep
from penstock.fold.protocol import LogRecord, Record, Refold, Unfit
from penstock.fold.snapshots import MemorySnapshots, Saved, SnapshotId, tail_of
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.fold import TrainerFold
from penstock_trainer.proof import Claim, Recorded, Replayed
from penstock_trainer.verify import Progress, Replay, nearest, patiently
from tests.learning_log import SPEC, TOPIC, LearningLog, a_log, checkpoints, fold_all, tell
from tests.runtimes import NEW, OLD, OTHER

QUESTIONS = 700


class Proved:
    """A log that has been folded once, with the checkpoints that were recorded then; `runtime` is made that of this process."""

    def __init__(self, log: LearningLog, fold: TrainerFold, made: list[CheckpointMade]) -> None:
        self.log = log
        self.fold = fold
        self.made = made

    def claim(self, version: int = 1, **changes: Any) -> Claim:
        last = [made for made in self.made if made.version == version][-1]
        recorded = replace(recorded_of(last), **changes)
        return Claim("m", recorded, last.blob, tuple(map(recorded_of, self.made)))

    async def replay(self, claim: Claim, records: Sequence[Record] | None = None, saved: Saved | None = None) -> Replayed:
        replay = Replay(claim, TOPIC, self.log.wire, saved)
        wanted = (self.log.records if records is None else list(records))[: claim.recorded.position]
        async for _ in replay.run(in_batches(wanted)):
            pass
        return replay.result(0.0)


def recorded_of(made: CheckpointMade) -> Recorded:
    return Recorded(made.version, made.position, made.chain, made.digest, made.metrics)


def in_batches(records: Sequence[Record]) -> Read:
    async def read(start: int) -> AsyncGenerator[Sequence[Record]]:
        for first in range(start, len(records), 100):
            yield records[first : first + 100]

    return read


@pytest.fixture
async def proved() -> Proved:
    log = await a_log(questions=QUESTIONS, drift_at=300)
    fold = log.fold()
    return Proved(log, fold, checkpoints(fold_all(fold, log.records)))


def saved_at(proved: Proved, position: int, sequence: int = 0) -> Saved:
    fold = proved.log.fold()
    fold_all(fold, proved.log.records[:position])
    tail = {TOPIC: tail_of(proved.log.records[position - 1])}
    return Saved(SnapshotId("trainer/m", 0, 1, 0, sequence or position), fold.snapshot(), {TOPIC: position}, tail)


async def test_a_replay_from_nothing_is_equal_and_so_is_every_checkpoint_on_the_way(proved: Proved) -> None:
    claim = proved.claim()
    found = await proved.replay(claim)
    assert (found.difference, found.from_position, found.snapshot, found.records) == ("", 0, 0, claim.recorded.position)
    assert found.checkpoints == len([each for each in proved.made if each.position <= claim.recorded.position]) > 5


async def test_a_replay_from_a_snapshot_folds_only_what_came_after_it(proved: Proved) -> None:
    claim = proved.claim()
    found = await proved.replay(claim, saved=saved_at(proved, 900))
    assert (found.difference, found.from_position, found.snapshot) == ("", 900, 900)
    assert found.records == claim.recorded.position - 900
    assert found.checkpoints == len([each for each in proved.made if 900 < each.position <= claim.recorded.position]) > 0


async def test_the_nearest_good_snapshot_that_is_not_beyond_is_taken(proved: Proved) -> None:
    snapshots = MemorySnapshots(Keep(last=10))
    for position in (100, 400, 700, 1000):
        await snapshots.store(saved_at(proved, position))
    found = await nearest(snapshots, "m", TOPIC, 800)
    assert found is not None
    assert found.next_offsets == {TOPIC: 700}
    snapshots.rot(found.id)
    before = await nearest(snapshots, "m", TOPIC, 800)
    assert before is not None
    assert before.next_offsets == {TOPIC: 400}
    assert await nearest(snapshots, "m", TOPIC, 99) is None


async def test_a_changed_record_is_named_by_the_checkpoints_around_it(proved: Proved) -> None:
    around = sorted({each.position for each in proved.made})
    before, behind = next((one, other) for one, other in pairwise(around) if one > 300 and other > one + 3)
    changed = list(proved.log.records)
    changed[before + 2] = changed[before + 2]._replace(key=b"another")
    found = await proved.replay(proved.claim(), changed)
    assert f"the log was changed: the first record that differs is one of {TOPIC}:{before} … {behind - 1}" in found.difference
    assert "chain was recorded as" in found.difference


async def test_another_tail_than_the_snapshot_has_folded_is_named(proved: Proved) -> None:
    changed = list(proved.log.records)
    changed[899] = changed[899]._replace(key=b"another")
    with pytest.raises(PenstockError, match=f"{TOPIC}:899 is not the record that was folded there"):
        await proved.replay(proved.claim(), changed, saved_at(proved, 900))


async def test_other_bytes_are_named_by_their_first_attribute(proved: Proved) -> None:
    claim = proved.claim()
    learner = codec.decode(claim.blob)
    learner["learner"].intercept += 1.0
    blob = codec.encode(learner)
    found = await proved.replay(replace(claim, blob=blob, recorded=replace(claim.recorded, digest=codec.digest(blob))))
    assert f"digest was recorded as {codec.digest(blob)}, the replay gives {found.digest}" in found.difference
    assert "first at model.steps['learner'].intercept (" in found.difference
    assert f"the digest of version 1 differs first at the checkpoint of position {claim.recorded.position}" in found.difference


async def test_lost_bytes_and_other_metrics_are_differences(proved: Proved) -> None:
    lost = await proved.replay(replace(proved.claim(), blob=b""))
    assert lost.difference == "the registry has lost the bytes of this digest, or changed them"
    claim = proved.claim()
    wrong = claim.recorded.metrics.replace('"skipped":0', '"skipped":1')
    found = await proved.replay(proved.claim(metrics=wrong))
    assert "of the metrics skipped (1 recorded, 0 replayed)" in found.difference


async def test_a_checkpoint_on_the_way_that_differs_is_named_though_the_last_one_is_equal(proved: Proved) -> None:
    claim = proved.claim()
    middle = claim.waypoints[len(claim.waypoints) // 2]
    waypoints = tuple(replace(each, digest="0" * 64) if each == middle else each for each in claim.waypoints)
    found = await proved.replay(replace(claim, waypoints=waypoints))
    assert found.difference == f"the digest of version {middle.version} differs first at the checkpoint of position {middle.position}"


async def test_a_version_that_the_log_never_bore_is_refused(proved: Proved) -> None:
    claim = proved.claim()
    never = replace(claim, recorded=replace(claim.recorded, version=9))
    with pytest.raises(PenstockError, match="never gave birth to version 9"):
        await proved.replay(never)


async def test_poison_is_chained_and_counted_by_a_proof_too() -> None:
    log = await a_log(questions=200)
    log.records.insert(150, LogRecord(TOPIC, 0, 150, 0, b"k", b"no record"))
    log.records[151:] = [record._replace(offset=record.offset + 1) for record in log.records[151:]]
    fold = log.fold()
    made: list[Any] = []
    for record in log.records:
        if record.offset != 150:
            made += fold.step(record)
        else:
            fold.chain.append(record)
    proved = Proved(log, fold, checkpoints(made))
    assert (await proved.replay(proved.claim())).difference == ""


def later(log: LearningLog, count: int, hours: int) -> None:
    for number in range(count):
        log.ask(f"h{hours}n{number}", hours + number / 60, a=float(number % 7) - 3)
        log.label(f"h{hours}n{number}", hours + number / 60, number % 3 == 0)


async def rewound() -> tuple[Proved, int]:
    """A log that was rewound at 100 … 150, and then, after more was learned, at 60 … 80; and where the first rewind stands."""
    log = await a_log(questions=200)
    log.rewind(100, (100, 150))
    first = len(log.records) - 1
    log.serve(2, 2)
    later(log, 200, 10)
    log.rewind(60, (60, 80), cause="r2")
    log.serve(3, 3)
    later(log, 220, 20)
    told = await tell(log)
    return Proved(log, told.fold, told.checkpoints), first


async def corrected() -> Proved:
    """A log in which a label that was learned is corrected, and learned again."""
    log = await LearningLog.new()
    rule = {**SPEC["label"], "on_correction": "relearn", "correction_depth": 500, "correction_wait": "30m"}
    log.spec(label=rule)
    log.serve(1, 1)
    later(log, 120, 0)
    log.label("h0n40", 2, 40 % 3 != 0)
    log.tick(3)
    later(log, 220, 4)
    told = await tell(log)
    assert told.fold.epoch == 1
    return Proved(log, told.fold, told.checkpoints)


async def test_a_proof_follows_every_rewind_and_is_equal_before_and_behind_them() -> None:
    proved, _ = await rewound()
    assert sorted(proved.fold.cohort.versions) == [1, 2, 3]
    for version in (1, 2, 3):
        claim = proved.claim(version)
        found = await proved.replay(claim)
        assert found.difference == ""
        seen = [each for each in proved.made if each.position < claim.recorded.position or (each.live and each.position == found.records)]
        assert found.checkpoints == len(seen) > 1, "the last of a version that was ended is told by the record behind it"


async def test_a_proof_follows_a_correction() -> None:
    proved = await corrected()
    for version in (1, 2):
        assert (await proved.replay(proved.claim(version))).difference == ""


async def test_from_a_snapshot_that_has_learned_nothing_of_what_is_cut_a_proof_goes_on_from_there() -> None:
    proved, first = await rewound()
    found = await proved.replay(proved.claim(3), saved=saved_at(proved, 60))
    assert (found.difference, found.from_position) == ("", 60)
    found = await proved.replay(proved.claim(2), saved=saved_at(proved, 90))
    assert (found.difference, found.from_position) == ("", 90), "the second rewind stands behind it"
    between = await saved_behind(proved, first + 20)
    assert between.id.epoch == 1
    assert (await proved.replay(proved.claim(2), saved=between)).difference == ""
    behind = await saved_behind(proved, proved.claim(3).recorded.position - 20)
    assert behind.id.epoch == 2
    assert (await proved.replay(proved.claim(3), saved=behind)).difference == ""


async def test_a_snapshot_behind_a_rewind_need_not_be_given_up_for_a_later_one() -> None:
    log = await a_log(questions=100)
    log.rewind(60, (60, 80))
    start = len(log.records)
    later(log, 60, 10)
    log.rewind(start + 40, (start + 40, start + 60), cause="r2")
    told = await tell(log)
    proved = Proved(log, told.fold, told.checkpoints)
    found = await proved.replay(proved.claim(3), saved=await saved_behind(proved, start + 20))
    assert (found.difference, found.from_position) == ("", start + 20)


async def test_from_a_snapshot_that_has_learned_what_is_cut_a_proof_begins_again_with_nothing() -> None:
    proved, first = await rewound()
    for saved in (saved_at(proved, 120), await saved_behind(proved, first + 20)):
        with pytest.raises(Refold):
            await proved.replay(proved.claim(3), saved=saved)
        found = [step async for step in patiently(attempts(proved, proved.claim(3)), saved)][-1]
        assert isinstance(found, Replayed)
        assert (found.difference, found.from_position, found.snapshot) == ("", 0, 0)


async def test_a_log_that_was_rebuilt_is_proved_as_it_is_folded_now() -> None:
    log = await LearningLog.new()
    log.spec(runtime=OLD)
    log.serve(1, 1)
    later(log, 60, 0)
    old = log.fold(OLD)
    fold_all(old, log.records)
    before = Saved(SnapshotId("trainer/m", 0, 1, 0, len(log.records)), old.snapshot(), {TOPIC: len(log.records)}, {})
    command = log.rebuild(NEW, told=len(log.records))
    told = await tell(log, runtime=NEW)
    proved = Proved(log, told.fold, told.checkpoints)
    for version in (1, 2):  # the old number, as it has ended, and the new one
        for saved in (None, before):
            found = [step async for step in patiently(attempts(proved, proved.claim(version), NEW), saved)][-1]
            assert isinstance(found, Replayed)
            assert (found.difference, found.from_position, found.rebuilt) == ("", 0, command.offset)
    with pytest.raises(Unfit, match="penstock rebuild m"):
        [step async for step in patiently(attempts(proved, proved.claim(2), OTHER), None)]


def attempts(proved: Proved, claim: Claim, runtime: str = "") -> Any:
    async def attempt(saved: Saved | None, careful: bool) -> AsyncIterator[Progress | Replayed]:
        replay = Replay(claim, TOPIC, proved.log.wire, saved, runtime, careful=careful)
        async for records in replay.run(in_batches(proved.log.records[: claim.recorded.position])):
            yield Progress(records, claim.recorded.position)
        yield replay.result(0.0)

    return attempt


async def saved_behind(proved: Proved, position: int) -> Saved:
    """The living fold's snapshot at this position, behind one rewind or two."""
    told = await tell(proved.log, proved.log.records[:position])
    id = SnapshotId("trainer/m", 0, 1, told.fold.epoch, position)
    return Saved(id, told.fold.snapshot(), {TOPIC: position}, {TOPIC: tail_of(proved.log.records[position - 1])})
