"""Running a backtest: lags as the log shows them, and an interrupted run goes on."""

import json
from dataclasses import replace
from pathlib import Path

from penstock.backtest.plan import Candidate, Plan
from penstock.backtest.run import Lags, Observer, lags_of, resumed
from penstock.backtest.spool import About
from tests.learning_log import SPEC, TOPIC, LearningLog, a_log

PLAN = Plan("m", "binary_classification", "log_loss", TOPIC, 0, 90, "{}", (Candidate("a", "learner", "{}"),))


async def observed(log: LearningLog, late_ms: int = 0) -> About:
    observer = Observer(TOPIC, 0, len(log.records), log.schemas)
    for record in log.records:
        is_command = log.wire.read(record.value)[0] in ("Serve", "DriftDetected") if record.value else False
        await observer.see(record._replace(timestamp=record.offset * 10 + (late_ms if is_command else 0)))
    return observer.about


async def test_a_lag_is_what_lies_between_a_command_and_the_record_that_caused_it() -> None:
    log = await a_log(questions=50)
    log.serve(1, 2, position=31)
    seen = await observed(log, late_ms=5_000)
    assert seen.lags_ms["Serve"] == [5_010, (len(log.records) - 1 - 30) * 10 + 5_000]
    assert lags_of(seen) == Lags(5_010, 5_010, 2, 0)
    log.drift("d")
    found = lags_of(await observed(log, late_ms=5_000))
    assert (found.drift_ms, found.drifts) == ((len(log.records) - 2) * 10, 1), "its cause was late itself"


async def test_a_log_goes_back_where_it_was_rewound_and_where_corrected_labels_are_learned() -> None:
    log = await a_log(questions=50)
    assert not (await observed(log)).goes_back
    log.spec(2, label={**SPEC["label"], "on_correction": "relearn", "correction_depth": 500, "correction_wait": "30m"})
    log.spec(3)
    seen = await observed(log)
    assert (seen.goes_back, seen.relearns) == (True, True)
    log = await a_log(questions=50)
    log.rewind(20, (20, 30))
    seen = await observed(log)
    assert (seen.goes_back, seen.relearns) == (True, False)


async def test_a_log_without_a_serve_shows_no_lag() -> None:
    assert lags_of(About(TOPIC, 0, 10)) == Lags(0, 0, 0, 0)


async def test_every_record_is_counted_by_its_name_and_poison_too() -> None:
    log = await a_log(questions=100)
    log.raw(b"no record")
    log.raw(b"\0\0\0\xff\xffunknown schema")
    seen = await observed_with_poison(log)
    assert seen.records["Prediction"] == 100
    assert seen.records["poison"] == 2
    assert sum(seen.records.values()) == len(log.records)
    assert {schema["name"] for schema in seen.schemas.values()} >= {"Prediction", "Label", "Serve", "SpecApplied"}
    assert seen.partitions == 1


async def observed_with_poison(log: LearningLog) -> About:
    observer = Observer(TOPIC, 0, len(log.records), log.schemas)
    for record in log.records:
        await observer.see(record)
    return observer.about


def left_behind(folder: Path, plan: Plan, *names: str) -> None:
    (folder / "plan.json").write_text(plan.to_json())
    for name in names:
        (folder / name).write_text(json.dumps({}))


def test_an_interrupted_run_keeps_its_end_and_what_is_finished(tmp_path: Path) -> None:
    left_behind(tmp_path, PLAN, "log.json", "candidate-0.json")
    assert resumed(replace(PLAN, end=200), tmp_path) == PLAN
    assert (tmp_path / "candidate-0.json").exists()


def test_a_finished_run_is_run_again_to_where_the_log_ends_by_now(tmp_path: Path) -> None:
    left_behind(tmp_path, PLAN, "log.json", "candidate-0.json", "report.json")
    later = replace(PLAN, end=200)
    assert resumed(later, tmp_path) == later
    assert sorted(path.name for path in tmp_path.iterdir()) == []


def test_what_another_question_left_is_not_taken(tmp_path: Path) -> None:
    left_behind(tmp_path, replace(PLAN, first=5), "log.json", "candidate-0.json")
    assert resumed(PLAN, tmp_path) == PLAN
    assert sorted(path.name for path in tmp_path.iterdir()) == []
