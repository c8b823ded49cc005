"""`make demo`: the flights of 2013 through all six services, then the proof of what the champion has learned."""

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from examples.flights.events import events
from examples.flights.latency import event_to_learned_ms
from examples.flights.replay import Replay
from examples.flights.screen import Screen
from examples.flights.summary import counts_add_up, summarise
from examples.flights.watch import Watch
from penstock.cli.apply import wait_until_served
from penstock.cli.platform import addresses, registry
from penstock.cli.stack import say_download
from penstock.cli.verify import prove
from penstock.errors import PenstockError
from penstock.local.stack import SERVICES, start_detached, stop, wipe
from penstock.local.state import read_state
from penstock.spec import Spec, load

MODEL = "flights-late"
LABEL_STREAM = "arrivals"
SPEC = Path(__file__).parent / "penstock.yaml"
FOLDER = Path(".penstock") / "demo"
SETTLE_TIMEOUT_S = 120.0
DRAW_EVERY_S = 0.25
INTERRUPTED = 130


def main() -> int:
    """Set up, run, prove, write the summary, stop; the exit code."""
    flights, rate = int(os.environ.get("FLIGHTS", "100000")), float(os.environ.get("RATE", "0"))
    victim, keep = os.environ.get("KILL", ""), bool(os.environ.get("KEEP"))
    began = float(os.environ.get("PENSTOCK_DEMO_BEGAN") or time.time())
    if victim and victim not in {service.name for service in SERVICES}:
        raise PenstockError(f"KILL={victim}: there is no such service ({', '.join(service.name for service in SERVICES)})")
    stop(FOLDER)
    wipe(FOLDER)
    say_download()
    sys.stdout.write("starting Kafka, PostgreSQL and six services\n")
    sys.stdout.flush()
    try:
        start_detached(FOLDER)
        return asyncio.run(demo(flights, rate, victim, began))
    finally:
        if keep and read_state(FOLDER):
            sys.stdout.write(NEXT)
        else:
            stop(FOLDER)


NEXT = f"""the stack is still up. Try:
  penstock show {MODEL} --folder {FOLDER}
  penstock tail predictions.{MODEL} --folder {FOLDER}
  penstock verify {MODEL}@champion --folder {FOLDER}
  penstock down --folder {FOLDER}
"""


async def demo(flights: int, rate: float, victim: str, began: float) -> int:
    """The demo on a running stack."""
    spec = load(SPEC.read_text(encoding="utf-8"), str(SPEC))
    async with registry(FOLDER) as client:
        await client.apply(spec.to_json())
    await wait_until_served([MODEL], FOLDER, 60)
    watch = Watch(MODEL, FOLDER)
    replay = Replay(addresses(FOLDER).bootstrap, lambda: watch.count("predictions"), rate)
    started = time.monotonic()
    with Screen(watch, replay, flights) as screen:
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(watch.follow())
            first = tasks.create_task(_say_first(watch, screen, began))
            sending = tasks.create_task(_send(replay, flights, spec))
            killing = tasks.create_task(_kill_halfway(victim, watch, flights, screen))
            await _until(lambda: replay.done and killing.done() and watch.settled, screen, SETTLE_TIMEOUT_S, sending)
            seconds = time.monotonic() - started
            for task in (looking, first):
                task.cancel()
    return await _conclude(watch, replay, seconds, began, screen)


async def _send(replay: Replay, flights: int, spec: Spec) -> None:
    ordered = await asyncio.to_thread(lambda: list(events(flights)))
    await replay.run(ordered, spec)


async def _until(done: Callable[[], bool], screen: Screen, timeout_s: float, sending: asyncio.Task[None]) -> None:
    """Draw until it is done. Raises: PenstockError when it is not `timeout_s` after everything was sent."""
    deadline = None
    while not done():
        screen.draw()
        if sending.done():
            deadline = deadline or time.monotonic() + timeout_s
            if time.monotonic() > deadline:
                raise PenstockError(
                    f"the pipeline has not come to rest {timeout_s:.0f} s after the last event. Try: make demo KEEP=1; penstock status"
                )
        await asyncio.sleep(DRAW_EVERY_S)
    screen.draw()


async def _say_first(watch: Watch, screen: Screen, began: float) -> None:
    while not watch.count("predictions"):
        await asyncio.sleep(DRAW_EVERY_S)
    screen.console.print(f"first prediction {time.time() - began:.1f} s after the first command")


async def _kill_halfway(victim: str, watch: Watch, flights: int, screen: Screen) -> None:
    while victim and watch.count("predictions") < flights / 2:
        await asyncio.sleep(DRAW_EVERY_S)
    state = read_state(FOLDER)
    for process in state.processes if state else ():
        if process.name == victim:
            os.kill(process.pid, signal.SIGKILL)
            screen.console.print(f"  ✗ kill -9 {process.pid} ({victim})")


async def _conclude(watch: Watch, replay: Replay, seconds: float, began: float, screen: Screen) -> int:
    summary = summarise(watch, replay, seconds)
    proof = await prove(f"{MODEL}@champion", FOLDER)
    summary["verify"] = asdict(proof)
    summary["event_to_learned_ms"] = await event_to_learned_ms(FOLDER, LABEL_STREAM, MODEL)
    summary["total_seconds"] = round(time.time() - began, 1)
    (FOLDER / "summary.json").write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8")
    say = screen.console.print
    say(
        f"{summary['sent']:,} events, {summary['predictions']:,} predictions, {summary['labelled']:,} learned, {summary['expired']:,} never labelled"
    )
    say(
        f"served: log loss {summary['served']['log_loss']:.4f}, ROC AUC {summary['served']['rocauc']:.4f}; base rate {summary['base_rate']:.1%}"
    )
    say(f"{summary['drift_events']} drift events, {summary['reactions']} reactions, {summary['promotions']} promotions")
    say(
        f"{'proved' if proof.equal else 'NOT EQUAL'}: {proof.reference} is the fold of {proof.records:,} records, digest {proof.digest[:16]}…"
    )
    say(f"counts add up: {counts_add_up(summary)}; {FOLDER / 'summary.json'}; {summary['total_seconds']:.0f} s in all")
    return 0 if proof.equal and counts_add_up(summary) else 3 if not proof.equal else 1


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        try:
            sys.exit(main())
        except PenstockError as error:
            sys.stderr.write(f"penstock demo: {error}\n")
            sys.exit(error.exit_code)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
