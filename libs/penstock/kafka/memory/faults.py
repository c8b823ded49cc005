"""What can go wrong for one process, and when: hooks that the twins call before every operation and for every batch."""

import asyncio
from collections import Counter
from enum import Enum, auto
from random import Random
from typing import Protocol

from penstock.fold.weather import Weather

SESSION_S = 6.0
DELAYS_S = (0.0, 0.0, 0.001, 0.01)


class Crash(BaseException):
    """The process is dead: nothing that it still tries has an effect."""


class Fate(Enum):
    """What becomes of one batch."""

    FINE = auto()
    DELAYED = auto()
    DUPLICATED = auto()
    UNACKNOWLEDGED = auto()  # it stands in the log, but its sender does not learn so
    LATE = auto()  # its sender gives up, and then it is appended after all
    CUT = auto()  # more than one request: the first is appended, then its sender gives up
    FAILED = auto()


class Faults(Protocol):
    """The hooks of one process."""

    async def point(self, where: str) -> None:
        """Called before every operation: may wait, or raise Weather or Crash."""

    def fate(self) -> Fate:
        """Called for every batch."""

    def hasty(self) -> bool:
        """Called when an assignment comes during a fetch: whether the fetch brings records of it that nobody has asked for."""

    def stuck(self) -> bool:
        """Called at every fetch: whether this consumer fetches nothing from now on, and does not say so (aiokafka issue 1154)."""


class NoFaults:
    """A world in which nothing goes wrong."""

    async def point(self, where: str) -> None:
        """Let other tasks run, as real input and output does."""
        await asyncio.sleep(0)

    def fate(self) -> Fate:
        """Always fine."""
        return Fate.FINE

    def hasty(self) -> bool:
        """Never."""
        return False

    def stuck(self) -> bool:
        """Never."""
        return False


class SeededFaults:
    """Faults drawn from a seed: the same seed gives the same faults at the same places. `injected` counts them by kind.

    `crash`, `weather` and `freeze` are the chances at every point, `batch` that of any bad fate. After a crash every operation of the
    process raises, so that its tasks end without a trace; while it is frozen, none of its operations goes on (SIGSTOP).
    """

    def __init__(self, random: Random, *, crash: float = 0.0, weather: float = 0.0, freeze: float = 0.0, batch: float = 0.0) -> None:
        self.alive = True
        self.injected: Counter[str] = Counter()
        self._random = random
        self._crash, self._weather, self._freeze, self._batch = crash, weather, freeze, batch
        self._frozen_until_s = self._stormy_until_s = 0.0
        self._freezes_at: tuple[str, float] | None = None
        self._sticks = False

    def calm(self) -> None:
        """No more faults from now on."""
        self._crash = self._weather = self._freeze = self._batch = 0.0

    def kill(self) -> None:
        """The process dies here, as by kill -9."""
        self.alive = False

    def freeze(self, for_s: float, at: str = "") -> None:
        """Nothing of the process goes on for so long, as by SIGSTOP and SIGCONT: from now on, or from the next operation called `at`."""
        if at:
            self._freezes_at = (at, for_s)
        else:
            self._frozen_until_s = asyncio.get_running_loop().time() + for_s

    def stick(self) -> None:
        """One consumer of the process, the next that fetches, gets nothing more."""
        self._sticks = True

    def storm(self, for_s: float) -> None:
        """Nothing outside can be reached for so long."""
        self._stormy_until_s = asyncio.get_running_loop().time() + for_s

    async def point(self, where: str) -> None:
        """See Faults."""
        self._breathe()
        if self._stormy_until_s > asyncio.get_running_loop().time():
            raise Weather(f"{where}: nothing answers")
        if self._freezes_at is not None and self._freezes_at[0] == where:
            self.freeze(self._freezes_at[1])
            self._freezes_at = None
        drawn = self._random.random()
        if drawn < self._crash:
            self.injected["crash"] += 1
            self.kill()
        elif drawn < self._crash + self._weather:
            self.injected["weather"] += 1
            raise Weather(f"{where}: a connection was lost")
        elif drawn > 1 - self._freeze:
            self.injected["freeze"] += 1
            self.freeze(self._random.uniform(SESSION_S, 2 * SESSION_S))
        await asyncio.sleep(self._random.choice(DELAYS_S))
        while (frozen_s := self._frozen_until_s - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(frozen_s)
        self._breathe()

    def fate(self) -> Fate:
        """See Faults."""
        self._breathe()
        if self._random.random() >= self._batch:
            return Fate.FINE
        fate = self._random.choice(list(Fate)[1:])
        self.injected[f"batch {fate.name.lower()}"] += 1
        return fate

    def hasty(self) -> bool:
        """See Faults."""
        is_hasty = self._random.random() < 5 * self._batch
        self.injected["live before restore"] += is_hasty
        return is_hasty

    def stuck(self) -> bool:
        """See Faults."""
        sticks, self._sticks = self._sticks, False
        self.injected["stuck consumer"] += sticks
        return sticks

    def _breathe(self) -> None:
        if not self.alive:
            raise Crash
