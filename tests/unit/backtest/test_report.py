"""The figures of a backtest: paired over the same labels, with an interval that knows that neighbours depend on each other."""

import math
import random
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies

from penstock.backtest.page import page
from penstock.backtest.report import BATCHES, Answers, curve, interval, measured, metrics_of, paired, rocauc
from penstock.tasks import TASKS
from penstock.tasks.binary import is_right, log_loss

BINARY = TASKS["binary_classification"]
ROWS = strategies.lists(
    strategies.tuples(strategies.booleans(), strategies.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0])), min_size=1, max_size=60
)


def answers(rows: list[tuple[bool, float]], asked: list[int] | None = None) -> Answers:
    label, score = (np.array(column) for column in zip(*rows, strict=True))
    of = {"log_loss": log_loss, "accuracy": is_right}
    figures = {name: np.array([math.nan if math.isnan(row[1]) else each(*row) for row in rows]) for name, each in of.items()}
    return Answers(np.array(asked or range(len(rows))), label.astype(bool), score.astype(float), figures)


@given(ROWS)
def test_metrics_are_those_that_a_pedestrian_counts(rows: list[tuple[bool, float]]) -> None:
    found = measured(answers(rows), BINARY)
    assert found["log_loss"] == pytest.approx(sum(log_loss(*row) for row in rows) / len(rows))
    assert found["accuracy"] == pytest.approx(sum((score >= 0.5) == label for label, score in rows) / len(rows))
    pairs = [(high > low) + (high == low) / 2 for label, high in rows if label for other, low in rows if not other]
    assert found["rocauc"] == (pytest.approx(sum(pairs) / len(pairs)) if pairs else None)


@given(ROWS, ROWS)
def test_pairs_are_the_labels_that_both_answered(one: list[tuple[bool, float]], other: list[tuple[bool, float]]) -> None:
    mine = answers(one, [3 * at for at in range(len(one))])
    theirs = answers(other, [2 * at for at in range(len(other))])
    found = paired(mine, theirs, BINARY)
    common = sorted(set(mine.asked) & set(theirs.asked))
    assert found is not None
    assert found.labels == len(common)
    for name, sign in (("log_loss", 1), ("accuracy", -1)):
        mean = sum(theirs.figures[name][at // 2] - mine.figures[name][at // 3] for at in common) / len(common)
        assert found.differences[name][0] == pytest.approx(sign * mean, abs=1e-9)


def test_who_did_not_answer_is_left_out_and_nobody_is_no_pair() -> None:
    nothing = answers([(True, math.nan), (False, math.nan)])
    assert paired(nothing, answers([(True, 0.5), (False, 0.5)]), BINARY) is None
    assert measured(nothing.known(), BINARY) == {"log_loss": None, "rocauc": None, "accuracy": None}


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
    found = paired(few, few, BINARY)
    assert found is not None
    assert (found.differences["log_loss"][1], found.verdict("log_loss")) == (None, "too few labels to tell")


@pytest.mark.parametrize(("quality", "verdict"), [(0.9, "better"), (0.6, "no difference that stands out"), (0.5, "worse")])
def test_the_verdict_is_what_the_interval_allows(quality: float, verdict: str) -> None:
    chance = random.Random(2)
    truth = [chance.random() < 0.5 for _ in range(4_000)]
    base = answers([(label, 0.6 if label else 0.4) for label in truth])
    other = answers([(label, quality if label else 1 - quality) for label in truth])
    found = paired(other, base, BINARY)
    assert found is not None
    assert found.verdict("log_loss") == verdict


def test_a_curve_has_windows_of_equal_size_and_ends_with_all_labels() -> None:
    rows = [(bool(at % 3), (at % 7) / 7) for at in range(1_000)]
    points = curve(answers(rows), BINARY, 10)
    assert [point["labels"] for point in points] == list(range(100, 1_001, 100))
    assert points[-1]["log_loss_since"] == pytest.approx(measured(answers(rows), BINARY)["log_loss"])
    window = answers(rows).rows(slice(300, 400))
    assert (points[3]["rocauc"], points[3]["accuracy"]) == (rocauc(window.label, window.score), float(window.figures["accuracy"].mean()))


def test_a_root_is_taken_of_the_mean_and_not_of_each_label() -> None:
    regression = TASKS["regression"]
    rows = [(3.0, 1.0), (1.0, 1.0), (0.0, 4.0)]
    figures = {name: np.array([figure.of(*row) for row in rows]) for name, figure in regression.figures.items()}
    given = Answers(np.arange(3), np.array([], dtype=bool), np.array([answer for _, answer in rows]), figures)
    assert measured(given, regression) == {"mae": 2.0, "rmse": pytest.approx(math.sqrt(20 / 3))}
    assert curve(given, regression, 1)[0]["rmse_since"] == pytest.approx(math.sqrt(20 / 3))


def test_anomalies_are_ranked_and_nothing_is_compared_label_by_label() -> None:
    anomaly = TASKS["anomaly"]
    given = Answers(np.arange(3), np.array([True, False, False]), np.array([9.0, 1.0, 9.0]), {})
    assert measured(given, anomaly) == {"rocauc": 0.75}
    text = page({**a_report(), "metrics": [{"name": "rocauc", "title": "ROC AUC", "hint": "higher is better"}], "metric": ""})
    assert "better than served" not in text


def a_report() -> dict[str, Any]:
    rows = [(bool(at % 3), (at % 7) / 7) for at in range(2_000)]
    drawn = {"labels": 2_000, "answered": 2_000, **measured(answers(rows), BINARY), "curve": curve(answers(rows), BINARY)}
    against = {
        "labels": 2_000,
        "differences": {"log_loss": (0.1, (0.05, 0.15)), "accuracy": (0.0, None)},
        "verdict": "better",
    }
    event = {"position": 7, "kind": "refused", "version": 0, "detail": {"reason": "<b>budget</b>"}}
    candidate = {"name": "<i>sgd</i>", "kind": "policy", **drawn, "against_served": against, "against_live": against, "history": [event]}
    metrics = [{"name": name, "title": title, "hint": hint} for name, (title, hint) in metrics_of(BINARY).items()]
    place: dict[str, Any] = {
        "metrics": metrics,
        "metric": "log_loss",
        "model": "m",
        "topic": "learning.m",
        "from": 0,
        "to": 4_000,
        "runtime": {"river": "0"},
        "records": 4_000,
    }
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
