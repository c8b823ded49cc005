"""Every task: the fold has learned, scored and proposed what plain River has, to the last bit, wherever it was restored."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from penstock import codec
from penstock.fold.protocol import LogRecord, Output, Poison
from penstock_trainer.checkpoints import record_of
from penstock_trainer.cohort import canonical
from penstock_trainer.fold import TrainerFold
from tests.learning_log import LearningLog, checkpoints, fold_all
from tests.tasks import SAMPLES, Event, Sample

COUNT = 144
DELAY = 5  # questions that come before the label of one


async def a_log(sample: Sample, events: list[Event], delay: int = DELAY, **changes: Any) -> LearningLog:
    """A question an hour; its label comes after `delay` further ones, but every seventh never comes."""
    fields = [{"name": name, "type": ["null", "double"], "default": None} for name in events[0][0]]
    log = await LearningLog.new(fields)
    log.spec(**{**sample.changes, **changes})
    log.serve(1, 1)
    for number in range(len(events) + delay):
        if number < len(events):
            ask(log, number, events[number][0])
        if (told := number - delay) >= 0 and told % 7 != 6:
            log.label(f"q{told}", number + 0.5, events[told][1])
    return log


def ask(log: LearningLog, number: int, x: Mapping[str, Any]) -> LogRecord:
    return log.ask(f"q{number}", number, **x)


def ended(log: LearningLog, made: list[Any]) -> list[dict[str, Any]]:
    return [log.wire.read(each.value)[1] for each in made if isinstance(each, Output)]


def metrics_of(fold: TrainerFold, number: int) -> dict[str, str]:
    return {name: repr(value) for name, value in fold.cohort.versions[number].metrics().items()}


class Plain:
    """One version by hand: what River's documentation shows for each task, over the same records."""

    def __init__(self, sample: Sample, number: int) -> None:
        self.river = sample.plain(number)
        self.metrics = sample.metrics()
        self.answers: dict[int, Any] = {}
        self.series_at = -1

    def ask(self, task: str, number: int, x: dict[str, Any]) -> None:
        match task:
            case "multiclass":
                self.answers[number] = self.river.predict_proba_one(x)
            case "regression":
                self.answers[number] = self.river.predict_one(x)
            case "anomaly":
                self.answers[number] = self.river.score_one(x)
                self.river.learn_one(x)
            case "forecasting":
                self.answers[number] = self.river.forecast(horizon=1, xs=[x])[0]

    def tell(self, task: str, number: int, x: dict[str, Any], y: Any) -> None:
        answer = self.answers[number]
        match task:
            case "multiclass":
                if answer:
                    best = min(answer, key=lambda name: (-answer[name], name))
                    self.metrics["log_loss"].update(y, {**answer, y: answer.get(y, 0.0)})
                    self.metrics["macro_f1"].update(y, best)
                    self.metrics["accuracy"].update(y, best)
                self.river.learn_one(x, y)
            case "anomaly":
                self.metrics["rocauc"].update(y, answer / 2)
            case _:
                for metric in self.metrics.values():
                    metric.update(y, answer)
                if number > self.series_at or task == "regression":
                    self.series_at = number
                    self.river.learn_one(x=x, y=y)

    def result(self) -> dict[str, str]:
        return {name: repr(float(metric.get())) for name, metric in self.metrics.items()}


@pytest.mark.parametrize("name", SAMPLES)
async def test_the_fold_has_learned_and_scored_what_plain_river_has(name: str) -> None:
    sample = SAMPLES[name]
    events = sample.events(COUNT)
    log = await a_log(sample, events)
    fold = log.fold()
    fold_all(fold, log.records)
    for number in (1, 2):
        plain = Plain(sample, number)
        for at in range(COUNT + DELAY):
            if at < COUNT:
                plain.ask(name, at, events[at][0])
            if (told := at - DELAY) >= 0 and told % 7 != 6:
                plain.tell(name, told, *events[told])
        version = fold.cohort.versions[number]
        assert metrics_of(fold, number) == plain.result()
        assert codec.encode(version.learner) == codec.encode(plain.river)
    assert fold.counts["predictions"] == COUNT
    assert fold.cohort.versions[1].learned == (COUNT if name == "anomaly" else fold.counts["labelled"])
    assert fold.cohort.versions[1].labels > 100


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_fold_that_was_restored_goes_on_as_if_nothing_had_happened(name: str) -> None:
    sample = SAMPLES[name]
    log = await a_log(sample, sample.events(COUNT))
    log.label("q139", 150, sample.events(COUNT)[139][1])  # after those of later questions
    whole = log.fold()
    made = fold_all(whole, log.records)
    assert whole.counts["labels.out_of_order"] == (name == "forecasting")
    for cut in (3, 50, 131, len(log.records) - 1):
        first, second = log.fold(), log.fold()
        before = fold_all(first, log.records[:cut])
        second.restore(first.snapshot())
        assert before + fold_all(second, log.records[cut:]) == made
        assert second.cohort.dump() == whole.cohort.dump()
        assert (second.chain.value, second.counts, second.selection.dump()) == (whole.chain.value, whole.counts, whole.selection.dump())


@pytest.mark.parametrize("name", SAMPLES)
async def test_a_checkpoint_is_what_a_replay_of_every_record_below_it_gives(name: str) -> None:
    sample = SAMPLES[name]
    events = sample.events(60)
    log = await a_log(sample, events[:1], delay=0, checkpoint_every_labels=7)
    for number, (x, y) in enumerate(events[1:], 1):
        if number % 3:
            log.label(f"q{number}", number, y)  # it overtakes its question
        ask(log, number, x)
        if number % 3 == 0:
            log.label(f"q{number}", number + 0.5, y)
    made = checkpoints(fold_all(log.fold(), log.records))
    assert len(made) > 8
    for each in made:
        fold = log.fold()
        fold_all(fold, log.records[: each.position])
        version = fold.cohort.versions[each.version]
        assert (each.metrics, each.digest) == (canonical(record_of(version)), codec.digest(version.remark()))


@pytest.mark.parametrize(("name", "wrong"), [("multiclass", True), ("regression", "7"), ("anomaly", 0.5), ("forecasting", float("nan"))])
async def test_a_label_of_another_kind_is_poison(name: str, wrong: Any) -> None:
    sample = SAMPLES[name]
    log = await a_log(sample, sample.events(10))
    fold = log.fold()
    fold_all(fold, log.records)
    before = fold.counts["labelled"]
    with pytest.raises(Poison, match="wrong_label"):
        fold_all(fold, [log.label("q4", 20, wrong)])
    assert fold.counts["labelled"] == before


async def test_a_class_that_nobody_knew_costs_as_much_as_an_answer_can() -> None:
    sample = SAMPLES["multiclass"]
    log = await LearningLog.new()
    log.spec(**sample.changes)
    log.serve(1, 1)
    for number, kind in enumerate(("a", "a", "b")):
        log.ask(f"q{number}", number, a=float(number))
        log.label(f"q{number}", number + 0.5, kind)
    fold = log.fold()
    made = ended(log, fold_all(fold, log.records))
    assert [each["scores"] for each in made[:1]] == [[]], "who knows no class answers nothing"
    assert made[2]["scores"][0]["probabilities"] == {"a": 1.0}
    assert fold.cohort.versions[1].labels == 2
    assert fold.cohort.versions[1].metrics()["log_loss"] == pytest.approx(34.539 / 2, abs=1e-3)


async def test_a_label_of_a_class_is_once_more_a_duplicate_and_another_one_conflicts() -> None:
    log = await LearningLog.new()
    log.spec(**SAMPLES["multiclass"].changes)
    log.label("early", 1, "b")
    log.label("early", 1, "b")
    log.label("early", 1, "ab")
    log.ask("q", 1, a=1.0)
    for kind in ("grass", "grass", "sky"):
        log.label("q", 2, kind)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.counts["labels.duplicate"], fold.counts["labels.conflicting"]) == (2, 2)


async def test_anomalies_are_learned_without_any_label_and_checkpoints_fall_due_by_questions() -> None:
    sample = SAMPLES["anomaly"]
    changes = {**sample.changes, "checkpoint_every_labels": 50}
    del changes["label"]
    log = await LearningLog.new([{"name": f"f{n}", "type": ["null", "double"], "default": None} for n in range(1, 10)])
    log.append("SpecApplied", spec_applied(changes))
    log.serve(1, 1)
    for number, (x, _) in enumerate(sample.events(120)):
        ask(log, number, x)
    log.ask("q119", 119, partition=1, **sample.events(120)[119][0])
    fold = log.fold()
    made = fold_all(fold, log.records)
    assert [(each.version, each.position) for each in checkpoints(made) if each.position > 1] == [(1, 52), (1, 102)]
    assert (fold.cohort.versions[1].learned, fold.counts["labelled"], fold.counts["predictions.repeated"]) == (120, 0, 1)
    assert [each["kind"] for each in ended(log, made)] == ["expired"] * 118, "after an hour"


def spec_applied(changes: dict[str, Any]) -> dict[str, Any]:
    value = {"event_time_ms": 0, "cause": "spec:1", "spec_version": 1, "runtime": "{}", "partitions": 1}
    return {**value, "spec": json.dumps({"view": "v", "checkpoint_every_labels": 100, **changes})}


async def test_a_detector_that_fails_on_an_event_is_put_back_with_all_that_it_had_learned() -> None:
    sample = SAMPLES["anomaly"]
    changes = {**sample.changes, "preprocess": [{"select": ["a", "c"], "then": "preprocessing.MinMaxScaler"}], "retire_after_errors": 1_000}
    learners = []
    for with_text in (True, False):
        log = await LearningLog.new()
        log.spec(**changes)
        log.serve(1, 1)
        for number in range(80):
            if number % 10 == 7 and with_text:
                log.ask(f"q{number}", number, a=1.0, c="text")
            elif number % 10 != 7:
                log.ask(f"q{number}", number, a=float(number % 13))
        fold = log.fold()
        fold_all(fold, log.records)
        learners.append(codec.encode(fold.cohort.versions[1].learner))
        assert fold.cohort.versions[1].skipped == (8 if with_text else 0)
    assert learners[0] == learners[1]


async def test_a_value_that_comes_after_a_later_one_is_scored_and_has_no_place_in_the_series_any_more() -> None:
    sample = SAMPLES["forecasting"]
    learners = []
    for late in (True, False):
        log = await LearningLog.new([{"name": "month", "type": ["null", "double"], "default": None}])
        log.spec(**sample.changes)
        log.serve(1, 1)
        for number, (x, y) in enumerate(sample.events(40)):
            ask(log, number, x)
            if number == 21 and late:
                log.label("q20", 21, sample.events(40)[20][1])
            elif number != 20:
                log.label(f"q{number}", number, y)
        if late:
            log.label("q21", 40, sample.events(40)[21][1])
        fold = log.fold()
        fold_all(fold, log.records)
        learners.append(fold.cohort.versions[1])
    first = learners[0]
    assert (first.learned, first.skipped, first.labels) == (39, 1, 40)
    assert learners[1].skipped == 0


async def test_promotion_compares_by_the_loss_of_its_metric() -> None:
    sample = SAMPLES["regression"]
    events = sample.events(COUNT)
    differences = {}
    for metric in ("mae", "rmse"):
        log = await a_log(sample, events, promotion={"mode": "automatic", "metric": metric, "after_labels": 50, "margin": 1e9})
        fold = log.fold()
        fold_all(fold, log.records)
        one, other = (fold.cohort.versions[number].metrics() for number in (1, 2))
        mean = fold.cohort.versions[2].paired_difference / fold.cohort.versions[2].paired_labels
        power = 2 if metric == "rmse" else 1
        assert mean == pytest.approx(one[metric] ** power - other[metric] ** power, rel=1e-9)
        differences[metric] = mean
    assert differences["mae"] != pytest.approx(differences["rmse"], rel=0.1)


async def test_what_was_compared_by_another_metric_is_compared_anew() -> None:
    sample = SAMPLES["regression"]
    log = await a_log(sample, sample.events(COUNT))
    fold = log.fold()
    fold_all(fold, log.records)
    assert fold.cohort.versions[2].paired_labels > 50
    promotion = {"mode": "automatic", "metric": "mae", "after_labels": 50, "margin": 0.01}
    fold_all(fold, [log.spec(2, **{**sample.changes, "promotion": promotion})])
    assert fold.cohort.versions[2].paired_labels == 0
    assert fold.cohort.best(fold.cohort.live()) is min(fold.cohort.live(), key=lambda version: version.metrics()["mae"])


async def test_of_detectors_the_best_has_the_highest_curve_and_none_is_proposed_by_itself() -> None:
    sample = SAMPLES["anomaly"]
    log = await a_log(sample, sample.events(COUNT))
    fold = log.fold()
    made = fold_all(fold, log.records)
    curves = {version.number: version.metrics()["rocauc"] for version in fold.cohort.live()}
    best = fold.cohort.best(fold.cohort.live())
    assert len(set(curves.values())) == 2
    assert best is not None
    assert curves[best.number] == max(curves.values())
    assert fold.counts["proposals"] == 0
    assert all(each.proposal is None for each in checkpoints(made))
