"""How far a record reaches through a feature: against a naive reading of windows and last values."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from penstock.lineage.reach import Reach, reaches
from penstock.spec import Aggregate, Calendar, Last, Stream, load

Told = tuple[str, int, bool]  # city, time, whether it is touched
TOLD = st.lists(st.tuples(st.sampled_from(["Ulm", "Köln"]), st.integers(0, 40), st.booleans()), max_size=12)
COMPUTES = [
    Aggregate("mean", "rides", "delay", window_ms=7),
    Last("rides", "delay", max_age_ms=7),
    Last("rides", "delay"),
]


def naive(compute: Any, told: list[Told], city: str, time_ms: int) -> bool:
    """In the order of time, and of the log where times are equal; of equal times every one may be the last."""
    mine = [(at_ms, touched) for where, at_ms, touched in told if where == city and at_ms <= time_ms]
    if isinstance(compute, Aggregate):
        return any(touched and time_ms - at_ms <= compute.window_ms for at_ms, touched in mine)
    first = next((index for index, each in enumerate(told) if each[0] == city and each[2]), len(told))
    others = [at_ms for index, (where, at_ms, touched) in enumerate(told) if where == city and not touched and index > first]
    newest_ms = max((at_ms for at_ms, touched in mine if touched), default=None)
    if newest_ms is None or any(newest_ms < at_ms <= time_ms for at_ms in others):
        return False
    return compute.max_age_ms is None or time_ms - newest_ms <= compute.max_age_ms


@pytest.mark.parametrize("compute", COMPUTES)
@given(told=TOLD, city=st.sampled_from(["Ulm", "Köln"]), time_ms=st.integers(0, 60))
def test_it_shows_what_a_naive_reading_shows(compute: Any, told: list[Told], city: str, time_ms: int) -> None:
    reach = Reach(compute, "city")
    for where, at_ms, touched in told:
        (reach.touched if touched else reach.untouched)({"city": where}, at_ms)
    assert reach.shows({"city": city}, time_ms) == naive(compute, told, city, time_ms)


def test_a_feature_by_another_field_reaches_whoever_shares_its_value() -> None:
    reach = Reach(Last("rides", "delay", by="driver"), "city")
    reach.touched({"city": "Ulm", "driver": "ann"}, 10)
    assert reach.shows({"city": "Köln", "driver": "ann"}, 11)
    assert not reach.shows({"city": "Ulm", "driver": "bob"}, 11)


def test_only_features_that_read_the_stream_reach() -> None:
    computes = {"a": Calendar("hour", "at"), "b": Last("rain", "depth"), "c": Last("rides", "delay")}
    rides: Stream = load(SPEC).streams["rides"]
    assert len(reaches(computes, rides)) == 1


SPEC = """
streams:
  rides: {key: city, time: at, fields: {city: string, at: timestamp, delay: double}}
"""
