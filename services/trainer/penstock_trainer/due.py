"""Which event ids are due: a calendar of seconds, of which only the nearest is kept in exact order."""

import heapq
from collections.abc import Callable, Iterator
from typing import NamedTuple

SECOND_MS = 1_000


class Due(NamedTuple):
    """When the state of an id ends, and the record that put it there; in this order ids are due."""

    due_ms: int
    offset: int


DueOf = Callable[[str], Due | None]
"""What holds for an id now; None when nothing does."""


class Calendar:
    """Event ids by the second in which they are due; 8 bytes an id where many are due in one, while a heap of all takes 136.

    An id may stand in several seconds: what holds is asked when its second comes, so an id that is put elsewhere need not be taken out.
    A calendar queue (Brown, CACM 1988) with a heap for the days that have come.

    >>> holds = {"a": Due(1_500, 0), "b": Due(1_200, 1), "c": Due(9_000, 2)}
    >>> calendar = Calendar()
    >>> for id, due in holds.items(): calendar.add(id, due)
    >>> list(calendar.before(1_500, holds.get)), list(calendar.before(2_000, holds.get))
    (['b'], ['a'])
    """

    __slots__ = ("_near", "_order", "_seconds")

    def __init__(self) -> None:
        self._seconds: dict[int, str | list[str]] = {}  # one id stands alone: a sparse stream has a list for each otherwise
        self._order: list[int] = []
        self._near: list[tuple[int, int, str]] = []  # the seconds that the watermark has reached

    def add(self, id: str, due: Due) -> None:
        """Note that `id` is due then."""
        second = due.due_ms // SECOND_MS
        others = self._seconds.get(second)
        if others is None:
            self._seconds[second] = id
            heapq.heappush(self._order, second)
        elif isinstance(others, list):
            others.append(id)
        else:
            self._seconds[second] = [others, id]

    def before(self, watermark_ms: int, due_of: DueOf) -> Iterator[str]:
        """The ids that are due before the watermark, in the order of Due; due *at* the watermark is not yet past."""
        while True:
            while self._order and self._order[0] * SECOND_MS < watermark_ms:
                self._reach(heapq.heappop(self._order), due_of)
            if not self._near or self._near[0][0] >= watermark_ms:
                return
            due_ms, offset, id = heapq.heappop(self._near)
            if due_of(id) == (due_ms, offset):
                yield id

    def _reach(self, second: int, due_of: DueOf) -> None:
        ids = self._seconds.pop(second)
        for id in [ids] if isinstance(ids, str) else ids:
            due = due_of(id)
            if due is not None and due.due_ms // SECOND_MS == second:
                heapq.heappush(self._near, (*due, id))
