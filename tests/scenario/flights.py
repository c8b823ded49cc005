"""The flights of the demo under names of one's own, so that many runs fit on one platform."""

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.flights.events import Event, message
from examples.flights.summary import summarise
from examples.flights.watch import Watch
from penstock.cli.apply import wait_until_served
from penstock.cli.learned import learned_since_now
from penstock.cli.platform import registry
from penstock.pace import AsLearned, Followed
from penstock.replay import Replay, at_rate
from penstock.spec import load
from tests.scenario.running import DEADLINE_S, Platform, suffix
from tests.waiting import until

SPEC = Path(__file__).parents[2] / "examples" / "flights" / "penstock.yaml"
ON_THEIR_WAY = 200  # flights that are sent and need not be answered when it is halfway
STORY_RATE = 1_500.0  # events/s: the watch looks twice a second
NAMES = re.compile(r"\b(flights-basic|flights-late|flights|weather|arrivals)\b")


class OwnWatch(Watch):
    """A watch that takes notice of the folds of its own run only."""

    def total(self, prefix: str, name: str) -> int:
        own = self.model.removeprefix("flights-late")
        return int(sum(counts.get(name, 0) for fold, counts in self.counts.items() if fold.startswith(prefix) and own in fold))

    @property
    def in_step(self) -> bool:
        """Whether all drift so far is in the log, and the first proposal serves: where the stream is then is no matter of speed."""
        kinds = [event["kind"] for event in self.learning.get("history", [])]
        told = len(self.quality.get("drifts", [])) <= self.count("drift_events")
        return told and ("proposal" not in kinds or kinds.count("serve") > 1)

    def has_taken(self, sent: int) -> bool:
        """Whether so many events have come in, and nothing of them is on its way."""
        return self.settled and sum(self.total("ingestion/", end) for end in ("validated", "rejected", "duplicates")) == sent


@dataclass(frozen=True, slots=True)
class Run:
    """A replay that has come to rest; `summary` is what the demo would write."""

    model: str
    summary: dict[str, Any]
    counts: dict[str, int]
    history: list[dict[str, Any]]


def changed(*changes: tuple[str, str]) -> str:
    """The specification of the demo with parts of its text, found by regular expressions, replaced."""
    text = SPEC.read_text(encoding="utf-8")
    for old, new in changes:
        text, found = re.subn(old, new, text)
        assert found == 1, f"{old!r} is not once in {SPEC}"
    return text


def first(events: Sequence[Event], flights: int) -> list[Event]:
    """What the replay of the first flights alone would hold."""
    asked = [event for event in events if event.stream == "flights"][:flights]
    ids, last = {event.body["flight_id"] for event in asked}, asked[-1].time
    return [event for event in events if (event.body["flight_id"] in ids if "flight_id" in event.body else event.time <= last)]


async def nothing(_: str) -> None:
    """What most do halfway."""


async def run(
    platform: Platform, text: str, events: Sequence[Event], halfway: Callable[[str], Awaitable[None]] = nothing, in_step: bool = False
) -> Run:
    """Apply, replay and wait until all has come to rest.

    `halfway` is called, with what ends the names of this run, when half of the flights are answered; a few more are on their way then, and
    the stream goes on when it returns.
    `in_step`: the stream waits for what it has set off (drift, the first proposal), so that the story is the same on a slow machine.
    """
    own = suffix()
    spec = load(NAMES.sub(rf"\g<1>{own}", text), "penstock.yaml")
    model = f"flights-late{own}"
    async with registry(platform.folder) as client:
        await client.apply(spec.to_json())
    await wait_until_served([model], platform.folder, DEADLINE_S)
    watch = OwnWatch(model, platform.folder)
    renamed = [event._replace(stream=event.stream + own) for event in events]
    half = sum(event.stream == "flights" for event in events) / 2
    goes_on = asyncio.Event()

    async def until_it_goes_on(sent: Counter[str]) -> None:
        if sent[f"flights{own}"] >= half + ON_THEIR_WAY:
            await goes_on.wait()

    async with learned_since_now([model], platform.folder) as learned:
        as_learned = AsLearned([Followed(model, f"arrivals{own}")], learned.count, learned.is_there, print)

        async def until_in_step(_: Counter[str]) -> None:
            await until(lambda: watch.in_step, DEADLINE_S)

        holds = (until_it_goes_on, as_learned.hold, *((until_in_step, at_rate(STORY_RATE)) if in_step else ()))
        replay = Replay(platform.at.bootstrap, holds=holds)
        following = asyncio.create_task(watch.follow())
        sending = asyncio.create_task(replay.run(map(message, renamed), spec))
        try:
            await until(lambda: watch.count("predictions") >= half, DEADLINE_S)
            await halfway(own)
            goes_on.set()
            await asyncio.wait_for(sending, DEADLINE_S)
            await until(lambda: watch.has_taken(sum(replay.sent.values())), DEADLINE_S)
        finally:
            for task in (following, sending):
                task.cancel()
            await asyncio.gather(following, sending, return_exceptions=True)
    return Run(model, summarise(watch, replay, 1.0), watch.learning["counts"], watch.learning["history"])
