"""Quality as served, for every task: plain River's metrics, a prior that knows only labels, and drift of the task's own loss."""

import math
from random import Random
from typing import Any

import pytest
from river import metrics

from penstock.fold.protocol import LogRecord, Output, Poison
from penstock.spec.model import Detector, Promotion
from penstock.tasks import Answer, Label, written
from penstock_monitor.fold import MonitorFold
from tests.tasks import SAMPLES
from tests.unit.monitor.outcomes import ADWIN, Bench, make_bench, model

PAGE_HINKLEY = Detector("loss", {"drift.PageHinkley": {"threshold": 50.0, "min_instances": 10}}, 0)
METRIC = {"multiclass": "log_loss", "regression": "mae", "forecasting": "mae", "anomaly": "rocauc"}


def fold_of(bench: Bench, task: str, *detectors: Detector, metric: str = "") -> MonitorFold:
    declared = model(*detectors, task=task, promotion=Promotion("manual", metric or METRIC[task], 100, 0.01))
    return MonitorFold(declared, bench.wire, bench.drift, "drift", 0)


def labelled(label: Label, answer: Answer | None, position: int = 0, **fields: Any) -> dict[str, Any]:
    served = {f"served_{name}": value for name, value in written(answer).items()}
    scores = [] if answer is None else [{"version": 1, **written(answer)}]
    end = {"kind": "labelled", "label": label, "label_position": position, "label_delay_ms": 1_000}
    return {**served, "served_version": 1, "scores": scores, **end, **fields}


def run(fold: MonitorFold, records: list[LogRecord]) -> list[Output]:
    return [output for record in records for output in fold.step(record)]


def answers(task: str, count: int = 200) -> list[tuple[Any, Any]]:
    """Labels with answers that are right now and then; the first is not answered at all."""
    random = Random(1)
    match task:
        case "multiclass":
            shares = [[random.random() + 0.1 for _ in "abc"] for _ in range(count)]
            pairs: list[tuple[Any, Any]] = [
                (random.choice("abc"), dict(zip("abc", [s / sum(each) for s in each], strict=True))) for each in shares
            ]
        case "anomaly":
            pairs = [(random.random() < 0.2, random.random() * 3) for _ in range(count)]
        case _:
            pairs = [(random.gauss(5, 2), random.gauss(5, 2)) for _ in range(count)]
    return [(pairs[0][0], None), *pairs[1:]]


@pytest.mark.parametrize("task", METRIC)
async def test_the_metrics_are_those_of_plain_river_and_survive_a_restore(task: str) -> None:
    bench, pairs = await make_bench(), answers(task)
    fold, second = fold_of(bench, task), fold_of(bench, task)
    records = bench.records([labelled(label, answer, at) for at, (label, answer) in enumerate(pairs)])
    run(fold, records)
    run(second, records[:77])
    third = fold_of(bench, task)
    third.restore(second.snapshot())
    run(third, records[77:])
    assert third.snapshot() == fold.snapshot()
    plain = SAMPLES[task].metrics()
    for label, answer in pairs[1:]:
        for name, metric in plain.items():
            shown = answer
            if task == "multiclass" and name != "log_loss":
                shown = max(sorted(answer), key=answer.__getitem__)
            if task == "anomaly":
                shown = answer / 2 if answer <= 1 else 1 - 0.5 / answer
            metric.update(label, shown)
    expected = {name: metric.get() for name, metric in plain.items()}
    assert fold.quality.served.get() == expected == fold.quality.versions[1].get()
    assert (fold.quality.labels, fold.quality.served.labels, fold.counts["unserved"]) == (200, 199, 1)


@pytest.mark.parametrize(
    ("task", "labels", "rate", "metric", "value"),
    [
        ("multiclass", ["a", "a", "b", "a"], 0.75, "log_loss", -(math.log(2 / 3) + math.log(1e-15) + math.log(3 / 6)) / 3),
        ("regression", [1.0, 3.0, 8.0], 4.0, "mae", (2.0 + 6.0) / 2),
        ("forecasting", [1.0, 3.0, 8.0], 4.0, "mae", (2.0 + 5.0) / 2),
        ("anomaly", [False, False, True, False], 0.25, "rocauc", None),
    ],
)
async def test_the_prior_knows_only_the_labels_before(task: str, labels: list[Any], rate: float, metric: str, value: float | None) -> None:
    bench = await make_bench()
    fold = fold_of(bench, task)
    run(fold, bench.records([labelled(label, None, at) for at, label in enumerate(labels)]))
    assert fold.quality.base_rate == pytest.approx(rate)
    assert fold.quality.prior.labels == len(labels) - (task != "anomaly"), "a share of two is known before the first label"
    if value is not None:
        assert fold.quality.prior.get()[metric] == pytest.approx(value)


@pytest.mark.parametrize(
    ("task", "label", "answer"),
    [
        ("multiclass", "a", {"a": 0.5, "b": math.nan}),
        ("multiclass", "a", {"a": 1.5}),
        ("multiclass", "a", 0.5),
        ("regression", 1.0, math.inf),
        ("regression", 1.0, {"a": 1.0}),
        ("anomaly", True, math.nan),
        ("forecasting", 1.0, math.nan),
    ],
)
async def test_what_is_no_answer_of_the_task_is_poison(task: str, label: Label, answer: Answer) -> None:
    bench = await make_bench()
    fold = fold_of(bench, task)
    for offset, outcome in enumerate(
        [labelled(label, answer, scores=[]), {**labelled(label, None), "scores": labelled(label, answer)["scores"]}]
    ):
        with pytest.raises(Poison, match="not_an_answer"):
            run(fold, [bench.record(offset, outcome)])
    assert fold.quality.labels == 0


@pytest.mark.parametrize("task", METRIC)
async def test_a_label_of_another_task_is_poison(task: str) -> None:
    bench = await make_bench()
    wrong: Any = 1.0 if task in ("multiclass", "anomaly") else "a"
    with pytest.raises(Poison, match="no_label"):
        run(fold_of(bench, task), [bench.record(0, labelled(wrong, None))])


@pytest.mark.parametrize(("metric", "baseline", "statistic"), [("mae", 2.0, 10.0), ("rmse", 4.0, 100.0)])
async def test_a_detector_watches_the_loss_of_the_promotion(metric: str, baseline: float, statistic: float) -> None:
    bench = await make_bench()
    fold = fold_of(bench, "regression", PAGE_HINKLEY, metric=metric)
    outcomes = [labelled(0.0, 2.0 if at < 300 else 10.0, at) for at in range(400)]
    drifts = bench.drifts(run(fold, bench.records(outcomes)))
    assert drifts
    assert drifts[0]["baseline"] == pytest.approx(baseline)
    assert baseline < drifts[0]["statistic"] <= statistic


async def test_a_detector_on_classes_is_shown_a_bounded_loss() -> None:
    bench = await make_bench()
    fold = fold_of(bench, "multiclass", ADWIN)
    outcomes = [labelled("a", {"a": 0.9, "b": 0.1} if at < 500 else {"a": 0.0, "b": 1.0}, at) for at in range(1_000)]
    drifts = bench.drifts(run(fold, bench.records(outcomes)))
    assert drifts
    assert drifts[0]["statistic"] <= 5.0


def test_the_thresholds_of_the_curve_lie_where_scores_are() -> None:
    curve = metrics.ROCAUC(n_thresholds=100)
    assert len([threshold for threshold in curve.thresholds if 0.0 < threshold <= 0.5]) >= 49
