"""The trainer's fold: the life of predictions and labels, the clock, the policies, the chain."""

import hashlib
import json
import random
from collections.abc import Iterable
from typing import Any

import pytest

from penstock.fold.protocol import Missing, Output, Poison
from penstock.fold.watermark import BEGINNING_MS
from penstock.records import Wire, platform_schema
from penstock_trainer.errors import LogIncomplete, RuntimeChanged
from penstock_trainer.fold import TrainerFold
from tests.learning_log import HOUR_MS, SPEC, LearningLog, a_log, fold_all


def outcomes(log: LearningLog, made: Iterable[Any]) -> list[dict[str, Any]]:
    return [log.wire.read(output.value)[1] for output in made if isinstance(output, Output)]


async def test_a_prediction_is_labelled_once_and_a_second_label_changes_nothing() -> None:
    log = await a_log()
    log.ask("q", 1, a=1.0)
    log.label("q", 2, True)
    log.label("q", 3, True)
    log.label("q", 3, False)
    fold = log.fold()
    ended = outcomes(log, fold_all(fold, log.records))
    assert [(each["kind"], each["label"], each["label_delay_ms"]) for each in ended] == [("labelled", True, 3_600_000)]
    assert fold.counts["labelled"] == 1
    assert fold.counts["labels.duplicate"] == 1
    assert fold.counts["labels.conflicting"] == 1
    assert fold.cohort.versions[1].learned == 1


async def test_a_label_that_overtakes_its_prediction_waits_for_it() -> None:
    log = await a_log()
    log.label("q", 2, True)
    log.label("q", 2, True)
    log.label("q", 2, False)
    log.ask("q", 1, a=1.0)
    fold = log.fold()
    ended = outcomes(log, fold_all(fold, log.records))
    assert [each["label_position"] for each in ended] == [2]
    assert (fold.counts["labels.early"], fold.counts["labels.duplicate"], fold.counts["labels.conflicting"]) == (1, 1, 1)
    assert (fold.counts["labelled"], fold.pending.open_count) == (1, 0)


async def test_a_prediction_expires_when_the_watermark_passes_its_horizon_and_its_label_is_then_too_late() -> None:
    log = await a_log()
    log.ask("q", 1, a=1.0)
    log.tick(49)
    fold = log.fold()
    assert outcomes(log, fold_all(fold, log.records)) == []
    log.tick(49.001)
    ended = outcomes(log, fold_all(fold, log.records[-1:]))
    assert [each["kind"] for each in ended] == ["expired"]
    fold_all(fold, [log.label("q", 50, True)])
    assert (fold.counts["expired"], fold.counts["labels.too_late"], fold.counts["labelled"]) == (1, 1, 0)


async def test_labels_do_not_move_the_clock() -> None:
    log = await a_log()
    log.ask("q", 1, a=1.0)
    log.label("other", 500, True)
    fold = log.fold()
    fold_all(fold, log.records)
    assert fold.pending.open_count == 1
    assert fold.counts["expired"] == 0


async def test_the_clock_is_the_minimum_over_partitions_and_one_that_is_idle_holds_it_until_it_is_told_further() -> None:
    log = await a_log()
    log.ask("slow", 1, partition=0, a=1.0)
    log.ask("fast", 100, partition=1, a=1.0)
    fold = log.fold()
    fold_all(fold, log.records)
    assert fold.counts["expired"] == 0
    fold_all(fold, [log.tick(1, partition=0, idle=True)])
    assert fold.counts["expired"] == 0
    fold_all(fold, [log.tick(100, partition=0, idle=True)])
    assert fold.counts["expired"] == 1


async def test_a_prediction_moves_the_clock_as_far_as_every_source_of_its_stream_had_come() -> None:
    log = await a_log()
    log.ask("q", 100, watermark_hours=30, a=1.0)
    fold = log.fold()
    fold_all(fold, log.records)
    assert fold.watermark.value == 30 * HOUR_MS


async def test_a_question_that_comes_too_late_for_any_label_ends_at_once() -> None:
    log = await a_log()
    log.ask("new", 100, a=1.0)
    log.ask("old", 1, a=1.0)
    fold = log.fold()
    ended = outcomes(log, fold_all(fold, log.records))
    assert [(each["event_id"], each["kind"]) for each in ended] == [("old", "expired")]
    assert fold.pending.open_count == 1


async def test_what_was_labelled_before_the_first_specification_is_forgotten_in_its_time() -> None:
    log = await LearningLog.new()
    log.ask("q", 1, a=1.0)
    log.label("q", 2)
    log.spec()
    log.tick(1 + 2 * 48 + 0.1)
    log.label("q", 3)
    fold = log.fold()
    fold_all(fold, log.records[:3])
    assert (fold.counts["labelled"], fold.pending.get("q") is not None) == (1, True)
    fold_all(fold, log.records[3:])
    assert (fold.counts["labels.orphan"], fold.pending.get("q")) == (1, None)


async def test_a_partition_that_speaks_late_finds_that_the_clock_has_waited_for_it() -> None:
    log = await LearningLog.new()
    log.spec(partitions=2)
    log.ask("fast", 100, partition=1, a=1.0)
    log.label("slow", 2)
    log.ask("slow", 1, partition=0, a=1.0)
    fold = log.fold()
    fold_all(fold, log.records)
    assert fold.watermark.value == HOUR_MS
    assert (fold.counts["labelled"], fold.counts["expired"], fold.counts["labels.orphan"]) == (1, 0, 0)


async def test_a_partition_that_is_idle_before_its_first_record_frees_the_clock() -> None:
    log = await LearningLog.new()
    log.spec(partitions=2)
    log.ask("q", 1, partition=1, a=1.0)
    log.tick(50, partition=1)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.counts["expired"], fold.watermark.value) == (0, BEGINNING_MS)
    assert fold_all(fold, [log.tick(BEGINNING_MS / HOUR_MS, partition=0, idle=True)]) == []
    ended = outcomes(log, fold_all(fold, [log.tick(50, partition=0, idle=True)]))
    assert ([each["kind"] for each in ended], fold.watermark.value) == (["expired"], 50 * HOUR_MS)


async def test_a_restored_clock_still_waits_for_the_partitions_that_have_not_spoken() -> None:
    log = await LearningLog.new()
    log.spec(partitions=2)
    log.ask("fast", 100, partition=1, a=1.0)
    before, after = log.fold(), log.fold()
    fold_all(before, log.records)
    after.restore(before.snapshot())
    fold_all(after, [log.tick(200, partition=1)])
    assert after.watermark.value == BEGINNING_MS
    fold_all(after, [log.tick(150, partition=0)])
    assert after.watermark.value == 150 * HOUR_MS


async def test_a_specification_from_before_the_partitions_were_counted_has_one() -> None:
    log = await LearningLog.new()
    schema = platform_schema("SpecApplied")
    older = {**schema, "fields": [field for field in schema["fields"] if field["name"] != "partitions"]}
    write = await log.wire.writer("learning.older", older)
    log.raw(write({"event_time_ms": 0, "cause": "spec:1", "spec_version": 1, "runtime": "{}", "spec": json.dumps(SPEC)}))
    log.ask("q", 1, a=1.0)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.watermark.sources, fold.watermark.value) == (1, HOUR_MS)


async def test_a_label_without_a_prediction_becomes_an_orphan() -> None:
    log = await a_log()
    log.label("nobody", 1, True)
    log.ask("q", 60, a=1.0)
    log.label("late", 2, True)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.counts["labels.early"], fold.counts["labels.orphan"]) == (1, 2)


async def test_an_id_is_forgotten_after_two_horizons() -> None:
    log = await a_log()
    log.ask("q", 1, a=1.0)
    log.label("q", 2, True)
    log.tick(97)
    fold = log.fold()
    fold_all(fold, log.records)
    assert fold.pending.get("q") is not None
    fold_all(fold, [log.tick(97.001)])
    assert fold.pending.get("q") is None


async def test_what_has_been_read_before_is_dropped_by_its_origin() -> None:
    log = await a_log(questions=200)
    twice = [again for record in log.records for again in (record, record)]
    fold = log.fold()
    made = fold_all(fold, twice)
    once = log.fold()
    assert outcomes(log, made) == outcomes(log, fold_all(once, log.records))
    assert fold.counts["predictions"] == 200
    assert fold.counts["echoes"] == 200 + once.counts["labelled"] + 1  # the specification too
    assert fold.cohort.dump() == once.cohort.dump()


async def test_the_same_question_asked_through_another_partition_is_predicted_once() -> None:
    log = await a_log()
    log.ask("q", 1, partition=0, a=1.0)
    log.ask("q", 1, partition=1, a=1.0)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.counts["predictions"], fold.counts["predictions.repeated"]) == (1, 1)


async def test_of_two_questions_with_one_id_the_first_is_learned() -> None:
    log, once = await a_log(), await a_log()
    log.ask("q", 1, partition=0, a=1.0)
    log.ask("q", 1, partition=1, a=-9.0)
    once.ask("q", 1, partition=0, a=1.0)
    fold, alone = log.fold(), once.fold()
    ended = outcomes(log, fold_all(fold, [*log.records, log.label("q", 2, True)]))
    fold_all(alone, [*once.records, once.label("q", 2, True)])
    assert [each["prediction_position"] for each in ended] == [2]
    assert fold.cohort.dump() == alone.cohort.dump()


async def test_predictions_are_pending_labelled_or_expired() -> None:
    log = await a_log(questions=500)
    log.tick(30)
    fold = log.fold()
    fold_all(fold, log.records)
    counts = fold.counts
    assert counts["predictions"] == 500 == fold.pending.open_count + counts["labelled"] + counts["expired"]
    assert fold.pending.open_count > 0
    for version in fold.cohort.versions.values():
        assert version.learned + version.skipped <= counts["labelled"]


async def test_the_chain_hashes_every_record_with_the_length_of_its_key() -> None:
    log = await a_log(questions=3)
    log.raw(b"garbage")
    fold = log.fold()
    for record in log.records[:-1]:
        fold.step(record)
    with pytest.raises(Poison, match="not_framed"):
        fold.step(log.records[-1])
    chain = bytes(32)
    for record in log.records:
        key = record.key or b""
        chain = hashlib.sha256(chain + len(key).to_bytes(4, "big") + key + (record.value or b"")).digest()
    assert fold.chain.value == chain
    assert fold.chain.position == len(log.records)


async def test_restored_anywhere_it_goes_on_as_if_nothing_had_happened() -> None:
    log = await a_log(questions=400, drift_at=150, never_labelled=7)
    log.tick(60)
    log.tick(200)
    whole = log.fold()
    made = fold_all(whole, log.records)
    first, before, done = log.fold(), [], 0
    for cut in sorted(random.Random(3).sample(range(len(log.records)), 6)):
        before += fold_all(first, log.records[done:cut])
        done, second = cut, log.fold()
        second.restore(first.snapshot())
        assert before + fold_all(second, log.records[cut:]) == made
        assert second.cohort.dump() == whole.cohort.dump()
        assert (second.chain.value, second.counts, second.selection.dump()) == (whole.chain.value, whole.counts, whole.selection.dump())


async def test_a_restored_fold_still_drops_what_comes_again() -> None:
    log = await a_log(questions=60, drift_at=20)
    log.label("q59", 2, True)
    first, restored = log.fold(), log.fold()
    fold_all(first, log.records)
    restored.restore(first.snapshot())
    before = restored.cohort.dump()
    again = [record._replace(offset=len(log.records) + number) for number, record in enumerate(log.records)]
    assert fold_all(restored, again) == []
    assert (restored.cohort.dump(), restored.counts["predictions"], restored.counts["drift_events"]) == (before, 60, 1)
    assert restored.counts["echoes"] == first.counts["echoes"] + 60 + sum(log.wire.read(record.value)[0] == "Label" for record in again) + 2


async def test_a_restored_fold_reads_what_is_pending_before_it_changes_anything() -> None:
    log = await a_log(questions=3)
    first = log.fold()
    fold_all(first, log.records)
    label = log.label("q0", 2, True)
    fold_all(first, [label])
    other = Wire(log.schemas)  # another process: it has no schema yet
    restored = TrainerFold("m", other, log.writer("Outcome"), "outcomes.m")
    restored.restore(first.snapshot())
    late = log.label("q1", 2, True)
    while True:
        before = restored.counts.copy()
        try:
            restored.step(late)
            break
        except Missing as missing:
            assert restored.counts == before
            await other.fetch(int(missing.reference))
    fold_all(first, [late])
    assert restored.counts == first.counts
    assert restored.cohort.dump() == first.cohort.dump()


async def test_a_label_behind_the_clock_waits_until_its_horizon_is_over() -> None:
    log = await a_log()
    log.ask("other", 10, a=1.0)
    log.label("q", 5, True)
    log.ask("q", 4, a=1.0)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.counts["labels.early"], fold.counts["labels.orphan"], fold.counts["labelled"]) == (1, 0, 1)


async def test_a_label_that_is_no_boolean_is_poison() -> None:
    log = await a_log()
    log.ask("q", 1, a=1.0)
    fold = log.fold()
    fold_all(fold, log.records)
    with pytest.raises(Poison, match="wrong_label"):
        fold.step(log.label("q", 2, 0.5))
    assert (fold.counts["labelled"], fold.pending.open_count) == (0, 1)


async def test_an_older_specification_that_comes_late_is_ignored() -> None:
    log = await LearningLog.new()
    log.spec(version=2)
    log.spec(version=1, champion="adagrad")
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.spec_version, fold.counts["specs.ignored"], len(fold.cohort.versions)) == (2, 1, 1)
    assert fold.model is not None
    assert fold.model.champion == "sgd"


async def test_what_comes_before_the_specification_waits_for_its_horizon() -> None:
    log = await LearningLog.new()
    log.ask("late", 1, a=1.0)
    log.ask("labelled", 1, a=1.0)
    log.label("labelled", 2, True)
    log.label("early", 2, True)
    log.tick(500)
    fold = log.fold()
    fold_all(fold, log.records)
    assert (fold.counts["predictions"], fold.counts["labelled"], fold.counts["expired"], fold.pending.open_count) == (2, 1, 0, 1)
    fold_all(fold, [log.spec()])
    assert (fold.counts["expired"], fold.counts["labels.orphan"], fold.pending.open_count) == (1, 1, 0)


async def test_a_log_with_a_hole_is_a_loud_stop() -> None:
    log = await a_log(questions=3)
    fold = log.fold()
    fold_all(fold, log.records[:2])
    with pytest.raises(LogIncomplete, match="goes on at offset 3, the fold has ended before 2"):
        fold.step(log.records[3])


async def test_another_runtime_is_refused() -> None:
    log = await a_log()
    fold = TrainerFold("m", log.wire, lambda _: b"", "outcomes.m", runtime='{"python":"0"}')
    with pytest.raises(RuntimeChanged, match=r"python None \(here 0\).*Try: penstock rebuild m"):
        fold.step(log.records[0])
