"""Rewinds and corrections of every task: what is cut reaches no learner, and what is corrected is learned as if it had been right."""

from typing import Any

import pytest

from penstock.fold.protocol import LogRecord, Poison
from tests.learning_log import LearningLog, Told, fold_all, tell
from tests.simulation.offline import state_of
from tests.tasks import SAMPLES, Event, Sample

COUNT = 60
WRONG = {"multiclass": "unheard of", "regression": 1_000.0, "forecasting": 1_000.0}
LABELLED = tuple(WRONG)  # the tasks whose learners need labels
RELEARN: dict[str, Any] = {"on_correction": "relearn", "correction_depth": 10_000, "correction_wait": "30m"}


async def a_log(sample: Sample, wrong: int = -1, **label: Any) -> LearningLog:
    """A question an hour, each labelled at once, one of them wrongly."""
    events = sample.events(COUNT)
    log = await LearningLog.new([{"name": name, "type": ["null", "double"], "default": None} for name in events[0][0]])
    log.spec(**{**sample.changes, "label": {**sample.spec["label"], "horizon": "2000h", **label}})
    log.serve(1, 1)
    for number, event in enumerate(events):
        ask(log, number, event, WRONG[sample.task] if number == wrong else event[1])
    return log


def ask(log: LearningLog, number: int, event: Event, label: Any) -> None:
    log.ask(f"q{number}", number, **event[0])
    log.label(f"q{number}", number, label)


def labels_of(log: LearningLog, start: int, end: int) -> list[tuple[int, int]]:
    """One cut for each label in a range of the log."""
    return [(at, at + 1) for at in range(start, end) if log.wire.read(log.records[at].value)[0] == "Label"]


def adds_up(told: Told) -> bool:
    counts = told.fold.counts
    return counts["predictions"] == told.fold.pending.open_count + counts["labelled"] + counts["expired"] + counts["quarantined"]


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("cut", [(40, 41), (41, 42), (40, 80)], ids=["question", "label", "both"])
async def test_what_is_cut_reaches_no_learner(name: str, cut: tuple[int, int]) -> None:
    log = await a_log(SAMPLES[name])
    whole = await tell(log)
    log.rewind(cut[0], cut)
    told, spared = await tell(log), await tell(log, log.without(cut)[:-1])
    assert told.digests() == spared.digests()
    assert (told.digests() == whole.digests()) == (name == "anomaly" and cut == (41, 42)), "only the label of an anomaly teaches nothing"
    assert told.fold.counts["quarantined"] == (cut[1] - cut[0] + 1) // 2
    assert adds_up(told)


async def test_cut_labels_of_anomalies_take_nothing_from_a_learner_but_the_questions_end_otherwise() -> None:
    log = await a_log(SAMPLES["anomaly"])
    whole = await tell(log)
    log.rewind(40, *labels_of(log, 40, 80))
    told = await tell(log)
    assert told.digests() == whole.digests()
    assert [each["kind"] for each in told.outcomes if each["revision"]] == ["quarantined"] * 20


@pytest.mark.parametrize("name", SAMPLES)
async def test_after_a_rewind_heirs_are_scored_by_the_metrics_of_the_task(name: str) -> None:
    log = await a_log(SAMPLES[name])
    log.rewind(20, (20, 40))
    told = await tell(log)
    for number, event in enumerate(SAMPLES[name].events(COUNT)):
        fold_all(told.fold, later(log, number, event))
    heirs = told.fold.cohort.live()
    assert [heir.number for heir in heirs] == [3, 4]
    assert all(set(heir.metrics()) == set(SAMPLES[name].metrics()) for heir in heirs)
    assert all(heir.labels >= COUNT - 2 for heir in heirs)
    again = log.fold()
    again.restore(told.fold.snapshot())
    assert state_of(again) == state_of(told.fold)


def later(log: LearningLog, number: int, event: Event) -> list[LogRecord]:
    before = len(log.records)
    ask(log, COUNT + number, event, event[1])
    return log.records[before:]


@pytest.mark.parametrize("name", LABELLED)
async def test_a_corrected_label_is_learned_as_if_it_had_been_right_from_the_start(name: str) -> None:
    sample = SAMPLES[name]
    log, right = await a_log(sample, wrong=20, **RELEARN), await a_log(sample, **RELEARN)
    wrong = await tell(log)
    said = sample.events(COUNT)[20][1]
    log.label("q20", 70, said)
    log.tick(80)
    log.tick(90)
    told = await tell(log)
    assert (told.fold.epoch, told.fold.counts["labels.corrected"]) == (1, 1)
    assert set(told.digests().values()) == set((await tell(right)).digests().values()) != set(wrong.digests().values())
    (revised,) = [each for each in told.outcomes if each["revision"]]
    assert (revised["event_id"], revised["label"], type(revised["label"])) == ("q20", said, type(said))
    assert adds_up(told)


@pytest.mark.parametrize(("name", "wrong"), [("multiclass", 3.0), ("regression", "7"), ("forecasting", float("nan"))])
async def test_a_correction_of_another_kind_is_poison_and_is_not_gathered(name: str, wrong: Any) -> None:
    log = await a_log(SAMPLES[name], **RELEARN)
    fold = log.fold()
    fold_all(fold, log.records)
    with pytest.raises(Poison, match="wrong_label"):
        fold_all(fold, [log.label("q20", 70, wrong)])
    assert fold.corrections.all() == []


async def test_a_fold_that_goes_back_to_before_its_specification_has_forgotten_its_task() -> None:
    log = await LearningLog.new([{"name": "month", "type": ["null", "double"], "default": None}])
    for number in (2, 1):  # nobody has said yet that this is a series
        log.ask(f"q{number}", number, month=1.0)
        log.label(f"q{number}", number, 7.0)
    log.spec(**SAMPLES["forecasting"].changes)
    fold, begun = log.fold(), log.fold().snapshot()
    fold_all(fold, log.records)
    first = state_of(fold)
    fold.restore(begun)
    fold_all(fold, log.records)
    assert state_of(fold) == first
