"""Law III, what is kept: the last snapshots of a fold, and a ladder of older ones, so that a rewind need not start from nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

LAST = 3  # snapshots of one fold and partition that are always kept
MINUTE_S, HOUR_S, DAY_S = 60, 3_600, 86_400


class Rung(NamedTuple):
    """One snapshot for each span of `every_s` of wall time, of the newest `kept` spans that have one."""

    every_s: float
    kept: int


RUNGS = (Rung(MINUTE_S, 60), Rung(HOUR_S, 24), Rung(DAY_S, 7))
"""A rewind within the last hour folds again at most a minute more than it must, within a day an hour, within a week a day."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Which snapshots of one fold and partition are kept."""

    last: int = LAST
    rungs: Sequence[Rung] = ()


WITH_LADDER = Keep(rungs=RUNGS)


class Step(NamedTuple):
    """A snapshot that is there: its name within the fold, and when it was stored (s since the epoch)."""

    epoch: int
    sequence: int
    stored_s: float


def dropped(keep: Keep, steps: Iterable[Step]) -> list[Step]:
    """Those that are not kept: neither among the last (by name), nor the first that was stored in a span of some rung.

    The first of a span stays the first, so what is kept once is kept until its span is too old.

    >>> steps = [Step(0, number, 10.0 * number) for number in range(1, 13)]
    >>> left = set(steps) - set(dropped(Keep(last=2, rungs=(Rung(60, 2),)), steps))
    >>> sorted(step.sequence for step in left)
    [6, 11, 12]
    """
    steps = sorted(steps, reverse=True)
    kept = set(steps[: keep.last])
    for rung in keep.rungs:
        first = {int(step.stored_s // rung.every_s): step for step in sorted(steps, key=lambda step: (step.stored_s, step), reverse=True)}
        kept |= {first[span] for span in sorted(first, reverse=True)[: rung.kept]}
    return [step for step in steps if step not in kept]
