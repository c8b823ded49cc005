"""Last values against an oracle over all records."""

from hypothesis import given, strategies as st

from penstock_feature_store.last import VALUES_MAX, LastValues

AGE_MS = 50
RECORDS = st.lists(st.tuples(st.integers(0, 300), st.integers()), max_size=VALUES_MAX)


def oracle(records: list[tuple[int, int]], time_ms: int, max_age_ms: int | None) -> int | None:
    known = [(time, index) for index, (time, _) in enumerate(records) if time <= time_ms]
    if not known:
        return None
    time, index = max(known)
    return None if max_age_ms is not None and time_ms - time > max_age_ms else records[index][1]


@given(RECORDS, st.integers(0, 400), st.sampled_from([None, 0, AGE_MS]))
def test_the_newest_value_not_older_than_the_limit_answers(records: list[tuple[int, int]], time_ms: int, max_age_ms: int | None) -> None:
    values = LastValues(max_age_ms)
    for time, value in records:
        values.add(time, value, 0)
    assert values.as_of(time_ms, 0) == oracle(records, time_ms, max_age_ms)
    again = LastValues(max_age_ms)
    again.load(values.dump())
    assert again.as_of(time_ms, 0) == values.as_of(time_ms, 0)


@given(st.lists(st.integers(0, 1_000), min_size=1, max_size=100))
def test_the_newest_values_are_kept_whatever_their_order_of_arrival(times: list[int]) -> None:
    values = LastValues(None)
    for time_ms in times:
        values.add(time_ms, time_ms, 0)
    assert values.times == sorted(times)[-VALUES_MAX:]


def test_a_question_in_the_past_is_answered_as_of_its_time() -> None:
    values = LastValues(AGE_MS)
    values.add(100, "old", 0)
    values.add(120, "new", 0)
    assert [values.as_of(time_ms, 120) for time_ms in (99, 100, 119, 120, 170, 171)] == [None, "old", "old", "new", "new", None]
