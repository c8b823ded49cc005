"""A producer goes as fast as its models learn: no faster, and never waits for what will not come."""

from collections import Counter
from collections.abc import Callable

import pytest

from penstock.pace import ASK_EVERY_S, AWAY_S, LABELS_AHEAD_MAX, QUIET_S, AsLearned, Followed, TrainerAway

MODEL, LABELS = "late", "arrivals"


class World:
    """A trainer that learns as `learns(labels sent)` says, `labels_per_s` of them at most, and a clock that only waiting moves."""

    def __init__(self, learns: Callable[[int], int], labels_per_s: float = 1_000.0, is_there: bool = True) -> None:
        self.now_s = 0.0
        self.sent = 0
        self.learned = 0
        self.ahead_max = 0
        self.said: list[str] = []
        self._learns, self._step, self._is_there = learns, labels_per_s * ASK_EVERY_S, is_there
        self.pace = AsLearned([Followed(MODEL, LABELS)], self.ask, self.answers, self.said.append, lambda: self.now_s, self.sleep)

    async def ask(self, model: str) -> int:
        assert model == MODEL
        return self.learned

    async def answers(self, _: str) -> bool:
        return self._is_there

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds
        self.learned = max(self.learned, int(min(self.learned + self._step, self._learns(self.sent))))

    async def send(self, labels: int) -> None:
        for _ in range(labels):
            await self.pace.hold(Counter({"flights": 10 * self.sent, LABELS: self.sent}))
            self.sent += 1
            self.ahead_max = max(self.ahead_max, self.sent - self.learned)


async def test_a_producer_is_never_further_ahead_than_the_limit() -> None:
    world = World(lambda sent: sent)
    await world.send(5_000)
    assert world.ahead_max == LABELS_AHEAD_MAX
    assert world.now_s == pytest.approx((5_000 - LABELS_AHEAD_MAX) / 1_000, abs=0.2), "as fast as it learns"
    assert world.said == []


async def test_labels_that_never_come_are_written_off_and_the_rest_is_waited_for() -> None:
    world = World(lambda sent: sent * 9 // 10)
    await world.send(6_000)
    assert all("has not learned" in text and "penstock tail dlq.events.arrivals" in text for text in world.said)
    assert 1 <= len(world.said) <= 3
    assert world.sent * 9 // 10 - world.learned <= LABELS_AHEAD_MAX, "still in step with what can be learned"


async def test_a_model_that_learns_nothing_is_soon_not_waited_for() -> None:
    world = World(lambda _: 0)
    await world.send(10_000)
    assert world.said[1:] == [f"{MODEL} learns nothing of what is sent: going on at full speed. Try: penstock show {MODEL}"]
    assert world.now_s < 2 * QUIET_S + 1


async def test_a_model_that_stops_to_learn_is_written_off_once_and_then_not_waited_for() -> None:
    world = World(lambda sent: min(sent, 1_000))
    await world.send(10_000)
    assert [text.split(":")[0] for text in world.said[1:]] == [f"{MODEL} learns nothing of what is sent"]
    assert world.now_s < 2 * QUIET_S + 3


async def test_a_slow_model_is_waited_for_as_long_as_it_moves() -> None:
    world = World(lambda sent: sent, labels_per_s=50)
    await world.send(1_500)
    assert world.ahead_max == LABELS_AHEAD_MAX
    assert world.now_s > 2 * QUIET_S
    assert world.said == []


async def test_a_trainer_that_does_not_come_back_ends_it_with_the_next_command() -> None:
    world = World(lambda sent: min(sent, 500), is_there=False)
    with pytest.raises(TrainerAway, match=f"learned nothing for {AWAY_S:.0f} s.*Try: penstock status; penstock logs trainer; or --rate 0"):
        await world.send(5_000)
    assert world.sent < 500 + LABELS_AHEAD_MAX + 1


async def test_without_labels_nothing_is_waited_for() -> None:
    world = World(lambda _: 0)
    await world.pace.hold(Counter({"flights": 1_000_000}))
    assert world.now_s == 0
