"""A producer's pace: at most so many labels ahead of what the models have learned, so that what answers has learned what came before."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from penstock.errors import PenstockError

LABELS_AHEAD_MAX = 300  # labels that have been sent and not yet learned
LABELS_AHEAD_AGAIN = 250  # who has reached the limit waits until there is room for some: asking is not free
ASK_EVERY_S = 0.02
QUIET_S = 10.0  # a service that was killed is back by then
AWAY_S = 30.0  # a trainer that has not answered for so long does not come back by itself


class TrainerAway(PenstockError):
    """The trainer does not answer, so nobody knows what has been learned."""

    def __init__(self, model: str, sent: int) -> None:
        super().__init__(
            f"{model} has learned nothing for {AWAY_S:.0f} s, and the trainer does not answer. {sent:,} labels are sent and kept. "
            "Try: penstock status; penstock logs trainer; or --rate 0, which waits for nobody"
        )


@dataclass(slots=True)
class Followed:
    """A model that is waited for: it learns from `label_stream`. Labels that did not come in time are written off as `missed`."""

    model: str
    label_stream: str
    learned: int = 0
    missed: int = 0
    learned_when_missed: int = -1  # the first labels may be slow: services that have just begun join their groups
    given_up: bool = False

    def ahead(self, sent: int) -> int:
        """How many of the labels sent are still to be learned.

        >>> Followed("a", "a-labels", learned=40, missed=10).ahead(100)
        50
        """
        return 0 if self.given_up else sent - self.learned - self.missed

    def write_off(self, sent: int) -> str:
        """Wait no longer for what is missing, nor for anything if nothing was learned since the last time; what to say of it."""
        ahead = self.ahead(sent)
        self.given_up = self.learned == self.learned_when_missed
        self.missed, self.learned_when_missed = self.missed + ahead, self.learned
        if self.given_up:
            return f"{self.model} learns nothing of what is sent: going on at full speed. Try: penstock show {self.model}"
        return (
            f"{self.model} has not learned {ahead:,} of {sent:,} labels and they are no longer waited for. "
            f"Try: penstock tail dlq.events.{self.label_stream}; penstock show {self.model}"
        )


@dataclass(slots=True)
class AsLearned:
    """Holds a replay while a model of `models` is `LABELS_AHEAD_MAX` labels behind.

    `learned(model)` says how many labels it has learned since the replay began, `is_there(model)` whether the trainer answers for it.
    Labels may be rejected, or have no prediction: when nothing has moved for `QUIET_S` they are written off, and `say` is told.
    """

    models: Iterable[Followed]
    learned: Callable[[str], Awaitable[int]]
    is_there: Callable[[str], Awaitable[bool]]
    say: Callable[[str], None]
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep)

    async def hold(self, sent: Counter[str]) -> None:
        """Returns when one more may be sent. Raises: TrainerAway."""
        for model in self.models:
            if model.ahead(sent[model.label_stream]) >= LABELS_AHEAD_MAX:
                await self._wait(model, sent[model.label_stream])

    async def _wait(self, model: Followed, sent: int) -> None:
        moved_s = self.clock()
        while True:
            before, model.learned = model.learned, max(model.learned, await self.learned(model.model))
            if model.ahead(sent) <= LABELS_AHEAD_AGAIN:
                return
            now_s = self.clock()
            if model.learned > before:
                moved_s = now_s
            elif now_s - moved_s > QUIET_S and await self.is_there(model.model):
                self.say(model.write_off(sent))
            elif now_s - moved_s > AWAY_S:
                raise TrainerAway(model.model, sent)
            await self.sleep(ASK_EVERY_S)
