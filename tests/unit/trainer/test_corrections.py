"""Corrected labels: gathered for a while, then learned as if they had been right from the start; too late ones are refused by name."""

from typing import Any

from penstock.fold.protocol import LogRecord
from penstock_trainer.corrections import GATHERED_MAX, Correction, Corrections
from tests.learning_log import SPEC, LearningLog, Told, fold_all, refold_of, tell
from tests.simulation.offline import state_of

RULE = {**SPEC["label"], "on_correction": "relearn", "correction_depth": 500, "correction_wait": "30m"}


async def a_log(questions: int = 60, *, only_counted: bool = False, **rule: Any) -> LearningLog:
    """A question a minute, each labelled at once."""
    log = await LearningLog.new()
    log.spec(label=SPEC["label"] if only_counted else {**RULE, **rule})
    log.serve(1, 1)
    for number in range(questions):
        ask(log, number)
    return log


def ask(log: LearningLog, number: int) -> None:
    log.ask(f"q{number}", number / 60, a=float(number % 7) - 3, b=float(number % 5))
    log.label(f"q{number}", number / 60, number % 3 == 0)


def right_from_the_start(log: LearningLog, wrong: set[int]) -> list[LogRecord]:
    """The log of a world in which these labels were right when they came, and nobody said anything else."""
    records = list(log.records)
    for number in wrong:
        offset = 2 + 2 * number + 1
        value = log.wire.read(records[offset].value)[1]
        assert value["event_id"] == f"q{number}"
        records[offset] = records[offset]._replace(value=log.writer("Label")({**value, "value": not value["value"]}))
    return records


def adds_up(told: Told) -> bool:
    counts = told.fold.counts
    return counts["predictions"] == told.fold.pending.open_count + counts["labelled"] + counts["expired"] + counts["quarantined"]


async def test_corrections_are_gathered_and_learned_together_as_if_they_had_been_right_from_the_start() -> None:
    log = await a_log()
    for number in (10, 40):
        log.label(f"q{number}", 1, number % 3 != 0)
    waiting = await tell(log)
    assert (waiting.fold.epoch, waiting.fold.counts["corrections"]) == (0, 2)
    log.tick(2)
    ask(log, 121)
    told = await tell(log)
    right = await tell(log, right_from_the_start(log, {10, 40}))
    assert (told.fold.epoch, told.fold.counts["labels.corrected"]) == (1, 2), "one refold for both"
    assert set(told.digests().values()) == set(right.digests().values()) != set(waiting.digests().values())
    assert adds_up(told)


async def test_they_wait_for_as_long_as_is_stated() -> None:
    log = await a_log()
    log.label("q10", 1, True)
    log.tick(1.48)
    log.tick(1.49)
    fold = (await tell(log)).fold
    assert (fold.epoch, fold.corrections.all()) == (0, [Correction(22, True, 122)])
    log.tick(1.5)
    log.tick(1.6)
    assert (await tell(log)).fold.epoch == 1


async def test_what_ends_otherwise_is_told_with_a_revision_and_the_living_go_on_as_new_versions() -> None:
    log = await a_log()
    log.label("q10", 1, True)
    log.tick(5)
    log.tick(6)
    told = await tell(log)
    (revised,) = [each for each in told.outcomes if each["revision"]]
    assert (revised["event_id"], revised["kind"], revised["label"], revised["revision"]) == ("q10", "labelled", True, 1)
    assert (revised["label_position"], revised["origin"]["offset"]) == (23, 124)
    (heir,) = told.fold.cohort.live()
    assert (heir.number, heir.parent, heir.cause, heir.born_position) == (2, 1, "correction:124", 125)
    ended = [each for each in told.checkpoints if not each.live]
    assert [(each.version, each.position) for each in ended] == [(1, 124)]


async def test_the_last_one_counts_and_what_was_learned_said_again_takes_a_correction_back() -> None:
    log = await a_log()
    log.label("q10", 1, True)
    log.label("q10", 1, False)
    log.tick(5)
    log.tick(6)
    assert (await tell(log)).fold.epoch == 0
    log.label("q10", 6, True)
    log.tick(10)
    log.tick(11)
    log.label("q10", 11, False)
    log.tick(20)
    log.tick(21)
    told = await tell(log)
    assert told.fold.epoch == 2, "corrected, and corrected back"
    right = await tell(log, right_from_the_start(log, set())[:122])
    assert set(told.digests().values()) == set(right.digests().values())


async def test_beyond_the_depth_they_are_counted_and_refused_by_name() -> None:
    log = await a_log(correction_depth=100)
    log.label("q10", 1, True)  # its question stands exactly 100 records back
    log.label("q9", 1, False)
    log.tick(5)
    log.tick(6)
    fold = (await tell(log)).fold
    assert (fold.counts["corrections.refused"], fold.counts["labels.corrected"]) == (1, 1)
    refused = [event for event in fold.selection.history.events if event.kind == "refused"]
    assert [(event.cause, event.detail) for event in refused] == [("correction:q9", {"reason": "depth", "records": 103})]


async def test_where_they_are_only_counted_nothing_is_learned_again() -> None:
    log = await a_log(only_counted=True)
    log.label("q10", 1, True)
    log.tick(50)
    log.tick(51)
    fold = (await tell(log)).fold
    assert (fold.epoch, fold.counts["labels.conflicting"]) == (0, 1)
    assert not [name for name in fold.counts if name.startswith("corrections")]


async def test_of_two_labels_that_came_before_their_question_the_last_one_is_learned() -> None:
    log = await a_log(questions=0)
    log.label("q0", 1, True)
    log.label("q0", 1, False)
    log.ask("q0", 1, a=1.0)
    told = await tell(log)
    assert [(each["label"], each["label_position"]) for each in told.outcomes] == [(False, 3)]
    assert told.fold.epoch == 0


async def test_a_rewind_that_cuts_a_correction_brings_back_the_label_before_it() -> None:
    log = await a_log()
    before = await tell(log)
    correction = log.label("q10", 1, True).offset
    log.tick(5)
    log.tick(6)
    log.rewind(correction, (correction, correction + 1))
    told = await tell(log)
    assert (told.fold.epoch, told.fold.counts["labels.corrected"]) == (2, 0)
    assert set(told.digests().values()) == set(before.digests().values())


async def test_a_state_that_has_learned_what_is_corrected_is_no_place_to_start_from() -> None:
    log = await a_log()
    correction = log.label("q40", 1, True).offset
    log.tick(5)
    log.tick(6)
    refold = refold_of(log, 124)
    assert [refold.can_start(0, position) for position in (0, 82, 83, 100)] == [True, True, False, False]
    assert refold.to == 82
    log.rewind(100, (110, 111))
    refold = refold_of(log, 125)
    assert [(refold.can_start(0, position), refold.can_start(1, position)) for position in (82, 83)] == [(True, True), (False, True)]
    log.rewind(correction, (correction, correction + 1), cause="r2")
    refold = refold_of(log, 126)  # it undoes the correction
    assert [(refold.can_start(0, position), refold.can_start(1, position)) for position in (82, 83)] == [(True, True), (False, False)]


async def test_a_refold_of_corrections_gives_the_same_wherever_it_starts_and_is_restored() -> None:
    log = await a_log()
    log.label("q40", 1, True)
    log.tick(5)
    log.tick(6)
    told = await tell(log)
    again = log.fold()
    again.restore(told.fold.snapshot())
    for number in (400, 401):
        ask(log, number)
    log.label("q400", 7, True)
    log.tick(9)
    for fold in (told.fold, again):
        fold_all(fold, log.records[125:])
    assert state_of(again) == state_of(told.fold) == state_of((await tell(log)).fold)
    later = log.fold()
    later.restore(told.fold.snapshot())
    assert later.corrections.all() == [Correction(125, True, 129)]
    assert later.corrections.due_ms == told.fold.corrections.due_ms


def test_when_too_many_wait_they_wait_no_longer() -> None:
    waiting = Corrections()
    for asked in range(GATHERED_MAX):
        assert waiting.due_ms > 0
        waiting.gather(Correction(asked + 1, True, asked + 2), now_ms=1, wait_ms=1_000)
    assert waiting.due_ms < -(1 << 60)
