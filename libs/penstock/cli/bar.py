"""How far a producer is: a bar on a terminal, with what was sent, how fast, what was learned of it, and what was refused."""

import asyncio
import contextlib
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from penstock.fold.weather import Weather
from penstock.kafka.cluster import KafkaCluster, opened

if TYPE_CHECKING:
    from rich.console import Console

    from penstock.pace import Followed
    from penstock.sources.reading import Reader

SHOW_EVERY_S = 0.2
ASK_EVERY_S = 1.0
RATE_OVER_S = 5.0


@dataclass(slots=True)
class Rate:
    """How fast a count has grown in the last seconds.

    >>> rate = Rate()
    >>> [rate.per_s(at_s, count) for at_s, count in ((0, 0), (1, 100), (2, 300), (10, 300), (11, 300))]
    [0.0, 100.0, 150.0, 0.0, 0.0]
    """

    _seen: deque[tuple[float, int]] = field(default_factory=deque)

    def per_s(self, now_s: float, count: int) -> float:
        """With the count as it is now."""
        self._seen.append((now_s, count))
        while len(self._seen) > 2 and self._seen[1][0] < now_s - RATE_OVER_S:
            self._seen.popleft()
        first_s, first = self._seen[0]
        return (count - first) / (now_s - first_s) if now_s > first_s else 0.0


@dataclass(slots=True)
class Refused:
    """How many dead letters have come to these topics since `begin`; asked now and then, and not while Kafka is away."""

    kafka: KafkaCluster
    topics: Sequence[str]
    count: int = 0
    _before: int = 0
    _asked_s: float = float("-inf")

    async def begin(self) -> None:
        """Count from here on."""
        self._before = await self._ends()

    async def ask(self, now_s: float) -> None:
        """Look again, if that is due."""
        if now_s - self._asked_s >= ASK_EVERY_S:
            self._asked_s = now_s
            with contextlib.suppress(Weather):
                self.count = max(self.count, await self._ends() - self._before)

    async def _ends(self) -> int:
        return sum([bounds.end for topic in self.topics for bounds in (await self.kafka.bounds_of(topic)).values()])


def described(sent: int, per_s: float, followed: "Iterable[Followed]" = (), refused: int = 0) -> str:
    """What stands behind the bar.

    >>> described(12_345, 987.6, refused=3)
    '12,345 sent, 988/s, 3 refused'
    """
    learned = "".join(f", {each.model} has learned {each.learned:,}" for each in followed)
    return f"{sent:,} sent, {per_s:,.0f}/s{learned}{f', {refused:,} refused' if refused else ''}"


@contextlib.asynccontextmanager
async def shown(
    what: str,
    reader: "Reader",
    sent: Counter[str],
    *,
    bootstrap: str,
    dead_letters: Sequence[str],
    followed: "Sequence[Followed]" = (),
    console: "Console | None" = None,
) -> AsyncIterator[None]:
    """A bar on standard error while inside; nothing where that is no terminal. `dead_letters`: the topics that are watched."""
    if console is None and not sys.stderr.isatty():
        yield
        return
    from rich.console import Console  # noqa: PLC0415 (it takes a tenth of a second)
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[told]}, ends in"), TimeRemainingColumn())
    with Progress(*columns, console=console or Console(stderr=True), transient=True) as bar:
        task, rate = bar.add_task(what, total=None, told=""), Rate()

        async def watch(refused: Refused) -> None:
            await refused.begin()
            while True:
                now_s = time.monotonic()
                await refused.ask(now_s)
                told = described(sent.total(), rate.per_s(now_s, sent.total()), followed, refused.count)
                bar.update(task, completed=reader.done, total=reader.total, told=told)
                await asyncio.sleep(SHOW_EVERY_S)

        async with opened(bootstrap) as kafka:
            watching = asyncio.create_task(watch(Refused(kafka, dead_letters)))
            try:
                yield
            finally:
                watching.cancel()
                with contextlib.suppress(asyncio.CancelledError, Weather):
                    await watching
