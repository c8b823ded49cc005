"""The demo on a running stack: apply, replay, watch, prove, sum up."""

import asyncio
import json
import os
import signal
import time
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from examples.flights.events import Event, message
from examples.flights.latency import event_to_learned_ms
from examples.flights.screen import Screen, conclusion
from examples.flights.summary import counts_add_up, summarise
from examples.flights.watch import Watch
from penstock.cli.apply import wait_until_served
from penstock.cli.learned import learned_since_now
from penstock.cli.platform import addresses, registry
from penstock.cli.verify import prove
from penstock.errors import PenstockError, ProofUnequal
from penstock.local.state import read_state
from penstock.pace import AsLearned, Followed
from penstock.replay import Replay, at_rate
from penstock.spec import load

MODEL = "flights-late"
LABEL_STREAM = "arrivals"
SPEC = Path(__file__).parent / "penstock.yaml"
SERVE_TIMEOUT_S = 60.0
SETTLE_TIMEOUT_S = 120.0
DRAW_EVERY_S = 0.25


@dataclass(slots=True)
class Demo:
    """One run. `began` is when the first command was typed, in seconds since the epoch; `victim` is killed halfway."""

    folder: Path
    flights: int
    rate: float
    victim: str
    began: float

    async def run(self, events: Future[list[Event]]) -> None:
        """Do it all. Raises: ProofUnequal; PenstockError when the counts do not add up or the pipeline does not come to rest."""
        spec = load(SPEC.read_text(encoding="utf-8"), str(SPEC))
        async with registry(self.folder) as client:
            await client.apply(spec.to_json())
        await wait_until_served([MODEL], self.folder, SERVE_TIMEOUT_S)
        ordered = await asyncio.wrap_future(events)
        watch, started = Watch(MODEL, self.folder), time.monotonic()
        async with learned_since_now([MODEL], self.folder) as learned:
            as_learned = AsLearned([Followed(MODEL, LABEL_STREAM)], learned.count, learned.is_there, print)
            holds = (as_learned.hold, at_rate(self.rate)) if self.rate else (as_learned.hold,)
            replay = Replay(addresses(self.folder).bootstrap, holds=holds)
            with Screen(watch, replay, self.flights) as screen:
                async with asyncio.TaskGroup() as tasks:
                    looking = tasks.create_task(watch.follow())
                    sending = tasks.create_task(replay.run(map(message, ordered), spec))
                    await self._until_rest(watch, replay, screen, sending)
                    looking.cancel()
        summary = summarise(watch, replay, time.monotonic() - started)
        await self._conclude(summary, screen)

    @staticmethod
    def _all_ended(watch: Watch, replay: Replay) -> bool:
        """Whether every event that was sent has been judged, and every prediction ended: a look may be older than the last batch."""
        judged = sum(watch.total("ingestion/", name) for name in ("validated", "rejected", "duplicates"))
        ended = sum(watch.count(name) for name in ("labelled", "expired", "quarantined"))
        watched = watch.quality.get("labelled", 0) + watch.quality.get("expired", 0)
        return judged == sum(replay.sent.values()) and ended == watch.count("predictions") == watched

    async def _until_rest(self, watch: Watch, replay: Replay, screen: Screen, sending: asyncio.Task[None]) -> None:
        """Draw until everything that was sent has ended; kill the victim on the way."""
        deadline, alive, first = 0.0, bool(self.victim), False
        while alive or not (sending.done() and watch.settled and self._all_ended(watch, replay)):
            asked = watch.count("predictions")
            if asked and not first:
                first = True
                screen.console.print(f"first prediction {time.time() - self.began:.1f} s after the first command")
            if alive and asked >= self.flights / 2:
                alive = False
                self._kill(screen)
            if sending.done():
                deadline = deadline or time.monotonic() + SETTLE_TIMEOUT_S
                if time.monotonic() > deadline:
                    raise PenstockError("the pipeline has not come to rest. Try: make demo KEEP=1; penstock status")
            screen.draw()
            await asyncio.sleep(DRAW_EVERY_S)
        screen.draw()

    def _kill(self, screen: Screen) -> None:
        state = read_state(self.folder)
        for process in state.processes if state else ():
            if process.name == self.victim:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
                screen.console.print(f"  ✗ kill -9 {process.pid} ({self.victim})")

    async def _conclude(self, summary: dict[str, Any], screen: Screen) -> None:
        proof = await prove(f"{MODEL}@champion", self.folder)
        summary["verify"] = asdict(proof)
        summary["event_to_learned_ms"] = await event_to_learned_ms(self.folder, LABEL_STREAM, MODEL)
        summary["counts_add_up"] = counts_add_up(summary)
        summary["total_seconds"] = round(time.time() - self.began, 1)
        path = self.folder / "summary.json"
        path.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
        for line in conclusion(summary):
            screen.console.print(line)
        screen.console.print(f"{path}; {summary['total_seconds']:.0f} s in all")
        if not proof.equal:
            raise ProofUnequal(f"{proof.reference}: {proof.difference}")
        if not summary["counts_add_up"]:
            raise PenstockError(f"the counts do not add up: see {path}")
