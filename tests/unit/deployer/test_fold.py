from typing import Any

import pytest

from penstock import codec
from penstock.fold.protocol import LogRecord, Missing, Output, Poison
from penstock.learning import answer_of, present
from penstock.tasks import TASKS
from penstock_deployer.fold import DeployerFold
from tests.runtimes import written_by
from tests.unit.deployer.vectors import TOPIC, checkpoint, digest, make_bench

BINARY = TASKS["binary_classification"]


def run(fold: DeployerFold, records: list[LogRecord]) -> list[Output]:
    return [output for record in records for output in fold.step(record)]


async def test_users_and_the_learning_log_get_the_same_bytes() -> None:
    bench = await make_bench()
    served, asked = bench.serve(checkpoint(50)), bench.vector(1)
    outputs = run(bench.fold(), [served, asked])
    to_users, to_log = outputs[1:]
    assert (to_users.topic, to_users.partition, to_users.key) == ("predictions.late", 3, b"JFK")
    assert (to_log.topic, to_log.partition, to_log.key) == ("learning.late", 0, b"JFK")
    assert to_users.value is not None
    assert to_users.value == to_log.value
    assert bench.read(to_log)["origin"] == {"topic": TOPIC, "generation": 1, "partition": 3, "offset": asked.offset, "index": 0}


async def test_log_says_what_was_served() -> None:
    """Every recorded prediction recomputes from its checkpoint and its features, to the last bit."""
    bench = await make_bench()
    blobs = {(1, 100): checkpoint(20), (2, 300): checkpoint(70)}
    records = [bench.serve(blobs[1, 100], 1, 100)]
    records += [bench.vector(at, wind=None if at % 5 == 0 else float(at), carrier="UA" if at % 3 else None) for at in range(1, 20)]
    records += [bench.serve(blobs[2, 300], 2, 300, version=2)]
    records += [bench.vector(at, wind=float(at)) for at in range(20, 40)]
    outputs = run(bench.fold(), records)
    predictions = [bench.read(output) for output in outputs if output.topic == "predictions.late"]
    assert len(predictions) == 39
    assert {(each["version"], each["position"]) for each in predictions} == set(blobs)
    for each in predictions:
        learner = codec.decode(blobs[each["version"], each["position"]])
        assert each["score"] == BINARY.ask(learner, present(each["features"]))


async def test_nothing_serves_at_first() -> None:
    bench = await make_bench()
    fold = bench.fold()
    prediction = bench.read(run(fold, [bench.vector(1)])[0])
    assert {name: prediction[name] for name in ("score", "version", "position", "age_ms")} == {
        "score": None,
        "version": 0,
        "position": 0,
        "age_ms": None,
    }
    assert (fold.counts["predictions"], fold.counts["unserved"]) == (1, 1)


async def test_the_age_is_the_time_of_the_question_less_that_of_the_checkpoint() -> None:
    bench = await make_bench()
    outputs = run(bench.fold(), [bench.serve(checkpoint(5)), bench.vector(7)])
    assert bench.read(outputs[1])["age_ms"] == 50_007 - 40_000


async def test_a_serve_goes_on_to_the_learning_log_unchanged() -> None:
    bench = await make_bench()
    serve = bench.serve(checkpoint(5))
    assert run(bench.fold(), [serve]) == [Output("learning.late", 0, serve.key, serve.value)]


@pytest.mark.parametrize(("revision", "position"), [(1, 900), (2, 199), (2, 200)])
async def test_an_older_serve_or_the_same_cause_changes_nothing(revision: int, position: int) -> None:
    bench = await make_bench()
    fold = bench.fold()
    run(fold, [bench.serve(checkpoint(5), 2, 200, version=2)])
    before = fold.snapshot()
    assert run(fold, [bench.serve(checkpoint(9), revision, position, version=1, here=False)]) == []
    assert fold.snapshot() == before


@pytest.mark.parametrize(("revision", "position"), [(2, 201), (3, 10)])
async def test_a_newer_serve_answers_from_there_on(revision: int, position: int) -> None:
    bench = await make_bench()
    fold = bench.fold()
    outputs = run(fold, [bench.serve(checkpoint(5), 2, 200), bench.serve(checkpoint(9), revision, position, version=7), bench.vector(1)])
    prediction = bench.read(outputs[-1])
    assert (prediction["version"], prediction["position"], fold.counts["serves"]) == (7, position, 2)


async def test_a_missing_blob_is_asked_for_before_anything_changes() -> None:
    bench, blob = await make_bench(), checkpoint(5)
    fold = bench.fold()
    serve, before = bench.serve(blob, here=False), fold.snapshot()
    with pytest.raises(Missing) as missing:
        run(fold, [serve])
    assert (missing.value.kind, missing.value.reference) == ("blob", digest(blob))
    assert fold.snapshot() == before
    bench.blobs[digest(blob)] = blob
    assert len(run(fold, [serve])) == 1
    assert fold.counts["serves"] == 1


async def test_a_model_that_cannot_be_read_is_poison_and_the_one_before_goes_on() -> None:
    bench = await make_bench()
    fold = bench.fold()
    run(fold, [bench.serve(checkpoint(5), 1, 100)])
    bad = bench.serve(b"not a model", 1, 200)
    with pytest.raises(Poison, match="undecodable_model"):
        run(fold, [bad])
    assert bench.read(run(fold, [bench.vector(1)])[0])["position"] == 100
    assert run(fold, [bad._replace(offset=99)]) == []


async def test_a_model_that_raises_answers_null_and_is_counted() -> None:
    bench = await make_bench()
    fold = bench.fold()
    outputs = run(fold, [bench.serve(codec.encode(codec.build({"drift.ADWIN": None}, 1))), bench.vector(1), bench.vector(2)])
    assert [bench.read(output)["score"] for output in outputs if output.topic == "predictions.late"] == [None, None]
    assert (fold.counts["predict_errors"], fold.counts["predictions"]) == (2, 2)


class Raising:
    """A learner that raises on every question."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def predict_proba_one(self, x: dict[str, Any]) -> dict[bool, float]:
        raise self._error


class Panic(BaseException):
    """Like pyo3's PanicException, which River's Rust raises: no Exception."""


@pytest.mark.parametrize("error", [ValueError(), Panic()])
def test_whatever_a_learner_raises_the_question_is_answered(error: BaseException) -> None:
    assert answer_of(BINARY, Raising(error), {"wind": 1.0}) is None


@pytest.mark.parametrize("fatal", [MemoryError, RecursionError, KeyboardInterrupt])
def test_what_says_nothing_about_the_record_is_no_answer(fatal: type[BaseException]) -> None:
    with pytest.raises(fatal):
        answer_of(BINARY, Raising(fatal()), {"wind": 1.0})


async def test_echoes_are_dropped_and_counted() -> None:
    bench = await make_bench()
    fold = bench.fold()
    assert len(run(fold, [bench.vector(1), bench.vector(2), bench.vector(1), bench.vector(2), bench.tick(2)])) == 4
    assert (fold.counts["echoes"], fold.counts["predictions"], fold.counts["ticks"]) == (3, 2, 0)


async def test_a_tick_goes_on_as_the_clock_of_this_partition() -> None:
    bench = await make_bench()
    first, second = bench.tick(1, 70_000, idle=True), bench.tick(None, 80_000)
    outputs = run(bench.fold(), [first, second])
    ticks = [bench.read(output) for output in outputs]
    assert [(output.topic, output.partition) for output in outputs] == [("learning.late", 0)] * 2
    assert [(tick["event_time_ms"], tick["idle"], tick["source"], tick["partition"]) for tick in ticks] == [
        (70_000, True, TOPIC, 3),
        (80_000, False, TOPIC, 3),
    ]
    assert [tick["origin"]["offset"] for tick in ticks] == [first.offset, second.offset]


async def test_a_tick_that_tells_nothing_new_stays_out_of_the_log_that_is_kept_for_ever() -> None:
    bench = await make_bench()
    fold = bench.fold()
    run(fold, [bench.vector(1), bench.tick(2, 70_000)])  # the vector's watermark is 50,000
    again = bench.fold()
    again.restore(fold.snapshot())
    for each in (fold, again):
        assert run(each, [bench.tick(None, 70_000, idle=True), bench.tick(None, 60_000)]) == []
        assert [bench.read(output)["event_time_ms"] for output in run(each, [bench.tick(None, 70_001)])] == [70_001]
        assert (each.counts["ticks"], each.counts["ticks.repeated"]) == (2, 2)
    early = bench.fold()
    assert len(run(early, [bench.vector(9)])) == 2
    assert run(early, [bench.tick(None, 50_000)]) == []


async def test_another_kind_of_record_is_poison() -> None:
    bench = await make_bench()
    prediction = run(bench.fold(), [bench.vector(1)])[0]
    with pytest.raises(Poison, match="unexpected_record"):
        run(bench.fold(), [LogRecord(TOPIC, 3, 9, 0, b"k", prediction.value)])


async def test_restore_at_any_point_continues_equal() -> None:
    bench = await make_bench()
    records = [bench.vector(1), bench.serve(checkpoint(5)), *(bench.vector(at, float(at)) for at in range(2, 9)), bench.tick(9)]
    records += [bench.serve(checkpoint(30), 1, 200), bench.vector(8), *(bench.vector(at, float(at)) for at in range(10, 15))]
    whole = bench.fold()
    expected = run(whole, records)
    for cut in range(len(records) + 1):
        first, second = bench.fold(), bench.fold()
        outputs = run(first, records[:cut])
        second.restore(first.snapshot())
        assert outputs + run(second, records[cut:]) == expected
        assert second.snapshot() == whole.snapshot()


async def test_a_restored_fold_asks_for_the_model_that_served() -> None:
    bench, blob = await make_bench(), checkpoint(5)
    first = bench.fold()
    run(first, [bench.serve(blob)])
    bench.blobs.clear()
    second = bench.fold()
    second.restore(first.snapshot())
    with pytest.raises(Missing) as missing:
        run(second, [bench.vector(1)])
    assert missing.value.reference == digest(blob)
    assert second.snapshot() == first.snapshot()


async def test_a_restored_fold_takes_a_newer_serve_though_the_old_model_is_gone() -> None:
    bench = await make_bench()
    first, second = bench.fold(), bench.fold()
    run(first, [bench.serve(checkpoint(5), 1, 100)])
    bench.blobs.clear()
    second.restore(first.snapshot())
    outputs = run(second, [bench.serve(checkpoint(9), 1, 200), bench.vector(1)])
    assert bench.read(outputs[-1])["position"] == 200


async def test_a_checkpoint_of_another_river_is_refused_and_the_one_before_goes_on() -> None:
    bench = await make_bench()
    fold = bench.fold()
    run(fold, [bench.serve(checkpoint(5), 1, 100)])
    with pytest.raises(Poison, match=r"undecodable_model.*written by River '0.1.0'.*Try: penstock rebuild"):
        run(fold, [bench.serve(written_by("0.1.0", checkpoint(9)), 1, 200)])
    assert bench.read(run(fold, [bench.vector(1)])[0])["position"] == 100


async def test_after_an_upgrade_questions_go_on_without_an_answer_until_a_checkpoint_of_this_river_serves() -> None:
    bench, old = await make_bench(), written_by("0.1.0", checkpoint(9))
    before = bench.fold()
    run(before, [bench.serve(checkpoint(5), 1, 100)])
    bench.blobs[digest(checkpoint(5))] = old  # what stands there is what the River of then has written
    fold = bench.fold()
    fold.restore(before.snapshot())
    outputs = run(fold, [bench.vector(1), bench.vector(2), bench.serve(checkpoint(20), 2, 50, version=2), bench.vector(3)])
    told = [bench.read(output) for output in outputs if output.topic == "predictions.late"]
    assert [(each["score"] is None, each["version"], each["position"]) for each in told] == [(True, 1, 100), (True, 1, 100), (False, 2, 50)]
    assert (fold.counts["predictions"], fold.counts["unserved"], fold.counts["unreadable"]) == (3, 0, 2)
