"""Requests that may come in, and the others."""

import contextlib

import pytest

from penstock_ingestion.admission import RETRY_AFTER_S, Admission, Crowded


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_so_many_at_once_and_a_place_is_free_again_whatever_happened() -> None:
    admission = Admission(requests_max=2)
    with admission.slot(), admission.slot(), pytest.raises(Crowded) as crowded, admission.slot():
        pass
    assert crowded.value.retry_after_s == RETRY_AFTER_S
    for _ in range(5):
        with contextlib.suppress(KeyError), admission.slot():
            raise KeyError


def test_so_many_a_second_and_who_comes_back_as_told_gets_in() -> None:
    clock = Clock()
    admission = Admission(100, rate_max=0.5, clock=clock)
    with admission.slot():
        pass
    clock.now_s = 0.5
    with pytest.raises(Crowded) as crowded, admission.slot():
        pass
    clock.now_s += crowded.value.retry_after_s
    with admission.slot():
        pass


def test_what_was_saved_up_is_bounded() -> None:
    clock = Clock()
    admission = Admission(100, rate_max=3, clock=clock)
    clock.now_s = 1_000
    for _ in range(3):
        with admission.slot():
            pass
    with pytest.raises(Crowded, match="3 requests a second"), admission.slot():
        pass
