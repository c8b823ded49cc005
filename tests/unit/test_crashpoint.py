"""Crash points: nothing happens unless it is asked for; then the process dies as by kill -9, at the passing that was named."""

import signal
import subprocess
import sys

import pytest

from penstock.crashpoint import POINTS, CrashPoints
from penstock.errors import UsageError

PASSES = """
from penstock.crashpoint import CrashPoints
points = CrashPoints({asked!r})
for number in range(5):
    print(number, flush=True)
    points.reach("round.sent")
    points.reach("snapshot.stored")
"""


def passed(asked: str) -> tuple[int, list[str]]:
    done = subprocess.run([sys.executable, "-c", PASSES.format(asked=asked)], capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.split()


def test_nothing_happens_unless_it_is_asked_for() -> None:
    assert passed("") == (0, ["0", "1", "2", "3", "4"])
    assert passed("outbox.sent") == (0, ["0", "1", "2", "3", "4"])


def test_the_process_dies_at_the_passing_that_was_named() -> None:
    assert passed("round.sent") == (-signal.SIGKILL, ["0"])
    assert passed("snapshot.stored:3") == (-signal.SIGKILL, ["0", "1", "2"])


@pytest.mark.parametrize("asked", ["snapshot.store", "snapshot.stored:0", "snapshot.stored:x", ":3"])
def test_a_point_that_does_not_exist_is_refused_with_those_that_do(asked: str) -> None:
    with pytest.raises(UsageError, match="no such crash point") as refused:
        CrashPoints(asked)
    assert all(point in str(refused.value) for point in POINTS)
