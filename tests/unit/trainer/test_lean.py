"""What a replay leaves out changes nothing: the same learners, metrics and decisions, to the last bit."""

import random
from typing import Any

import pytest
from hypothesis import given, strategies
from river import metrics

from penstock import codec
from penstock.fold.drive import reading, replay
from penstock.fold.poison import Caused
from penstock.fold.protocol import Missing
from penstock_trainer.fold import TrainerFold
from penstock_trainer.lean import CountedRocauc, NeedsRepair, PlainPending, QuickVersion, ReplayFold
from tests.learning_log import SPEC, LearningLog, a_log, checkpoints, fold_all, tell

EDGES = [index / 9 for index in range(10)]
SCORES = strategies.sampled_from([*EDGES, 1 / 9 + 1e-12, 0.5]) | strategies.floats(0, 1)
ROWS = strategies.lists(strategies.tuples(strategies.booleans(), SCORES))


@given(ROWS, ROWS)
def test_the_counted_area_is_rivers_from_any_beginning(before: list[tuple[bool, float]], after: list[tuple[bool, float]]) -> None:
    whole = metrics.ROCAUC()
    for label, score in before:
        whole.update(label, score)
    counted = CountedRocauc(codec.decode(codec.encode(whole)))
    for label, score in after:
        whole.update(label, score)
        counted.update(label, score)
    assert counted.get() == float(whole.get())


def lean(log: LearningLog, *, careful: bool = False) -> ReplayFold:
    return ReplayFold("m", log.wire, careful=careful)


def state_of(fold: TrainerFold) -> Any:
    versions = [
        (each.number, each.live, each.labels, each.learned, each.skipped, each.paired_labels, each.paired_difference, each.metrics())
        for each in fold.cohort.versions.values()
    ]
    digests = [codec.digest(codec.encode(each.learner)) for each in fold.cohort.versions.values()]
    return fold.chain.value, fold.counts, fold.selection.history.dump(), fold.watermark.dump(), fold.pending.open_count, versions, digests


@pytest.mark.parametrize("restored_at", [0, 900, 1_500])
async def test_a_replay_ends_where_the_living_fold_does(restored_at: int) -> None:
    log = await a_log(questions=1_500, drift_at=600, never_labelled=77)
    log.tick(1_500 / 60 + 49)
    living, replay = log.fold(), lean(log)
    made = checkpoints(fold_all(living, log.records[:restored_at]))
    if restored_at:
        replay.restore(living.snapshot())
    later = fold_all(living, log.records[restored_at:])
    assert checkpoints(fold_all(replay, log.records[restored_at:])) == checkpoints(later)
    assert len(made) + len(checkpoints(later)) > 10
    assert state_of(replay) == state_of(living)


async def test_a_replays_snapshot_is_one_that_the_living_fold_goes_on_from() -> None:
    log = await a_log(questions=600, drift_at=300)
    whole, replay, restored = log.fold(), lean(log), log.fold()
    fold_all(whole, log.records)
    fold_all(replay, log.records[:700])
    restored.restore(replay.snapshot())
    fold_all(restored, log.records[700:])
    assert state_of(restored) == state_of(whole)
    fold_all(replay, log.records[700:])
    assert state_of(replay) == state_of(whole)


async def test_entries_without_bytes_are_those_with_them() -> None:
    log = await a_log(questions=400, never_labelled=5)
    living, replay = log.fold(), lean(log)
    fold_all(living, log.records)
    fold_all(replay, log.records)
    ids = [f"q{number}" for number in range(400)]
    assert [replay.pending.get(id) for id in ids] == [living.pending.get(id) for id in ids]
    assert isinstance(replay.pending, PlainPending)


async def failing() -> LearningLog:
    """A log with values that make a learner fail: text where it expects a number."""
    log = await LearningLog.new()
    log.spec(preprocess=[], learners={"sgd": SPEC["learners"]["sgd"]}, drift={}, retire_after_errors=9)
    chance = random.Random(4)
    for number in range(60):
        log.ask(f"q{number}", number / 60, a=abs(chance.gauss(0, 1)), c="text" if number in (20, 40) else None)
        log.label(f"q{number}", number / 60, chance.random() < 0.5)
    return log


async def test_a_learner_that_fails_is_repaired_by_the_careful_replay_and_refused_by_the_quick_one() -> None:
    log = await failing()
    living, replay = log.fold(), lean(log, careful=True)
    fold_all(living, log.records)
    fold_all(replay, log.records)
    assert living.cohort.versions[1].errors > 0
    of = [fold.cohort.versions[1] for fold in (living, replay)]
    assert len({(each.errors, each.skipped, codec.digest(codec.encode(each.learner))) for each in of}) == 1
    with pytest.raises(NeedsRepair):
        fold_all(lean(log), log.records)


async def test_over_rewinds_and_corrections_a_replay_says_and_learns_what_the_living_fold_does() -> None:
    log = await a_log(questions=300, drift_at=150, never_labelled=77)
    log.spec(2, label={**SPEC["label"], "on_correction": "relearn", "correction_depth": 900, "correction_wait": "30m"})
    for number in range(20, 40):
        log.label(f"q{number}", 5, True)
    log.rewind(200, (200, 260))
    for number in range(150):
        log.ask(f"later{number}", 10 + number / 60, a=float(number % 7) - 3)
        log.label(f"later{number}", 10 + number / 60, number % 3 == 0)
    said: Caused = []
    told, leaning = await tell(log), lean(log)
    async for _ in replay(leaning, reading(log.records), nothing_is_missing, said.extend):
        pass
    assert told.fold.epoch == 2
    assert checkpoints(said) == told.checkpoints
    assert [each.version for each in checkpoints(said) if not each.live] == [1, 2, 3, 4], "who ends has something to say"
    assert {type(version) for version in leaning.cohort.versions.values()} == {QuickVersion}, "heirs too"
    assert state_of(leaning) == state_of(told.fold)


async def nothing_is_missing(missing: Missing) -> None:
    raise AssertionError(missing)
