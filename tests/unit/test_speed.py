"""Event time goes so many times as fast as the clock."""

from penstock.replay import Message, at_speed

MINUTE_MS = 60_000


class Time:
    """A clock that only sleeping moves."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    async def sleep(self, seconds: float) -> None:
        self.now_s += seconds


def at(time_ms: int | None) -> Message:
    return Message("halls", "k", b"{}", time_ms)


async def test_each_event_is_due_at_its_time_and_who_is_behind_catches_up() -> None:
    time = Time()
    pace = at_speed(60, jump_ms_max=10 * MINUTE_MS, clock=time.clock, sleep=time.sleep)
    due: list[float] = []
    for message in (at(MINUTE_MS), at(None), at(2 * MINUTE_MS), at(5 * MINUTE_MS), at(3 * MINUTE_MS)):
        await pace(message)
        due.append(time.now_s)
    assert due == [0, 0, 1, 4, 4]
    time.now_s = 7
    await pace(at(7 * MINUTE_MS))
    assert time.now_s == 7
    await pace(at(9 * MINUTE_MS))
    assert time.now_s == 8


async def test_an_event_that_will_be_refused_for_its_time_is_not_waited_for() -> None:
    time = Time()
    pace = at_speed(1, jump_ms_max=MINUTE_MS, clock=time.clock, sleep=time.sleep)
    for message in (at(0), at(MINUTE_MS), at(9_000 * MINUTE_MS), at(2 * MINUTE_MS)):
        await pace(message)
    assert time.now_s == 120
