"""A rewind: what is cut reaches no learner, whatever else has happened, and the model goes on as new versions."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from penstock import codec
from penstock.fold.protocol import LogRecord, Poison, Refold
from penstock_trainer.fold import TrainerFold
from tests.learning_log import SPEC, LearningLog, Told, a_log, checkpoints, fold_all, refold_of, tell
from tests.simulation.offline import state_of


def adds_up(told: Told) -> bool:
    counts = told.fold.counts
    return counts["predictions"] == told.fold.pending.open_count + counts["labelled"] + counts["expired"] + counts["quarantined"]


def later(log: LearningLog, count: int, hours: float) -> None:
    for number in range(count):
        log.ask(f"later{number}", hours + number / 60, a=float(number % 7) - 3)
        log.label(f"later{number}", hours + number / 60, number % 3 == 0)


@pytest.mark.parametrize("cut", [(100, 101), (3, 260), (150, 250), (200, 340)])
async def test_the_digest_is_that_of_a_world_in_which_what_is_cut_was_never_asked_and_never_answered(cut: tuple[int, int]) -> None:
    log = await a_log(questions=200, never_labelled=9)
    whole = await tell(log)
    log.rewind(cut[0], cut)
    told, spared = await tell(log), await tell(log, log.without(cut)[:-1])
    assert told.digests() == spared.digests() != whole.digests()
    assert told.fold.counts["rewinds"] == 1
    assert adds_up(told)


async def test_without_a_range_everything_from_there_on_is_cut() -> None:
    log = await a_log(questions=200)
    end = len(log.records)
    log.rewind(150)
    told = await tell(log)
    assert told.digests() == (await tell(log, log.records[:150])).digests()
    assert told.fold.rewinds.all[0].cuts == ((150, end),)
    assert told.fold.watermark.value == (await tell(log, log.records[:end])).fold.watermark.value, "what was cut has moved the clock"


async def test_what_was_cut_is_quarantined_and_what_answers_it_later_teaches_nothing() -> None:
    log = await a_log()
    log.ask("cut", 1, a=1.0)
    log.ask("kept", 1, a=-1.0)
    log.label("kept", 2, True)
    log.rewind(2, (2, 3), (4, 5))
    log.label("cut", 3, True)
    log.label("kept", 3, True)
    told = await tell(log)
    assert [(each["event_id"], each["kind"], each["revision"]) for each in told.outcomes] == [
        ("kept", "labelled", 0), ("cut", "quarantined", 1), ("kept", "quarantined", 1),
    ]  # fmt: skip
    assert [(each["origin"]["offset"], each["origin"]["index"]) for each in told.outcomes[1:]] == [(5, 0), (5, 1)], "the command says so"
    assert (told.fold.counts["quarantined"], told.fold.counts["labels.quarantined"], told.fold.counts["labelled"]) == (2, 3, 0)
    assert adds_up(told)


async def test_a_question_whose_early_label_was_cut_is_quarantined_when_it_comes() -> None:
    log = await a_log()
    log.label("q", 2, True)
    log.rewind(2, (2, 3))
    log.ask("q", 1, a=1.0)
    told = await tell(log)
    assert [(each["kind"], each["revision"], each["origin"]["offset"]) for each in told.outcomes] == [("quarantined", 0, 4)]
    assert told.fold.cohort.live()[0].learned == 0
    assert adds_up(told)


async def test_copies_of_what_was_cut_change_nothing_before_the_command_and_behind_it() -> None:
    log = await a_log(questions=120)
    clean = await tell(log)
    crossing = next(value["event_id"] for name, value in map(_read(log), log.records[60:120]) if name == "Prediction")

    def copies() -> None:
        for record in log.records[50:130]:
            log.again(record)
        log.ask(crossing, 2, partition=1, a=9.0)  # the same question through another partition

    copies()
    command = len(log.records)
    log.rewind(60, (60, 120))
    copies()
    told, spared = await tell(log), await tell(log, log.without((60, 120), (command - 1, command))[:command])
    assert told.digests() == spared.digests() != clean.digests()
    assert told.fold.counts["predictions.repeated"] == 2
    assert told.fold.counts["echoes"] == 160
    assert adds_up(told)


async def test_commands_and_ticks_in_a_cut_are_obeyed() -> None:
    log = await a_log(questions=100)
    log.drift("d1", 2)
    log.spec(2, challengers=["adagrad"])
    log.ask("late", 50, a=1.0)
    log.tick(200)
    log.rewind(len(log.records) - 4, (len(log.records) - 4, len(log.records)))
    told = await tell(log)
    kinds = [event.kind for event in told.fold.selection.history.events]
    assert kinds.count("reaction") == kinds.count("drift") == 1
    assert (told.fold.spec_version, told.fold.pending.open_count, told.fold.watermark.value) == (2, 0, 200 * 3_600_000)


async def test_cuts_accumulate_over_two_rewinds_and_each_end_is_revised_once() -> None:
    log = await a_log(questions=200)
    log.rewind(100, (100, 150))
    middle = len(log.records)
    later(log, 50, 10)
    log.rewind(60, (60, 80), (middle + 10, middle + 20), cause="r2")
    told = await tell(log)
    spared = await tell(log, log.without((100, 150), (60, 80), (middle + 10, middle + 20))[:-1])
    assert (told.fold.epoch, told.fold.counts["rewinds"]) == (2, 2)
    assert told.digests() == spared.digests()
    assert adds_up(told)
    revised = [each["prediction_position"] for each in told.outcomes if each["revision"]]
    assert len(revised) == len(set(revised)) == told.fold.counts["quarantined"]


async def test_the_second_rewind_gives_the_same_wherever_it_starts() -> None:
    log = await a_log(questions=150)
    log.rewind(100, (100, 140))
    first = len(log.records)
    later(log, 60, 10)
    log.rewind(80, (first + 40, first + 60), cause="r2")
    told, states = await tell(log), []
    starts = await _snapshots(log, first + 41)
    for epoch, position in [(0, 0), (0, 50), (0, 80), (1, first), (1, first + 30)]:
        fold = log.fold()
        if position:
            fold.restore(starts[epoch, position])
        refold = refold_of(log, log.records[-1].offset)
        assert refold.can_start(epoch, position) == (position <= 80)
        fold.begin(refold)
        assert _silent(fold, log.records[position:-1])
        fold.step(log.records[-1])
        states.append(state_of(fold))
    assert states == [state_of(told.fold)] * 5, "those behind `to` are true too: `to` is what was asked for"


async def test_a_state_that_has_folded_what_is_cut_is_no_place_to_start_from() -> None:
    log = await a_log(questions=100)
    log.rewind(60, (60, 70))
    refold = refold_of(log, log.records[-1].offset)
    assert [refold.can_start(0, position) for position in (0, 59, 60, 61)] == [True, True, True, False]
    log.rewind(110, (110, 120), cause="r2")
    refold = refold_of(log, log.records[-1].offset)
    assert [(refold.can_start(0, position), refold.can_start(1, position)) for position in (60, 61, 110, 111)] == [
        (True, True), (False, True), (False, True), (False, False),
    ]  # fmt: skip
    log.rewind(20, (115, 116), cause="r3")
    refold = refold_of(log, log.records[-1].offset)
    assert [refold.can_start(0, position) for position in (20, 21)] == [True, False], "no further than was asked for"


async def test_the_living_go_on_as_new_versions_whose_parent_and_cut_are_known() -> None:
    log = await a_log(questions=200, drift_at=100)
    before = await tell(log)
    position = len(log.records)
    log.rewind(100, (100, 200))
    told = await tell(log)
    old, heirs = before.fold.cohort.live(), told.fold.cohort.live()
    assert [version.number for version in old] == [1, 2]
    assert [(heir.number, heir.parent, heir.cause, heir.born_position) for heir in heirs] == [
        (3, 1, "r1", position + 1),
        (4, 2, "r1", position + 1),
    ]
    assert [(heir.labels, heir.learned) for heir in heirs] == [(0, 0)] * 2, "its record begins at its birth"
    noted = [event for event in told.fold.selection.history.events if event.kind == "rewound"]
    assert [(event.version, event.detail) for event in noted] == [
        (3, {"parent": 1, "without": [[100, 200]]}), (4, {"parent": 2, "without": [[100, 200]]}),
    ]  # fmt: skip
    ended = [each for each in told.checkpoints if each.position == position]
    assert [(each.version, each.live, each.digest) for each in ended] == [
        (version.number, False, codec.digest(codec.encode(version.learner))) for version in old
    ]
    assert {each.chain for each in ended} == {before.fold.chain.value.hex()}


async def test_the_parent_stays_as_it_was_when_its_heir_learns_on() -> None:
    log = await a_log(questions=120)
    log.rewind(60, (60, 90))
    fold = (await tell(log)).fold
    before = codec.encode(fold.cohort.versions[1].learner)
    later(log, 30, 10)
    fold_all(fold, log.records[-60:])
    assert codec.encode(fold.cohort.versions[1].learner) == before != codec.encode(fold.cohort.versions[2].learner)
    assert (fold.cohort.versions[1].live, fold.cohort.versions[2].learned) == (False, 30)


async def test_the_heir_of_who_serves_is_proposed_however_promotion_is_decided() -> None:
    log = await a_log(questions=120)
    log.rewind(60, (60, 90))
    told = await tell(log)
    (made,) = [each for each in told.checkpoints if each.proposal]
    assert made.proposal is not None
    assert (made.version, made.proposal.champion, made.proposal.declared) == (2, 1, True)
    assert json.loads(made.proposal.evidence) == {"test": "rewind", "cause": "r1", "parent": 1}
    assert told.fold.selection.champion == 1, "until the registry has taken it"
    fold_all(told.fold, [log.serve(2, 2, made.position)])
    assert told.fold.selection.champion == 2


async def test_who_is_crowned_though_a_rewind_has_ended_it_gives_way_to_its_heir() -> None:
    log = await a_log(questions=120, drift_at=60)
    log.rewind(100, (100, 110))
    told = await tell(log)
    made = checkpoints(fold_all(told.fold, [log.serve(2, 2)]))  # it was promoted while the rewind was on its way
    assert told.fold.selection.champion == 2
    assert [(each.version, each.proposal.champion) for each in made if each.proposal] == [(4, 2)]
    assert not checkpoints(fold_all(told.fold, [log.serve(2, 1), log.serve(9, 3)])), "an older one, and one that never was"


async def test_a_version_that_only_the_first_telling_knew_has_an_heir_too() -> None:
    log = await LearningLog.new()
    reaction = {"when": {"kind": "concept"}, "spawn": "adagrad", "cooldown_labels": 50, "budget": 2}
    log.spec(drift={**SPEC["drift"], "reactions": [reaction]})
    log.serve(1, 1)
    log.drift("d1", 1)
    later(log, 60, 2)
    log.drift("d2", 5)  # the cool-down is over, unless labels were cut
    log.serve(3, 2)
    log.rewind(3, (3, 100))
    told = await tell(log)
    selection = told.fold.selection
    assert told.fold.rewinds.all[0].versions == {1: "sgd", 2: "adagrad", 3: "adagrad"}
    assert [version.number for version in told.fold.cohort.versions.values()] == [1, 2, 4, 5], "with a cool-down nobody was born"
    assert (selection.champion, selection.heirs.of(3)) == (3, 4), "the heir of who had served before it"
    assert [(each.version, each.proposal.champion) for each in told.checkpoints if each.proposal] == [(4, 3)]


async def test_nothing_is_said_twice() -> None:
    log = await a_log(questions=200, drift_at=100)
    log.rewind(100, (100, 150))
    told = await tell(log)
    places = [(each.version, each.position) for each in told.checkpoints]
    assert len(places) == len(set(places))
    first = [each["prediction_position"] for each in told.outcomes if not each["revision"]]
    assert len(first) == len(set(first))


async def test_a_command_counts_once() -> None:
    log = await a_log(questions=100)
    command = log.rewind(50, (50, 60))
    once = await tell(log)
    log.again(command)
    told = await tell(log)
    assert told.digests() == once.digests()
    assert (told.fold.epoch, told.fold.counts["echoes"]) == (1, 1)


@pytest.mark.parametrize(("to", "cuts"), [(-1, [(0, 1)]), (50, [(40, 60)]), (50, [(60, 60)]), (50, [(60, 500)]), (500, [])])
async def test_a_command_that_makes_no_sense_is_poison_and_changes_nothing(to: int, cuts: list[tuple[int, int]]) -> None:
    log = await a_log(questions=60)
    log.rewind(to, *cuts)
    fold = log.fold()
    fold_all(fold, log.records[:-1])
    with pytest.raises(Poison, match="wrong_rewind"):
        fold.step(log.records[-1])
    assert (fold.epoch, len(fold.cohort.live())) == (0, 1)


async def test_before_the_first_specification_there_is_nothing_to_rewind() -> None:
    log = await LearningLog.new()
    log.ask("q", 1, a=1.0)
    log.rewind(0, (0, 1))
    with pytest.raises(Poison, match="no specification"):
        fold_all(log.fold(), log.records)


async def test_a_restored_fold_knows_its_rewinds_and_goes_on_as_if_nothing_had_happened() -> None:
    log = await a_log(questions=100)
    log.rewind(60, (60, 90))
    told = await tell(log)
    again = log.fold()
    again.restore(told.fold.snapshot())
    assert (again.epoch, again.refolding) == (1, False)
    later(log, 30, 10)
    log.label("q40", 9, True)  # of a question that was cut, or is labelled
    log.serve(1, 5)
    end = len(log.records) - 62
    for fold in (told.fold, again):
        fold_all(fold, log.records[end:])
    assert state_of(again) == state_of(told.fold) == state_of((await tell(log)).fold)


def _read(log: LearningLog) -> Any:
    return lambda record: log.wire.read(record.value)


def _silent(fold: TrainerFold, records: Sequence[LogRecord]) -> bool:
    return fold_all(fold, records) == [] and fold.refolding


async def _snapshots(log: LearningLog, end: int) -> dict[tuple[int, int], Any]:
    """The living fold's snapshots, by epoch and position."""
    fold, start, taken = log.fold(), 0, {}
    while start < end:
        try:
            fold.step(log.records[start])
            start += 1
            if not fold.refolding:
                taken[fold.epoch, start] = fold.snapshot()
        except Refold as refold:
            fold, start = log.fold(), 0
            fold.begin(refold)
    return taken
