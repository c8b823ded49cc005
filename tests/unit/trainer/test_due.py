"""The calendar of what is due: against a list that is sorted each time."""

from hypothesis import given, settings, strategies as st

from penstock_trainer.due import SECOND_MS, Calendar, Due

TIMES = st.integers(0, 7).map(lambda quarters: quarters * SECOND_MS // 4)
PUT = st.tuples(st.sampled_from("abcd"), TIMES)
ACTS = st.lists(st.one_of(PUT, PUT, PUT, TIMES), min_size=10, max_size=40)


@given(ACTS)
@settings(max_examples=200)
def test_what_is_due_comes_once_and_in_order_whatever_was_put_elsewhere_meanwhile(acts: list[tuple[str, int] | int]) -> None:
    calendar, holds = Calendar(), dict[str, Due]()
    for offset, act in enumerate(acts):
        if isinstance(act, tuple):
            holds[act[0]] = Due(act[1], offset)
            calendar.add(act[0], holds[act[0]])
            continue
        expected = sorted(id for id, due in holds.items() if due.due_ms < act)
        found = [(holds.pop(id), id) for id in calendar.before(act, holds.get)]
        assert found == sorted(found)
        assert sorted(id for _, id in found) == expected


def test_what_is_put_while_others_come_is_found_too() -> None:
    calendar, holds = Calendar(), {"a": Due(100, 0), "b": Due(5_000, 1)}
    for id, due in holds.items():
        calendar.add(id, due)
    found = []
    for id in calendar.before(6_000, holds.get):
        found.append(id)
        if found == ["a"]:
            holds["a"] = Due(5_500, 0)
            calendar.add("a", holds["a"])
    assert found == ["a", "b", "a"]
