"""A query's place: whatever interrupts the runs, and whatever is committed between them, each row is sent once."""

import tempfile
from collections import Counter, deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import example, given, strategies as st

from penstock.errors import PenstockError, UsageError
from penstock.sources.place import ROWS_OF_A_VALUE_MAX, Place, Reached

SOURCE = {"stream": "halls", "database": "db/shop", "query": "select * from halls", "by": "id"}
LOG = "events.halls:0"
Row = tuple[int, str]


@dataclass(slots=True)
class World:
    """A table, a log of one partition, and runs that are killed: what is under way is acknowledged `lag` rows later."""

    folder: Path
    table: list[Row] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    def run(self, *, killed_after: int, lag: int, notes: Iterable[bool]) -> None:
        place = Place.of(self.folder, SOURCE)
        noted = iter(notes)
        seconds = 0.0

        def clock() -> float:
            nonlocal seconds
            seconds += 10.0 if next(noted, True) else 0.0
            return seconds

        place.clock = clock
        if not place.ended:
            place.found = {id for id in self.log[place.ends[LOG] :] if place.is_own(id)}
        place.begin({LOG: len(self.log)})
        if self._send(place, killed_after, lag):
            place.end()

    def _send(self, place: Place, killed_after: int, lag: int) -> bool:
        """Whether it came to its end."""
        first, number = place.again(), 0
        under_way: deque[tuple[int, int]] = deque()
        for value, cell in sorted(self.table):
            if first is not None and value < int(first):
                continue
            id = place.take(str(value), [str(value), cell])
            if id is None:
                continue
            if number == killed_after:
                return False
            if not place.was_sent(number):
                self.log.append(id)
                under_way.append((number, len(self.log)))
            number += 1
            end = 0
            while len(under_way) > lag:
                end = under_way.popleft()[1]
            if end:
                place.mark(under_way[0][0] if under_way else number, {LOG: end})
        return True

    def may_come(self) -> int:
        """The least value that a row may have that is committed now: what is smaller than what was sent comes too late."""
        return int(Place.of(self.folder, SOURCE).acknowledged.value or 0)


rows = st.lists(st.tuples(st.integers(0, 3), st.sampled_from("ab")), max_size=8)
runs = st.lists(st.tuples(rows, st.integers(0, 12), st.integers(0, 3), st.lists(st.booleans(), max_size=12)), min_size=1, max_size=5)


@given(runs)
@example(  # b, which the second run finds behind rows that are new, must be found by the third one too
    [([(0, "a"), (0, "a"), (0, "b"), (0, "b"), (0, "b")], 3, 0, [False] * 4), ([(0, "a")] * 5, 8, 2, [])],
)
def test_each_row_is_sent_once_whatever_is_killed_and_committed(runs: list[tuple[list[Row], int, int, list[bool]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for committed, killed_after, lag, notes in runs:
            least = world.may_come()
            world.table += [(least + more, cell) for more, cell in committed]
            world.run(killed_after=killed_after, lag=lag, notes=notes)
        world.run(killed_after=-1, lag=0, notes=())
        assert len(world.log) == len(world.table)
        assert len(set(world.log)) == len(world.log), "the id of an event is its own"
        world.run(killed_after=-1, lag=0, notes=())
        assert len(world.log) == len(world.table), "and the next run finds nothing new"


def test_rows_that_are_the_same_are_as_many_events(tmp_path: Path) -> None:
    place = Place.of(tmp_path, SOURCE)
    assert place.again() is None
    ids = [place.take("7", ["7", "a"]) for _ in range(3)]
    assert len(set(ids)) == 3
    assert place.again() == "7"
    assert [place.take("7", ["7", "a"]) for _ in range(3)] == [None] * 3
    assert place.take("7", ["7", "a"]) not in {*ids, None}


def test_the_ids_of_a_row_are_the_same_after_an_interrupt(tmp_path: Path) -> None:
    first = Place.of(tmp_path, SOURCE)
    first.begin({LOG: 5})
    ids = [first.take(value, [value]) for value in ("1", "2", "2")]
    first.mark(1, {LOG: 6})
    again = Place.of(tmp_path, SOURCE)
    assert (again.ended, again.again(), again.ends) == (False, "1", {LOG: 6})
    assert [again.take(value, [value]) for value in ("1", "2", "2")] == [None, *ids[1:]]


def test_a_run_with_a_finished_place_begins_with_the_log_as_it_is_now(tmp_path: Path) -> None:
    place = Place.of(tmp_path, SOURCE)
    place.begin({LOG: 5})
    place.take("1", ["1"])
    place.end()
    again = Place.of(tmp_path, SOURCE)
    again.begin({LOG: 900})
    assert again.ends == {LOG: 900}
    killed = Place.of(tmp_path, SOURCE)
    killed.begin({LOG: 950})
    assert killed.ends == {LOG: 900}, "what the killed one has sent stands behind its own"


def test_another_query_does_not_fill_a_stream_unasked(tmp_path: Path) -> None:
    other = SOURCE | {"query": "select id from halls"}
    Place.of(tmp_path, other).begin({})
    assert Place.of(tmp_path, SOURCE).again() is None, "nothing came of the other one"
    filled = Place.of(tmp_path, other)
    filled.take("1", ["1"])
    filled.end()
    with pytest.raises(UsageError, match=r'"select id from halls" --by id of db/shop.*--anew'):
        Place.of(tmp_path, SOURCE)
    assert Place.of(tmp_path, SOURCE | {"stream": "yards"}).again() is None
    place = Place.of(tmp_path, SOURCE, anew=True)
    place.begin({})
    assert Place.of(tmp_path, SOURCE).run == place.run


def test_to_begin_anew_forgets_the_place(tmp_path: Path) -> None:
    place = Place.of(tmp_path, SOURCE)
    place.take("1", ["1"])
    place.end()
    assert Place.of(tmp_path, SOURCE).again() == "1"
    anew = Place.of(tmp_path, SOURCE, anew=True)
    assert (anew.again(), anew.run == place.run) == (None, False)


def test_two_runs_of_one_query_are_not_under_way_at_once(tmp_path: Path) -> None:
    first, second = Place.of(tmp_path, SOURCE), Place.of(tmp_path, SOURCE)
    with first.held(), pytest.raises(PenstockError, match="another run"), second.held():
        pass
    with second.held():
        pass


@pytest.mark.parametrize("text", ["{", "[]", '{"source": {}}'])
def test_a_place_that_cannot_be_read_is_told(tmp_path: Path, text: str) -> None:
    place = Place.of(tmp_path, SOURCE)
    place.begin({})
    place.path.write_text(text)
    with pytest.raises(PenstockError, match="--anew"):
        Place.of(tmp_path, SOURCE)


def test_what_is_remembered_of_one_value_has_a_limit() -> None:
    reached = Reached("1", Counter(map(str, range(ROWS_OF_A_VALUE_MAX))))
    with pytest.raises(PenstockError, match="finer column"):
        reached.take("1", "one more")
    assert reached.take("2", "row") == 0
