"""A rebuild: a log goes on under another runtime, in which all of it was folded again, and the model goes on as new versions."""

import random
from typing import Any

import pytest

from penstock import codec
from penstock.fold.drive import reading
from penstock.fold.protocol import Output, Poison, Refold, Unfit
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rebuild import demanded
from tests.learning_log import SPEC, LearningLog, checkpoints, fold_all, tell
from tests.runtimes import NEW, OLD, OTHER
from tests.simulation.offline import state_of


async def an_old_log(questions: int = 120, *, seed: int = 1, **changes: Any) -> LearningLog:
    """A log that was folded under the old runtime: questions one a minute, each with its label an hour later."""
    log, chance = await LearningLog.new(), random.Random(seed)
    log.spec(runtime=OLD, **changes)
    log.serve(1, 1)
    go_on(log, questions, chance=chance)
    return log


def go_on(log: LearningLog, questions: int, start: int = 0, chance: random.Random | None = None) -> None:
    chance = chance or random.Random(start)
    for number in range(start, start + questions + 60):
        if number >= start + 60:
            log.label(f"q{number - 60}", number / 60, chance.random() < 0.5)
        if number < start + questions:
            log.ask(f"q{number}", number / 60, a=chance.gauss(0, 1), b=chance.gauss(0, 1), c=chance.choice("xyz"))


async def again(log: LearningLog, runtime: str, start: int = 0) -> Refold | None:
    return await demanded(reading(log.records)(start), log.wire, runtime)


async def test_without_a_rebuild_a_log_of_another_runtime_is_refused_and_the_cure_is_named() -> None:
    log = await an_old_log()
    with pytest.raises(Unfit, match=r"m is folded under another runtime: river 0.25.0 \(here 0.26.1\). Try: penstock rebuild m, which"):
        await tell(log, runtime=NEW)
    old = log.fold(OLD)
    fold_all(old, log.records)
    restored = log.fold(NEW)
    with pytest.raises(Unfit, match="penstock rebuild m"):
        restored.restore(old.snapshot())


async def test_a_rebuilt_model_has_learned_what_it_would_have_learned_under_this_runtime_from_the_start() -> None:
    log = await an_old_log()
    whole = await tell(log, runtime=OLD)
    log.rebuild(NEW, told=len(log.records))
    told = await tell(log, runtime=NEW)
    assert told.digests() == whole.digests()
    assert (told.fold.epoch, told.fold.runtime, told.fold.counts["rebuilds"]) == (1, NEW, 1)
    assert [(version.number, version.parent, version.cause) for version in told.fold.cohort.live()] == [(2, 1, "rebuild:1")]


async def test_until_its_command_nothing_is_said_then_the_old_numbers_end_and_the_heir_of_who_serves_is_proposed() -> None:
    log = await an_old_log(drift={**SPEC["drift"], "reactions": []}, challengers=["adagrad"])
    log.rebuild(NEW, {1: "sgd", 2: "adagrad", 3: "adagrad"}, told=len(log.records))
    told = await tell(log, runtime=NEW)
    end = len(log.records)
    assert told.outcomes == []
    assert {each.position for each in told.checkpoints} == {end}
    assert {each.runtime for each in told.checkpoints} == {NEW}
    assert [(each.version, each.parent, each.live) for each in told.checkpoints] == [
        (1, 0, False), (2, 0, False), (5, 2, True), (4, 1, True),
    ]  # fmt: skip
    (proposed,) = [each for each in told.checkpoints if each.proposal]
    assert proposed.proposal is not None
    assert (proposed.version, proposed.proposal.champion, proposed.proposal.declared) == (4, 1, True)
    fold_all(told.fold, [log.serve(4, 2, end)])
    assert told.fold.selection.champion == 4


async def test_numbers_that_the_world_knows_are_never_given_again() -> None:
    log = await an_old_log()
    log.serve(7, 2)  # under the old runtime there was such a one
    log.rebuild(NEW, {1: "sgd", 7: "adagrad"}, told=len(log.records))
    told = await tell(log, runtime=NEW)
    assert [version.number for version in told.fold.cohort.live()] == [8]
    assert (told.fold.selection.champion, told.fold.selection.serving) == (7, (2, 1)), "who serves is what the log says"
    assert [(each.version, each.proposal.champion) for each in told.checkpoints if each.proposal] == [(8, 7)]
    assert [each.version for each in told.checkpoints if not each.live] == [1], "of 7 this runtime knows nothing"


async def test_what_came_while_nobody_could_fold_is_told_once_with_the_origins_that_it_would_have_had() -> None:
    log = await an_old_log()
    told_until = 100
    before = await tell(log, log.records[:told_until], runtime=OLD)
    whole = await tell(log, runtime=OLD)
    log.rebuild(NEW, told=told_until)
    told = await tell(log, runtime=NEW)
    keys = [(each["origin"]["offset"], each["event_id"], each["kind"], each["label"]) for each in told.outcomes]
    known = [(each["origin"]["offset"], each["event_id"], each["kind"], each["label"]) for each in whole.outcomes]
    assert keys == known[len(before.outcomes) :]
    assert len(keys) > 20


async def test_cuts_of_rewinds_before_it_stay_cut_and_the_whole_log_is_folded_again_for_each() -> None:
    log = await an_old_log()
    log.rewind(60, (60, 90), cause="rewind:1")
    go_on(log, 60, start=200)
    log.rewind(40, (100, 120), cause="rewind:2")
    whole = await tell(log, runtime=OLD)
    log.rebuild(NEW, dict.fromkeys((1, 2, 3), "sgd"), told=len(log.records))
    told = await tell(log, runtime=NEW)
    assert told.digests() == whole.digests()
    assert (told.fold.epoch, told.fold.counts["rewinds"], told.fold.counts["rebuilds"]) == (3, 2, 1)
    assert told.fold.counts["quarantined"] == whole.fold.counts["quarantined"] > 0
    assert [(version.number, version.parent) for version in told.fold.cohort.live()] == [(4, 3)]
    assert told.outcomes == []


async def test_a_rewind_that_nobody_could_obey_is_obeyed_by_the_rebuild_and_its_end_is_told() -> None:
    log = await an_old_log()
    told_until = len(log.records)
    log.rewind(60, (60, 90), cause="rewind:1")
    log.rebuild(NEW, told=told_until)
    told = await tell(log, runtime=NEW)
    assert {(each["kind"], each["revision"]) for each in told.outcomes} == {("quarantined", 2)}
    assert len(told.outcomes) == told.fold.counts["quarantined"]
    assert told.digests() == (await tell(log, log.without((60, 90))[:-2], runtime=OLD)).digests()


async def test_a_rewind_on_the_way_begins_with_the_log_and_says_nothing() -> None:
    log = await an_old_log()
    log.rewind(60, (60, 90), cause="rewind:1")
    command = log.rebuild(NEW, told=len(log.records) - 1)
    refold = await again(log, NEW)
    assert refold is not None
    fold = log.fold(NEW)
    fold.begin(refold)
    with pytest.raises(Refold) as asked:
        fold_all(fold, log.records)
    assert (asked.value.to, asked.value.until, asked.value.caused) == (0, command.offset, ())
    assert [asked.value.can_start(0, position) for position in (0, 50)] == [True, False], "a snapshot of the runtime before is none"


async def test_corrections_are_learned_by_a_rebuild_as_they_were() -> None:
    label = {**SPEC["label"], "on_correction": "relearn", "correction_wait": "1h"}
    log = await an_old_log(label=label)
    for number in (3, 4, 5):
        log.label(f"q{number}", 4, True)
        log.label(f"q{number}", 4, False)
    log.tick(8)
    log.tick(9)
    go_on(log, 20, start=600)
    whole = await tell(log, runtime=OLD)
    assert whole.fold.epoch == 1
    log.rebuild(NEW, {1: "sgd", 2: "sgd"}, told=len(log.records))
    told = await tell(log, runtime=NEW)
    assert told.fold.epoch == 2
    assert told.digests() == whole.digests()
    assert told.fold.counts["labels.corrected"] == whole.fold.counts["labels.corrected"] > 0


async def test_no_state_of_the_runtime_before_is_a_place_to_start_from_for_a_rewind_after_it() -> None:
    log = await an_old_log()
    log.rebuild(NEW, told=len(log.records))
    rebuilt = len(log.records)
    go_on(log, 30, start=300)
    fold = (await tell(log, runtime=NEW)).fold
    saved = fold.snapshot()
    log.rewind(rebuilt + 5, (rebuilt + 5, rebuilt + 9))
    with pytest.raises(Refold) as asked:
        fold.step(log.records[-1])
    refold = asked.value
    assert [refold.can_start(0, position) for position in (0, 1, 50)] == [True, False, False]
    assert [refold.can_start(1, position) for position in (rebuilt, rebuilt + 5, rebuilt + 6)] == [True, True, False]
    from_zero = log.fold(NEW)
    from_zero.begin(refold)
    fold_all(from_zero, log.records)
    assert state_of(from_zero) == state_of((await tell(log, runtime=NEW)).fold)
    again_ = log.fold(NEW)
    again_.restore(saved)
    assert (again_.epoch, again_.runtime) == (1, NEW)


async def test_a_log_goes_on_from_runtime_to_runtime_and_back_and_each_folds_what_is_its_own() -> None:
    log = await an_old_log()
    log.rebuild(NEW, {1: "sgd"}, told=len(log.records), cause="rebuild:1")
    first = len(log.records)
    go_on(log, 30, start=300)
    middle = await tell(log, runtime=NEW)
    log.rebuild(OTHER, {1: "sgd", 2: "sgd"}, told=len(log.records), cause="rebuild:2")
    go_on(log, 30, start=600)
    log.rebuild(NEW, {1: "sgd", 2: "sgd", 3: "sgd"}, told=len(log.records), cause="rebuild:3")
    told = await tell(log, runtime=NEW)
    assert (told.fold.epoch, [version.number for version in told.fold.cohort.live()]) == (3, [4])
    assert (await tell(log, log.records[: first - 1], runtime=OLD)).fold.runtime == OLD
    assert (await again(log, OTHER), await again(log, OLD)) == (None, None), "the last one counts"
    with pytest.raises(Unfit, match=r"river 0.25.0 \(here 0.27.0\)"):
        await tell(log, runtime=OTHER)
    with pytest.raises(Unfit, match=r"river 0.26.1 \(here 0.25.0\)"):
        await tell(log, runtime=OLD)
    assert middle.fold.cohort.live()[0].number == 2


async def test_who_lives_when_another_runtime_takes_over_stops() -> None:
    log = await an_old_log()
    fold = log.fold(OLD)
    fold_all(fold, log.records)
    with pytest.raises(Unfit, match=r"river 0.26.1 \(here 0.25.0\)"):
        fold.step(log.rebuild(NEW))


async def test_of_several_commands_for_one_runtime_the_first_counts() -> None:
    log = await an_old_log()
    first = log.rebuild(NEW, told=len(log.records), cause="rebuild:1")
    log.again(first)
    log.rebuild(NEW, {1: "sgd", 9: "sgd"}, told=0, cause="rebuild:2")
    refold = await again(log, NEW)
    assert refold is not None
    assert (refold.to, refold.until) == (0, first.offset)
    told = await tell(log, log.records[:-1], runtime=NEW)
    assert (told.fold.counts["rebuilds"], told.fold.counts["echoes"]) == (1, 1)
    with pytest.raises(Poison, match="folded under this runtime already"):
        told.fold.step(log.records[-1])


async def test_a_command_before_any_specification_or_of_nonsense_is_poison() -> None:
    log = await LearningLog.new()
    log.rebuild(NEW)
    with pytest.raises(Poison, match="no specification"):
        log.fold(NEW).step(log.records[0])
    log = await an_old_log(10)
    log.rebuild(NEW, told=10_000)
    fold = log.fold()
    fold_all(fold, log.records[:-1])
    with pytest.raises(Poison, match="makes no sense"):
        fold.step(log.records[-1])


async def test_junk_and_unknown_schemas_are_no_command() -> None:
    log = await an_old_log(10)
    log.raw(b"junk")
    log.raw(b"\0\0\0\x99\x99junk")
    command = log.rebuild(NEW, told=len(log.records))
    refold = await again(log, NEW)
    assert refold is not None
    assert refold.until == command.offset
    assert await again(log, NEW, command.offset + 1) is None


async def test_a_rebuilt_fold_is_restored_and_goes_on() -> None:
    log = await an_old_log(40)
    log.rebuild(NEW, told=len(log.records))
    told = await tell(log, runtime=NEW)
    restored = log.fold(NEW)
    restored.restore(told.fold.snapshot())
    end = len(log.records)
    go_on(log, 40, start=300)
    log.spec(2, runtime=OTHER, challengers=["adagrad"])  # whoever has written it: the log says under what it is folded
    for fold in (told.fold, restored):
        fold_all(fold, log.records[end:])
    assert state_of(restored) == state_of(told.fold)
    assert restored.runtime == NEW
    assert codec.digest(restored.cohort.live()[0].remark()) == codec.digest(told.fold.cohort.live()[0].remark())


def said(fold: TrainerFold, log: LearningLog, offset: int) -> tuple[list[Any], list[Any]]:
    made = list(fold.step(log.records[offset]))
    return [each for each in made if isinstance(each, Output)], checkpoints(made)


async def test_on_the_way_there_are_outcomes_of_what_was_not_told_but_no_checkpoints() -> None:
    log = await an_old_log(checkpoint_every_labels=1)
    log.rebuild(NEW, told=100)
    refold = await again(log, NEW)
    assert refold is not None
    fold = log.fold(NEW)
    fold.begin(refold)
    outcomes, made = 0, 0
    for offset in range(len(log.records) - 1):
        told, effects = said(fold, log, offset)
        assert not (told and offset < 100)
        assert fold.tells(offset) == (offset >= 100)
        outcomes, made = outcomes + len(told), made + len(effects)
    assert outcomes > 0 == made
    assert fold.refolding
    assert said(fold, log, len(log.records) - 1)[1]
    assert not fold.refolding
