"""A backtest: what happened stays, who decides is another, and a decision waits as long as it does on the platform."""

import asyncio
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from penstock import codec
from penstock.backtest.plan import LEARNER, LIVE, POLICY, Candidate, alone
from penstock.backtest.spool import About, SpoolWriter, about, spooled
from penstock.fold.protocol import LogRecord
from penstock.spec.model import model_body
from penstock.spec.specification import canonical
from penstock_trainer.backtest import Lags, Run, work
from penstock_trainer.fold import model_of
from penstock_trainer.openlog import OpenLog
from tests.learning_log import SPEC, TOPIC, LearningLog, a_log, fold_all

NO_LAGS = Lags(0, 0)
EVERY_MS = 1_000  # append time between two records


async def seen(log: LearningLog) -> About:
    schemas = {str(id): await log.schemas.by_id(id) for id in log.schemas.ids()}
    return About(TOPIC, 0, len(log.records), partitions=1, schemas=schemas)


def appended(records: Sequence[LogRecord]) -> list[LogRecord]:
    return [record._replace(timestamp=record.offset * EVERY_MS) for record in records]


def body(**changes: Any) -> str:
    return json.dumps({**SPEC, **changes})


async def run(candidate: Candidate, log: LearningLog, lags: Lags = NO_LAGS, first: int = 0, records: Sequence[LogRecord] = ()) -> Run:
    running = Run(candidate, "m", (await OpenLog.of(await seen(log))).with_cuts_of(log.records), lags)
    for record in appended(records or log.records)[first:]:
        running.take(record)
    return running


def digests(of: Run) -> dict[int, str]:
    return {each["version"]: each["digest"] for each in of.summary()["versions"]}


def positions(of: Run, kind: str) -> list[int]:
    return [event["position"] for event in of.summary()["history"] if event["kind"] == kind]


async def test_the_log_as_it_stands_gives_what_really_ran() -> None:
    log = await a_log(questions=600, drift_at=300)
    fold = log.fold()
    fold_all(fold, log.records)
    live = await run(Candidate("live", LIVE, body()), log)
    assert digests(live) == {number: codec.digest(codec.encode(each.learner)) for number, each in fold.cohort.versions.items()}
    assert (live.fold.chain.value, live.fold.counts) == (fold.chain.value, fold.counts)
    assert list(live.columns.asked) == sorted(live.columns.asked)
    assert len(live.columns.label) == fold.counts["labelled"]


async def test_a_learner_alone_is_the_version_that_a_log_with_only_it_gives() -> None:
    log = await a_log(questions=600, drift_at=300)
    found = await run(Candidate("adagrad", LEARNER, canonical(model_body(alone(model_of("m", body()), "adagrad")))), log)
    other = await LearningLog.new()
    other.spec(champion="adagrad", learners={"adagrad": SPEC["learners"]["adagrad"]}, drift={})
    happened = [record for record in log.records if log.wire.read(record.value)[0] in ("Prediction", "Label")]
    other.records += [record._replace(offset=offset) for offset, record in enumerate(happened, start=1)]
    fold = log.fold()
    fold_all(fold, other.records)
    assert digests(found) == {1: codec.digest(codec.encode(fold.cohort.versions[1].learner))}
    assert found.fold.cohort.versions[1].metrics() == fold.cohort.versions[1].metrics()


async def test_commands_of_the_live_log_do_not_apply() -> None:
    log = await a_log(questions=400, drift_at=200)
    log.spec(2, champion="adagrad", challengers=["sgd"])
    log.serve(2, 9, 500)
    quiet: dict[str, Any] = {"detectors": [], "reactions": []}
    found = await run(Candidate("sgd", LEARNER, body(drift=quiet, learners={"sgd": SPEC["learners"]["sgd"]})), log)
    assert (found.fold.counts["drift_events"], found.fold.selection.champion, list(found.fold.cohort.versions)) == (0, 1, [1])


def alone_as(learner: str) -> Candidate:
    return Candidate(learner, LEARNER, canonical(model_body(alone(model_of("m", body()), learner))))


async def test_what_a_rewind_has_cut_teaches_no_candidate_and_is_not_compared() -> None:
    log = await a_log(questions=200)
    log.serve(1, 2)  # these two have no place in a candidate's log, so its offsets are others
    log.spec(2)
    start = len(log.records)
    for number in range(100):
        log.ask(f"later{number}", 10 + number / 60, a=float(number % 7) - 3)
        log.label(f"later{number}", 10 + number / 60, number % 3 == 0)
    whole = await run(alone_as("sgd"), log)
    cuts = (start + 40, start + 80), (start + 101, start + 102)  # questions with their labels; one label
    spared = await run(alone_as("sgd"), log, records=log.without(*cuts))
    log.again(log.rewind(start, *cuts))
    log.label("later25", 20)  # of a question that was cut
    found = await run(alone_as("sgd"), log)
    assert digests(found) == digests(spared) != digests(whole)
    cut = {*range(start + 40, start + 80, 2), start + 100}
    assert set(whole.columns.asked) - set(found.columns.asked) == cut
    assert (found.fold.counts["quarantined"], found.fold.counts["labelled"]) == (21, len(found.columns.asked))
    assert found.fold.rewinds.dump() == [], "it was never learned, so nothing is told again"


async def test_a_rewind_that_the_platform_has_refused_cuts_nothing() -> None:
    log = await a_log(questions=100)
    whole = await run(alone_as("sgd"), log)
    log.rewind(50, (40, 60))
    log.rewind(50, (60, 70))  # the same command again
    assert digests(await run(alone_as("sgd"), log)) == digests(whole)


async def test_drift_is_found_by_the_candidates_own_detectors_and_its_reactions_follow_after_the_lag() -> None:
    log = await a_log(questions=3_000, drift_at=1_500)
    policy = Candidate("policy", POLICY, body(promotion={**SPEC["promotion"], "mode": "manual"}))
    eager, late = await run(policy, log), await run(policy, log, Lags(0, 200 * EVERY_MS))
    assert eager.fold.counts["reactions"] >= 1
    found = positions(eager, "drift")
    assert any(at > len(log.records) / 2 for at in found), "the concept turns round in the middle"
    assert positions(late, "drift") == [at + 199 for at in found]


async def test_a_proposal_serves_after_the_lag_and_only_where_promotion_is_automatic() -> None:
    log = await a_log(questions=1_500)
    at_once, late = await run(policy(), log), await run(policy(), log, Lags(300 * EVERY_MS, 0))
    by_hand = await run(policy("manual"), log)
    assert positions(at_once, "serve") == [0, positions(at_once, "proposal")[0] + 1]
    assert positions(late, "serve") == [300, positions(late, "proposal")[0] + 300]
    assert positions(late, "proposal")[0] > positions(at_once, "proposal")[0], "they are compared from the first Serve on"
    assert (len(positions(by_hand, "proposal")), positions(by_hand, "serve")) == (1, [0])
    assert [of.summary()["champion"] for of in (at_once, late, by_hand)] == [2, 2, 1]


def policy(promotion: str = "automatic") -> Candidate:
    """A champion that hardly learns, and a challenger that does."""
    learners = {
        name: {"linear_model.LogisticRegression": {"optimizer": {"optim.SGD": rate}}} for name, rate in (("slow", 1e-5), ("fast", 0.1))
    }
    changes = {"learners": learners, "champion": "slow", "challengers": ["fast"], "drift": {"detectors": [], "reactions": []}}
    return Candidate("policy", POLICY, body(**changes, promotion={**SPEC["promotion"], "mode": promotion}))


async def test_answers_are_those_of_the_version_that_served_when_they_were_asked() -> None:
    log = await a_log(questions=1_500)
    found = await run(policy(), log)
    slow = await run(Candidate("slow", LEARNER, canonical(model_body(alone(model_of("m", policy().body), "slow")))), log)
    crowned = positions(found, "serve")[1]
    both = list(zip(found.columns.asked, found.columns.mine.score, slow.columns.mine.score, strict=True))
    assert all(mine == theirs for at, mine, theirs in both[1:] if at < crowned), "the first has no answer: nobody served yet"
    assert not any(mine == theirs for at, mine, theirs in both if at > crowned)


async def test_what_was_served_and_the_truth_stand_beside_each_answer() -> None:
    log = await a_log(questions=200, drift_at=30)
    found = await run(Candidate("sgd", LEARNER, canonical(model_body(alone(model_of("m", body()), "sgd")))), log)
    values = [log.wire.read(record.value) for record in log.records]
    truth = {value["event_id"]: value["value"] for name, value in values if name == "Label"}
    for asked, label, served in zip(found.columns.asked, found.columns.label, found.columns.served.score, strict=True):
        name, value = values[asked]
        assert (name, truth[value["event_id"]], value["score"]) == ("Prediction", bool(label), served)


async def test_from_the_middle_a_candidate_begins_with_nothing_and_older_labels_find_no_question() -> None:
    log = await a_log(questions=400)
    found = await run(Candidate("sgd", LEARNER, canonical(model_body(alone(model_of("m", body()), "sgd")))), log, first=400)
    assert min(found.columns.asked) >= 400
    assert found.fold.counts["labels.early"] > 0


async def test_poison_is_counted_and_stops_nobody() -> None:
    log = await a_log(questions=100)
    clean = await run(Candidate("live", LIVE, body()), log)
    log.raw(b"no record")
    log.raw(b"\0\0\0\xff\xffunknown schema")
    for candidate in (Candidate("live", LIVE, body()), Candidate("sgd", LEARNER, body())):
        found = await run(candidate, log)
        assert found.fold.counts["rejected"] == 2
    assert digests(await run(Candidate("live", LIVE, body()), log)) == digests(clean)


async def test_a_worker_leaves_columns_and_a_summary_and_tells_how_far_it_is(tmp_path: Path) -> None:
    log = await a_log(questions=300)
    log.rewind(20, (20, 40))
    with SpoolWriter(tmp_path, 0) as writer:
        for record in appended(log.records):
            writer.append(record)
        writer.finish(replace(await seen(log), records={"Rewound": 1}))
    told: list[Any] = []
    candidate = {"name": "sgd", "kind": LEARNER, "body": body()}
    job = {"folder": str(tmp_path), "model": "m", "file": "candidate-0", "candidate": candidate, "lags": {"serve_ms": 5, "drift_ms": 5}}
    await asyncio.to_thread(work, job, told.append)  # it runs an event loop of its own
    assert told[0] == {"done": 0}
    assert json.loads((tmp_path / "candidate-0.json").read_text())["counts"]["labelled"] > 100
    assert (tmp_path / "candidate-0.npz").exists()
    assert json.loads((tmp_path / "candidate-0.json").read_text())["counts"]["quarantined"] == 20
    found = about(tmp_path)
    assert found is not None
    assert found.end == len(log.records)


@pytest.mark.parametrize("size", [0, 1, 7, 40])
def test_an_interrupted_spool_goes_on_behind_its_last_whole_record(tmp_path: Path, size: int) -> None:
    records = [LogRecord(TOPIC, 0, offset, 5 * offset, None if offset % 3 else b"k", b"v" * offset) for offset in range(20)]
    with SpoolWriter(tmp_path, 0) as writer:
        for record in records[:10]:
            writer.append(record)
    log = tmp_path / "log.bin"
    log.write_bytes(log.read_bytes()[: -size or None])
    with SpoolWriter(tmp_path, 0) as writer:
        assert writer.next_offset == (10 if not size else 9 if size <= 33 else 8)
        for record in records[writer.next_offset :]:
            writer.append(record)
    assert list(spooled(tmp_path, TOPIC)) == records
