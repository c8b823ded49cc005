"""What a feature remembers of its entities: bounded, and saved only where it changed."""

from collections import Counter

from hypothesis import given, strategies as st

from penstock_feature_store.last import LastValues
from penstock_feature_store.table import Table

AGE_MS = 50
NEWS = st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(0, 200), st.booleans()), max_size=60)


def new_table() -> Table:
    return Table("wind", "Last weather wind", lambda: LastValues(AGE_MS))


def save(table: Table, saved: dict[str, bytes]) -> None:
    for key, data in table.changes():
        if data is None:
            saved.pop(key, None)  # it may have come and gone between two saves
        else:
            saved[key] = data


@given(NEWS)
def test_what_was_saved_piece_by_piece_is_the_table(news: list[tuple[str, int, bool]]) -> None:
    table, saved, horizon_ms = new_table(), dict[str, bytes](), 0
    for key, time_ms, saves in news:
        horizon_ms = max(horizon_ms, time_ms)
        table.add(key, time_ms, time_ms, horizon_ms, Counter())
        if saves:
            save(table, saved)
    save(table, saved)
    again = new_table()
    again.load(list(reversed(saved.items())))
    assert list(again.contents()) == list(table.contents())


def test_only_what_changed_is_given_and_only_once() -> None:
    table = new_table()
    for key in "abc":
        table.add(key, 1, 1, 0, Counter())
    assert [key for key, _ in table.changes()] == ["c", "b", "a"]
    table.add("b", 2, 2, 0, Counter())
    assert [key for key, _ in table.changes()] == ["b"]
    assert table.changes() == []


def test_an_entity_that_no_question_can_reach_goes_and_the_snapshot_hears_of_it() -> None:
    table, counts = new_table(), Counter[str]()
    table.add("a", 0, 1, 0, counts)
    assert [key for key, _ in table.changes()] == ["a"]
    table.add("b", 100, 1, 100, counts)
    gone, there = table.changes()
    assert gone == ("a", None)
    assert there[0] == "b"
    assert counts == {}


def test_beyond_the_limit_the_entity_without_news_for_the_longest_time_goes_and_is_counted() -> None:
    table, counts = Table("wind", "", lambda: LastValues(None), keys_max=3), Counter[str]()
    for key in "abcad":
        table.add(key, 1, key, 0, counts)
    assert [key for key, *_ in table.contents()] == ["c", "a", "d"]
    assert counts == {"wind.keys.dropped": 1}
