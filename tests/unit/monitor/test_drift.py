import pytest

from penstock.fold.protocol import LogRecord, Output
from penstock.spec.model import Detector
from penstock.tasks.binary import log_loss
from penstock_monitor.fold import MonitorFold
from tests.unit.monitor.outcomes import ADWIN, expired, labelled, make_bench, mixed, stepped

LATE_ADWIN = Detector("loss", ADWIN.use, after_labels=1_500)
PAGE_HINKLEY = Detector("loss", {"drift.PageHinkley": {"threshold": 20.0}}, 0)


def run(fold: MonitorFold, records: list[LogRecord]) -> list[Output]:
    return [output for record in records for output in fold.step(record)]


async def test_a_step_in_the_loss_is_reported_with_its_evidence() -> None:
    bench = await make_bench()
    fold = bench.fold(ADWIN)
    outputs = run(fold, bench.records(stepped(seed=1, before=1_000, after=300)))
    (drift,) = bench.drifts(outputs)
    offset = drift["origin"]["offset"]
    assert 1_000 <= offset < 1_200
    assert outputs[0][:3] == ("drift", 0, b"late")
    assert (drift["cause"], drift["kind"], drift["signal"]) == (f"drift:late:1:{offset}", "concept", "loss")
    assert drift["detector"] == '{"drift.ADWIN":{"delta":0.002}}'
    assert drift["labels"] == offset + 1
    assert drift["baseline"] < 0.4 < drift["statistic"]
    assert drift["severity"] > 0.1
    assert 100_000 < drift["window_from"] < drift["window_to"] == 100_000 + offset
    assert fold.drifts[0].cause == drift["cause"]


async def test_the_means_before_and_after_are_those_of_the_two_windows() -> None:
    bench, outcomes = await make_bench(), stepped(seed=1, before=1_000, after=300)
    (drift,) = bench.drifts(run(bench.fold(ADWIN), bench.records(outcomes)))
    losses = [log_loss(outcome["label"], outcome["served_score"]) for outcome in outcomes[: drift["labels"]]]
    cut = drift["window_from"] - 100_000
    assert drift["statistic"] == pytest.approx(sum(losses[cut:]) / len(losses[cut:]))
    assert drift["baseline"] == pytest.approx(sum(losses[:cut]) / cut)


async def test_nothing_is_reported_before_after_labels() -> None:
    bench = await make_bench()
    worse, better = stepped(seed=1, before=1_000, after=700), stepped(seed=2, before=700, after=0)
    every = bench.drifts(run(bench.fold(ADWIN), bench.records(worse + better)))
    assert len(every) > 1
    assert every[0]["labels"] < 1_500
    assert bench.drifts(run(bench.fold(LATE_ADWIN), bench.records(worse + better))) == [each for each in every if each["labels"] >= 1_500]


async def test_a_loss_that_falls_is_a_change_too_with_a_negative_severity() -> None:
    bench = await make_bench()
    outcomes = stepped(seed=1, before=0, after=1_000) + stepped(seed=2, before=1_000, after=0)
    (drift, *_) = bench.drifts(run(bench.fold(ADWIN), bench.records(outcomes)))
    assert drift["severity"] < 0
    assert drift["statistic"] < drift["baseline"]


async def test_a_steady_loss_is_no_drift() -> None:
    bench = await make_bench()
    assert run(bench.fold(ADWIN), bench.records(stepped(seed=3, before=2_000, after=0))) == []


async def test_the_detector_starts_anew_when_another_version_serves() -> None:
    bench = await make_bench()
    good, bad = stepped(seed=1, before=500, after=0), stepped(seed=1, before=0, after=500, version=2)
    assert run(bench.fold(ADWIN), bench.records(good + bad)) == []
    same_version = [{**outcome, "served_version": 1} for outcome in bad]
    assert len(run(bench.fold(ADWIN), bench.records(good + same_version))) == 1


async def test_answers_of_the_version_before_do_not_throw_the_new_detector_back() -> None:
    bench = await make_bench()
    new = stepped(seed=1, before=600, after=300, version=2)
    stragglers = [{**outcome, "prediction_position": 1} for outcome in stepped(seed=2, before=900, after=0)]
    mixed_up = [outcome for pair in zip(new, stragglers, strict=True) for outcome in pair]
    fold = bench.fold(ADWIN)
    (drift,) = bench.drifts(run(fold, bench.records(mixed_up)))
    assert drift["labels"] > 600
    assert fold.quality.served.labels == 1_800


async def test_unserved_answers_are_not_shown_to_the_detector() -> None:
    bench = await make_bench()
    fold = bench.fold(ADWIN)
    unserved = [labelled(True, None, version=0) for _ in range(50)]
    (drift,) = bench.drifts(run(fold, bench.records(unserved + stepped(seed=1, before=1_000, after=300))))
    assert drift["labels"] == drift["origin"]["offset"] + 1 - 50
    assert fold.counts["unserved"] == 50


async def test_two_detectors_have_two_causes_and_a_detector_without_a_window_gives_evidence_too() -> None:
    bench = await make_bench()
    outputs = run(bench.fold(ADWIN, PAGE_HINKLEY), bench.records(stepped(seed=1, before=1_000, after=300)))
    drifts = bench.drifts(outputs)
    assert {drift["detector"][:12] for drift in drifts} == {'{"drift.ADWI', '{"drift.Page'}
    assert all(drift["statistic"] > drift["baseline"] for drift in drifts)
    assert len({drift["cause"] for drift in drifts}) == len(drifts)


async def test_restore_at_any_point_continues_equal() -> None:
    bench = await make_bench()
    outcomes = mixed(seed=5, size=150) + stepped(seed=1, before=400, after=200) + [expired()]
    records = bench.records(outcomes)
    whole = bench.fold(ADWIN, LATE_ADWIN, PAGE_HINKLEY)
    expected = run(whole, records)
    assert expected
    for cut in (0, 1, 75, 149, 300, 560, len(records)):
        first = bench.fold(ADWIN, LATE_ADWIN, PAGE_HINKLEY)
        outputs = run(first, records[:cut])
        second = bench.fold(ADWIN, LATE_ADWIN, PAGE_HINKLEY)
        second.restore(first.snapshot())
        assert outputs + run(second, records[cut:]) == expected
        assert second.snapshot() == whole.snapshot()


async def test_a_detector_that_is_declared_otherwise_starts_anew_and_the_metrics_stay() -> None:
    bench = await make_bench()
    first = bench.fold(ADWIN)
    run(first, bench.records(stepped(seed=1, before=100, after=0)))
    second = bench.fold(Detector("loss", {"drift.ADWIN": {"delta": 0.1}}, 0))
    second.restore(first.snapshot())
    assert second.quality.served.labels == 100
    (drift,) = bench.drifts(run(second, bench.records(stepped(seed=4, before=1_000, after=300))[100:]))[:1]
    assert drift["labels"] == drift["origin"]["offset"] + 1 - 100
