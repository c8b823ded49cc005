"""A dead letter that is sent again: taken once, however often it comes, and as what it was at first."""

import pytest

from penstock.deadletters.letters import REPLAY_ATTEMPT, REPLAY_OF
from penstock.fold.protocol import Header, Poison
from penstock_ingestion.replays import REMEMBERED_MS, Replays
from tests.unit.ingestion.streams import HOUR_MS, NOON_MS, TOPIC, flight, house, record


def again(offset: int, attempt: int = 1) -> tuple[Header, ...]:
    """The headers of a record that stood first at this offset."""
    return (REPLAY_OF, f"{TOPIC}:0:{offset}".encode()), (REPLAY_ATTEMPT, str(attempt).encode())


@pytest.mark.parametrize("id", ["flight_id", None])
async def test_a_letter_that_is_sent_twice_counts_once_also_behind_the_window_and_a_restart(id: str | None) -> None:
    home = await house(id=id, dedup_window_ms=1_000)
    fold = home.fold()
    with pytest.raises(Poison, match="out_of_range"):
        fold.step(record(flight(distance=-1), 3))
    assert len(list(fold.step(record(flight(), 10, again(3))))) == 1
    fold.step(record(flight(flight_id="b", scheduled_at=NOON_MS + HOUR_MS), 11))
    restored = home.fold()
    restored.restore(fold.snapshot())
    for each in (fold, restored):
        assert list(each.step(record(flight(), 12, again(3, attempt=2)))) == []
        assert (each.counts["sent"], each.counts["validated"], each.counts["duplicates"]) == (4, 2, 1)


async def test_a_letter_is_taken_with_another_payload_only_if_it_was_not_taken_before() -> None:
    fold = (await house(id=None)).fold()
    with pytest.raises(Poison):
        fold.step(record(flight(distance=-1), 10, again(3)))
    assert len(list(fold.step(record(flight(distance=2), 11, again(3))))) == 1
    assert list(fold.step(record(flight(distance=3), 12, again(3)))) == []
    assert len(list(fold.step(record(flight(distance=4), 13, again(4))))) == 1


async def test_without_an_id_the_place_where_it_stood_first_is_its_id_and_its_origin_is_where_it_stands() -> None:
    home = await house(id=None)
    (output,) = home.fold().step(record(flight(), 10, again(3)))
    fields = home.read(output)
    assert (fields["event_id"], fields["_origin"]["offset"]) == (f"{TOPIC}:0:3", 10)


@pytest.mark.parametrize(
    "place", [f"{TOPIC}:0:10", f"{TOPIC}:0:11", f"{TOPIC}:1:3", "events.trains:0:3", "3", "", "a:b:c", f"{TOPIC}:0:" + "9" * 5_000]
)
async def test_a_place_that_this_partition_cannot_know_is_poison_and_is_not_remembered(place: str) -> None:
    fold = (await house()).fold()
    before = fold.snapshot()
    with pytest.raises(Poison, match="bad_header"):
        fold.step(record(flight(), 10, ((REPLAY_OF, place.encode()),)))
    fold.counts.clear()
    assert fold.snapshot() == before


def test_places_are_forgotten_when_no_letter_of_them_can_be_left() -> None:
    replays = Replays()
    replays.remember(1, append_time_ms=0)
    replays.remember(2, append_time_ms=REMEMBERED_MS)
    restored = Replays()
    restored.restore(*replays.capture())
    for each in (replays, restored):
        assert (each.knows(1), each.knows(2)) == (True, True)
        each.remember(3, append_time_ms=REMEMBERED_MS + 1)
        assert (each.knows(1), each.knows(2), each.knows(3)) == (False, True, True)
