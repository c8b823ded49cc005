"""The beats of an input: while it moves, when it falls silent, and less and less often after that."""

from penstock.fold.limits import Limits
from penstock.fold.pulse import Beat, Pulse

LIMITS = Limits(idle_after_s=1.0, idle_again_max_s=6.0, poll_ms=100)
STEP_S = 0.25


def beats(pulse: Pulse, from_s: float, to_s: float, *, at_end: bool = True, moving: bool = False) -> list[tuple[float, Beat]]:
    """What is said when somebody looks four times a second."""
    found = []
    for number in range(int((to_s - from_s) / STEP_S)):
        now_s = from_s + (number + 1) * STEP_S
        if moving:
            pulse.move(now_s)
        beat = pulse.beat(at_end, now_s)
        if beat is not None:
            found.append((now_s, beat))
    return found


def test_silence_is_said_after_a_while_and_then_less_and_less_often() -> None:
    said = beats(Pulse(LIMITS, 0.0), 0.0, 24.0)
    assert said == [(1.0, Beat.IDLE), *((time_s, Beat.STILL_IDLE) for time_s in (2.0, 4.0, 8.0, 14.0, 20.0))]


def test_what_moves_says_so_as_often_as_silence_takes_to_be_noticed() -> None:
    assert beats(Pulse(LIMITS, 0.0), 0.0, 3.0, moving=True) == [(1.0, Beat.MOVING), (2.0, Beat.MOVING), (3.0, Beat.MOVING)]


def test_what_has_moved_says_so_before_it_is_idle_and_its_silence_begins_anew() -> None:
    pulse = Pulse(LIMITS, 0.0)
    beats(pulse, 0.0, 9.5)
    pulse.move(9.5)
    assert beats(pulse, 9.5, 11.0) == [(9.75, Beat.MOVING), (10.5, Beat.IDLE)]


def test_what_is_not_read_to_its_end_is_not_idle() -> None:
    assert beats(Pulse(LIMITS, 0.0), 0.0, 9.0, at_end=False) == []


def test_silence_while_nobody_looked_does_not_count() -> None:
    pulse = Pulse(LIMITS, 0.0)
    assert beats(pulse, 0.0, 0.5) == []
    assert pulse.beat(at_end=True, now_s=20.0) is None  # the process stood still: what came meanwhile has not been fetched yet
    assert beats(pulse, 20.0, 21.0) == [(21.0, Beat.IDLE)]
