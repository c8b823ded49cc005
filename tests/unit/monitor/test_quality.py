import math
from dataclasses import replace
from random import Random

import msgspec
import pytest
from river import metrics

from penstock.fold.protocol import Poison
from penstock_monitor.quality import Delays
from penstock_monitor.service import quality_message
from tests.runtimes import aged
from tests.unit.monitor.outcomes import ADWIN, expired, labelled, make_bench, mixed, stepped


async def test_quality_equals_plain_river_over_the_same_outcomes_to_the_last_bit() -> None:
    bench, outcomes = await make_bench(), mixed(seed=1, size=700)
    fold = bench.fold()
    for record in bench.records(outcomes):
        list(fold.step(record))

    answered = [outcome for outcome in outcomes if outcome["kind"] == "labelled"]
    served = [(outcome["label"], outcome["served_score"]) for outcome in answered if outcome["served_score"] is not None]
    assert fold.quality.served.get() == plain_river(served)
    for version in (1, 3):
        pairs = [(outcome["label"], each["score"]) for outcome in answered for each in outcome["scores"] if each["version"] == version]
        assert fold.quality.versions[version].get() == plain_river(pairs)
        assert fold.quality.versions[version].labels == len(pairs)


def plain_river(pairs: list[tuple[bool, float]]) -> dict[str, float]:
    log_loss, rocauc, accuracy = metrics.LogLoss(), metrics.ROCAUC(), metrics.Accuracy()
    for label, score in pairs:
        log_loss.update(label, score)
        rocauc.update(label, score)
        accuracy.update(label, score >= 0.5)
    return {"log_loss": log_loss.get(), "rocauc": rocauc.get(), "accuracy": accuracy.get()}


async def test_the_prior_knows_only_the_labels_before() -> None:
    bench = await make_bench()
    fold = bench.fold()
    for record in bench.records([labelled(True, 0.5), labelled(True, 0.5), labelled(False, 0.5)]):
        list(fold.step(record))
    expected = -(math.log(1 / 2) + math.log(2 / 3) + math.log(1 / 4)) / 3
    assert fold.quality.prior.get()["log_loss"] == pytest.approx(expected, rel=1e-12)
    assert fold.quality.base_rate == pytest.approx(2 / 3)


async def test_expired_and_quarantined_are_counted_and_nothing_else() -> None:
    bench = await make_bench()
    fold = bench.fold(ADWIN)
    for record in bench.records([labelled(True, 0.9), expired(), expired(), {**expired(), "kind": "quarantined"}]):
        list(fold.step(record))
    assert {name: fold.counts[name] for name in ("labelled", "expired", "quarantined")} == {"labelled": 1, "expired": 2, "quarantined": 1}
    assert fold.coverage == 0.25
    assert fold.quality.labels == fold.quality.served.labels == 1


async def test_what_a_rewind_revises_is_counted_apart_and_is_no_drift() -> None:
    bench = await make_bench()
    fold, plain = bench.fold(ADWIN), bench.fold(ADWIN)
    said = stepped(seed=1, before=300, after=0)
    revised = [{**outcome, "revision": 1} for outcome in stepped(seed=2, before=0, after=300)]
    records = bench.records([*said, *revised])
    assert [output for record in records for output in fold.step(record)] == []
    for record in records[:300]:
        plain.step(record)
    assert fold.counts == {**plain.counts, "revised": 300}
    assert fold.quality.dump() == plain.quality.dump()


async def test_an_echo_changes_nothing_but_its_count() -> None:
    bench = await make_bench()
    fold = bench.fold()
    record = bench.record(0, labelled(True, 0.9))
    list(fold.step(record))
    list(fold.step(record._replace(offset=1)))
    assert (fold.counts["echoes"], fold.counts["labelled"], fold.quality.labels) == (1, 1, 1)


@pytest.mark.parametrize("score", [math.nan, math.inf, -0.1, 1.1])
async def test_a_score_that_is_no_probability_is_poison_and_leaves_the_metrics_finite(score: float) -> None:
    bench = await make_bench()
    fold = bench.fold()
    for offset, outcome in enumerate([labelled(True, score), labelled(True, 0.5, scores=[{"version": 1, "score": score}])]):
        with pytest.raises(Poison, match="not_an_answer"):
            list(fold.step(bench.record(offset, outcome)))
    assert fold.quality.labels == 0


async def test_asking_for_the_quality_does_not_change_the_state() -> None:
    bench = await make_bench()
    fold = bench.fold(ADWIN)
    list(fold.step(bench.record(0, labelled(True, 0.9, scores=[{"version": 1, "score": 0.4}]))))
    before = fold.snapshot()
    message = quality_message(fold)
    assert fold.snapshot() == before
    assert (message.position, message.labelled, message.versions[1].labels) == (1, 1, 1)


def test_delay_quantiles_are_within_one_percent() -> None:
    random = Random(3)
    delays_ms = sorted(int(random.lognormvariate(16, 1.5)) + 1 for _ in range(5_000))
    delays = Delays()
    for delay_ms in random.sample(delays_ms, len(delays_ms)):
        delays.update(delay_ms)
    for q in (0.5, 0.99):
        assert delays.quantile(q) == pytest.approx(delays_ms[math.ceil(q * len(delays_ms)) - 1], rel=0.01)


def test_a_label_that_was_known_before_the_question_has_no_delay() -> None:
    delays = Delays()
    for delay_ms in (-5, 0, 60_000):
        delays.update(delay_ms)
    assert delays.quantile(0.5) == 0.0
    assert delays.quantile(0.99) == pytest.approx(60_000, rel=0.01)
    assert Delays().quantile(0.5) == 0.0


async def test_after_an_upgrade_of_river_what_it_cannot_read_begins_anew_and_the_rest_goes_on() -> None:
    bench, outcomes = await make_bench(), mixed(seed=1, size=300)
    before = bench.fold(ADWIN)
    records = bench.records(outcomes)
    for record in records[:200]:
        list(before.step(record))
    snapshot = before.snapshot()
    state = msgspec.msgpack.encode(aged(msgspec.msgpack.decode(snapshot.state), "0.1.0"))
    fold = bench.fold(ADWIN)
    fold.restore(replace(snapshot, state=state))
    assert (fold.counts, fold.position) == (before.counts, before.position)
    assert fold.quality.served.labels == 0
    for record in records[200:]:
        list(fold.step(record))
    labelled_since = [each for each in outcomes[200:] if each["kind"] == "labelled" and each["served_score"] is not None]
    assert fold.quality.served.labels == len(labelled_since)
