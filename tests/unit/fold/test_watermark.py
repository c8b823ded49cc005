"""The clock of a fold: the minimum over its sources, and it never goes back."""

from hypothesis import given, strategies as st

from penstock.fold.watermark import BEGINNING_MS, Watermark

A, B, C = ("a", 0), ("a", 1), ("a", 2)
MOVES = st.lists(st.tuples(st.sampled_from([A, B, C]), st.one_of(st.none(), st.integers(BEGINNING_MS, 2**41))), max_size=30)


def moved(moves: list[tuple[tuple[str, int], int | None]], sources: int = 1) -> Watermark:
    """A clock after these moves; None is an idle tick."""
    clock = Watermark(sources)
    for source, time_ms in moves:
        if time_ms is None:
            clock.rest(source)
        else:
            clock.advance(source, time_ms)
    return clock


def test_event_times_before_1970_move_the_clock() -> None:
    clock = Watermark()
    assert clock.advance(A, -5_000)
    assert clock.value == -5_000
    assert not clock.advance(B, -9_000)
    assert clock.advance(B, -2_000) is False
    assert (clock.advance(A, -3_000), clock.value) == (True, -3_000)


def test_it_is_idle_when_every_source_that_has_spoken_is() -> None:
    clock = Watermark()
    assert not clock.idle
    clock.advance(A, 1)
    clock.advance(B, 1)
    clock.rest(A)
    assert not clock.idle
    clock.rest(B)
    assert clock.idle
    clock.advance(A, 2)
    assert not clock.idle


def test_a_source_that_is_idle_is_lifted_to_where_the_others_are_and_then_holds_the_clock() -> None:
    clock = Watermark(sources=3)
    for source, time_ms in ((A, 100), (B, 50), (C, 10)):
        clock.advance(source, time_ms)
    assert (clock.rest(C), clock.value) == (True, 50)
    assert (clock.advance(B, 90), clock.advance(A, 200), clock.value) == (False, False, 50)
    assert (clock.rest(C), clock.value) == (True, 90)


def test_when_all_are_idle_the_clock_comes_to_the_highest_once_each_has_said_so_again() -> None:
    clock = Watermark(sources=2)
    clock.advance(A, 100)
    clock.advance(B, 50)
    clock.rest(A)
    assert (clock.rest(B), clock.value) == (True, 100)
    clock.advance(A, 200)
    assert (clock.rest(A), clock.value) == (False, 100)
    assert (clock.rest(B), clock.value) == (True, 200)


def test_it_stands_at_the_beginning_until_every_source_has_spoken_or_rested() -> None:
    spoken, rested = Watermark(sources=2), Watermark(sources=2)
    for clock in (spoken, rested):
        assert (clock.advance(A, 100), clock.value, clock.idle) == (False, BEGINNING_MS, False)
    assert (spoken.advance(B, 50), spoken.value) == (True, 50)
    assert (rested.rest(B), rested.value, rested.idle) == (True, 100, False)


def test_it_is_not_idle_while_a_source_has_not_been_heard() -> None:
    clock = Watermark(sources=2)
    clock.rest(A)
    assert not clock.idle
    clock.rest(B)
    assert (clock.idle, clock.value) == (True, BEGINNING_MS)


def test_fewer_sources_than_thought_free_it_and_more_hold_it_where_it_is() -> None:
    clock = Watermark(sources=2)
    clock.advance(A, 100)
    assert (clock.expect(1), clock.value) == (True, 100)
    assert (clock.expect(2), clock.advance(A, 200), clock.value) == (False, False, 100)
    assert (clock.advance(B, 150), clock.value) == (True, 150)


@given(MOVES, st.integers(1, 3))
def test_it_never_goes_back(moves: list[tuple[tuple[str, int], int | None]], sources: int) -> None:
    values = [moved(moves[:count], sources).value for count in range(len(moves) + 1)]
    assert values == sorted(values)


@given(MOVES, MOVES, st.integers(1, 3))
def test_a_restored_clock_goes_on_as_if_nothing_had_happened(
    before: list[tuple[tuple[str, int], int | None]], after: list[tuple[tuple[str, int], int | None]], sources: int
) -> None:
    restored = Watermark(sources)
    restored.load(moved(before, sources).dump())
    for source, time_ms in after:
        _ = restored.rest(source) if time_ms is None else restored.advance(source, time_ms)
    assert restored.dump() == moved(before + after, sources).dump()
    assert restored.idle == moved(before + after, sources).idle
