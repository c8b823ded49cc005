"""Cuts: ranges of a log that a fold leaves out, by the epoch that brought them; they accumulate."""

from bisect import bisect_right
from collections.abc import Iterable
from typing import NamedTuple


class Cut(NamedTuple):
    """The offsets from `start` up to `end`, left out from `epoch` on."""

    start: int
    end: int
    epoch: int


class Cuts:
    """Every cut of a fold; asked for each record, so a fold without cuts pays nothing.

    >>> cuts = Cuts([Cut(10, 20, 1), Cut(15, 30, 2)])
    >>> cuts.hold(20), cuts.hold(30), cuts.brought(12), cuts.brought(25)
    (True, False, 1, 2)
    """

    __slots__ = ("_all", "_ends", "_starts")

    def __init__(self, cuts: Iterable[Cut] = ()) -> None:
        self._all = tuple(cuts)
        merged = _merged(self._all)
        self._starts = [start for start, _ in merged]
        self._ends = [end for _, end in merged]

    def hold(self, offset: int) -> bool:
        """Whether this offset is left out."""
        if not self._starts:
            return False
        index = bisect_right(self._starts, offset) - 1
        return index >= 0 and offset < self._ends[index]

    def brought(self, offset: int) -> int:
        """The epoch since which an offset is left out; 0 if it is not."""
        return min((cut.epoch for cut in self._all if cut.start <= offset < cut.end), default=0)


def _merged(cuts: Iterable[Cut]) -> tuple[tuple[int, int], ...]:
    merged: list[tuple[int, int]] = []
    for start, end, _ in sorted(cuts):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return tuple(merged)
