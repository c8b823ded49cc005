"""The figures of a backtest: paired over the same labels, with an interval that knows that neighbours depend on each other."""

import math
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies

from penstock.backtest.page import page
from penstock.backtest.report import BATCHES, Answers, curve, hits, interval, losses, measured, paired, rocauc
from penstock.learning import log_loss

ROWS = strategies.lists(
    strategies.tuples(strategies.booleans(), strategies.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])), min_size=1, max_size=60
)


def answers(rows: list[tuple[bool, float]], asked: list[int] | None = None) -> Answers:
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    return Answers(np.array(asked or range(len(rows))), label.astype(bool), score.astype(float))


@given(ROWS)
def test_metrics_are_those_that_a_pedestrian_counts(rows: list[tuple[bool, float]]) -> None:
    found = measured(answers(rows))
    assert found["log_loss"] == pytest.approx(sum(log_loss(*row) for row in rows) / len(rows))
    assert found["accuracy"] == pytest.approx(sum((score >= 0.5) == label for label, score in rows) / len(rows))
    pairs = [(high > low) + (high == low) / 2 for label, high in rows if label for other, low in rows if not other]
    assert found["rocauc"] == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@given(ROWS, ROWS)
def test_pairs_are_the_labels_that_both_answered(one: list[tuple[bool, float]], other: list[tuple[bool, float]]) -> None:
    mine = answers(one, [3 * at for at in range(len(one))])
    theirs = answers(other, [2 * at for at in range(len(other))])
    found = paired(mine, theirs)
    common = sorted(set(mine.asked) & set(theirs.asked))
    assert found is not None
    assert found.labels == len(common)
    mean = sum(losses(theirs)[at // 2] - losses(mine)[at // 3] for at in common) / len(common)
    assert found.log_loss == pytest.approx(mean, abs=1e-9)


def test_who_did_not_answer_is_left_out_and_nobody_is_no_pair() -> None:
    nothing = answers([(True, math.nan), (False, math.nan)])
    assert paired(nothing, answers([(True, 0.5), (False, 0.5)])) is None
    assert measured(nothing.known()) == {"log_loss": None, "rocauc": None, "accuracy": None}


def test_the_interval_holds_the_mean_in_about_95_of_100_cases_though_neighbours_depend_on_each_other() -> None:
    chance, inside, narrow = random.Random(1), 0, 0
    for _ in range(200):
        values, level = [], 0.0
        for _ in range(4_000):
            level = 0.9 * level + chance.gauss(0, 1)
            values.append(level)
        found = interval(np.array(values))
        assert found is not None
        inside += found[0] <= 0 <= found[1]
        half = 1.96 * float(np.std(values)) / math.sqrt(len(values))
        narrow += abs(float(np.mean(values))) <= half
    assert inside >= 178, "a few less than 190 of 200 may happen by chance"
    assert narrow < 120, "as if each label stood alone, the interval would be far too narrow"


def test_too_few_labels_get_no_interval_and_no_verdict() -> None:
    few = answers([(bool(at % 2), 0.5) for at in range(BATCHES * 25 - 1)])
    found = paired(few, few)
    assert found is not None
    assert (found.log_loss_interval, found.verdict) == (None, "too few labels to tell")


@pytest.mark.parametrize(("quality", "verdict"), [(0.9, "better"), (0.6, "no difference that stands out"), (0.5, "worse")])
def test_the_verdict_is_what_the_interval_allows(quality: float, verdict: str) -> None:
    chance = random.Random(2)
    truth = [chance.random() < 0.5 for _ in range(4_000)]
    base = answers([(label, 0.6 if label else 0.4) for label in truth])
    other = answers([(label, quality if label else 1 - quality) for label in truth])
    found = paired(other, base)
    assert found is not None
    assert found.verdict == verdict


def test_a_curve_has_windows_of_equal_size_and_ends_with_all_labels() -> None:
    rows = [(bool(at % 3), (at % 7) / 7) for at in range(1_000)]
    points = curve(answers(rows), 10)
    assert [point["labels"] for point in points] == list(range(100, 1_001, 100))
    assert points[-1]["log_loss_since"] == pytest.approx(measured(answers(rows))["log_loss"])
    window = answers(rows).rows(slice(300, 400))
    assert (points[3]["rocauc"], points[3]["accuracy"]) == (rocauc(window.label, window.score), float(hits(window).mean()))


def a_report() -> dict[str, Any]:
    rows = [(bool(at % 3), (at % 7) / 7) for at in range(2_000)]
    drawn = {"labels": 2_000, "answered": 2_000, **measured(answers(rows)), "curve": curve(answers(rows))}
    against = {
        "labels": 2_000,
        "log_loss": 0.1,
        "log_loss_interval": (0.05, 0.15),
        "accuracy": 0.0,
        "accuracy_interval": None,
        "verdict": "better",
    }
    event = {"position": 7, "kind": "refused", "version": 0, "detail": {"reason": "<b>budget</b>"}}
    candidate = {"name": "<i>sgd</i>", "kind": "policy", **drawn, "against_served": against, "against_live": against, "history": [event]}
    place = {"model": "m", "topic": "learning.m", "from": 0, "to": 4_000, "runtime": {"river": "0"}, "records": 4_000}
    return {**place, "served": {"name": "served", "kind": "served", **drawn}, "candidates": [candidate], "notes": ["a <note>"]}


def test_the_page_is_whole_in_itself_for_light_and_dark() -> None:
    text = page(a_report())
    assert not re.search(r"https?:|<script|@import|url\(|src=", text)
    assert "prefers-color-scheme: dark" in text
    assert text.count("<figure>") == 3
    assert len(re.findall(r'<path class="series" [^>]*d="M[0-9]', text)) == 6


def test_what_users_named_is_escaped_on_the_page() -> None:
    text = page(a_report())
    assert "<i>sgd" not in text
    assert "<b>budget" not in text
    assert "&lt;note&gt;" in text
