"""Windows against a brute-force oracle over all records."""

import itertools
import statistics
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, strategies as st

from penstock_feature_store import windows
from penstock_feature_store.windows import AGGREGATES, ENTRIES_MAX, PRUNE_ENTRIES_MIN, Mean, Sum, Window

WINDOW_MS = 100
NUMBERS = st.floats(allow_nan=False, allow_infinity=False, min_value=-1e300, max_value=1e300)
KINDS = sorted(AGGREGATES)
STEPS = list(itertools.product([0, 0, 1, 7, 30, 120], [0, 0, 0, 5, 60, 150], ["add", "add", "ask", "restore"]))
"""How far time goes on, how late a record is, what happens; one choice instead of three is twice as fast to draw."""


def oracle(kind: str, records: list[tuple[int, Any]], time_ms: int, floor_ms: int) -> Any:
    """The aggregate over every record ever, in exact arithmetic."""
    values = [value for time, value in records if max(time_ms - WINDOW_MS, floor_ms) < time <= time_ms]
    if not values:
        return None
    exact = sum((Fraction(value) for value in values), Fraction(0))
    match kind:
        case "count":
            return len(values)
        case "share" | "mean":
            return float(exact / len(values))
        case "sum":
            return float(exact)
        case "min":
            return min(values)
    return max(values)


@st.composite
def histories(draw: st.DrawFn, kind: str) -> list[tuple[str, int, Any]]:
    """Records, questions and restores, mostly in order of time, some late."""
    values = st.booleans() if kind == "share" else NUMBERS
    now, history, steps = 0, [], draw(st.integers(1, 200))
    for (gap, late, what), value in draw(st.lists(st.tuples(st.sampled_from(STEPS), values), min_size=steps, max_size=steps)):
        now += gap
        history.append((what, now - late, value))
    return history


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_an_answer_is_the_aggregate_over_all_records_as_of_its_time(kind: str, data: st.DataObject) -> None:
    window, records, horizon_ms = AGGREGATES[kind](WINDOW_MS), [], 0
    for what, time_ms, value in data.draw(histories(kind)):
        if what == "add":
            window.add(time_ms, value, horizon_ms)
            records.append((time_ms, value))
        elif what == "ask":
            horizon_ms = max(horizon_ms, time_ms)
            assert window.as_of(time_ms, horizon_ms) == oracle(kind, records, time_ms, horizon_ms - 2 * WINDOW_MS)
        else:
            window = restored(kind, window)


@pytest.mark.parametrize("kind", KINDS)
@given(data=st.data())
def test_a_restored_window_answers_the_same_bits(kind: str, data: st.DataObject) -> None:
    original = AGGREGATES[kind](WINDOW_MS)
    copy = AGGREGATES[kind](WINDOW_MS)
    horizon_ms = 0
    for what, time_ms, value in data.draw(histories(kind)):
        if what == "add":
            assert original.add(time_ms, value, horizon_ms) == copy.add(time_ms, value, horizon_ms)
        elif what == "ask":
            horizon_ms = max(horizon_ms, time_ms)
            assert bits(original.as_of(time_ms, horizon_ms)) == bits(copy.as_of(time_ms, horizon_ms))
        else:
            copy = restored(kind, copy)
        assert original.dump() == copy.dump()


def bits(value: float | int | None) -> str:
    return "none" if value is None else float(value).hex()


def restored(kind: str, window: Window) -> Window:
    again = AGGREGATES[kind](WINDOW_MS)
    again.load([list(part) if isinstance(part, list) else part for part in window.dump()])
    return again


def test_a_record_at_the_edge_of_the_window_is_out_and_one_at_the_question_is_in() -> None:
    window = Window(WINDOW_MS)
    for time_ms in (0, 100, 101):
        window.add(time_ms, 1, 0)
    assert window.as_of(100, 100) == 1


def test_a_mean_does_not_drift_when_large_values_come_and_go() -> None:
    window = Mean(WINDOW_MS)
    for time_ms, value in [(0, 1e300), (50, 0.1), (60, 0.2), (61, 0.3)]:
        window.add(time_ms, value, 0)
        window.as_of(time_ms, time_ms)
    assert window.as_of(110, 110) == statistics.mean([0.1, 0.2, 0.3])  # exact, rounded once


def test_a_sum_beyond_the_largest_double_is_no_value() -> None:
    window = Sum(WINDOW_MS)
    for time_ms in range(2):
        window.add(time_ms, 1.7e308, 0)
    assert window.as_of(1, 1) is None
    assert window.as_of(0, 1) == 1.7e308


def test_a_full_window_drops_its_oldest_records_and_counts_them() -> None:
    window = Window(10**9)
    dropped = sum(window.add(time_ms, 1, 0) for time_ms in range(ENTRIES_MAX + 5))
    assert dropped == 5
    assert window.as_of(ENTRIES_MAX + 5, ENTRIES_MAX + 5) == ENTRIES_MAX


def test_records_that_no_question_can_reach_are_removed() -> None:
    window = Window(WINDOW_MS)
    for time_ms in range(0, 100_000, 10):
        window.add(time_ms, 1, time_ms)
    assert len(window.times) <= 2 * PRUNE_ENTRIES_MIN


@given(NUMBERS)
def test_fixed_point_is_exact(value: float) -> None:
    assert Fraction(windows.fixed_point(value), windows.SCALE) == Fraction(value)
