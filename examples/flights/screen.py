"""What the demo shows while it runs: a table that lives on a terminal, lines elsewhere."""

import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from examples.flights.watch import Watch
from penstock.replay import Replay

LINE_EVERY_S = 2.0
METRICS = ("log_loss", "rocauc", "accuracy")
TOLD = {"reaction", "proposal", "serve", "retired"}  # drift is told with what it caused; most of it causes nothing


class Screen:
    """Draws progress; what happens to the model is told once, as it happens."""

    def __init__(self, watch: Watch, replay: Replay, flights: int) -> None:
        self.console = Console(highlight=False, soft_wrap=True)
        self._watch, self._replay, self._flights = watch, replay, flights
        self._live = Live(console=self.console, refresh_per_second=4, transient=True) if sys.stdout.isatty() else None
        self._began = time.monotonic()
        self._told = 0
        self._line_due = 0.0
        self._predictions: list[tuple[float, int]] = []

    def __enter__(self) -> "Screen":
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live:
            self._live.stop()

    def draw(self) -> None:
        """Show the newest state."""
        for line in self._news():
            self.console.print(line)
        if self._live:
            self._live.update(self._table())
        elif time.monotonic() >= self._line_due:
            self._line_due = time.monotonic() + LINE_EVERY_S
            self.console.print(self._line())

    def _news(self) -> Iterator[str]:
        history = self._watch.learning.get("history", [])
        for event in history[self._told :]:
            if event["kind"] in TOLD:
                yield news(event, self._watch.learning["versions"])
        self._told = len(history)

    def _line(self) -> str:
        watch, quality = self._watch, self._watch.quality.get("served", {})
        count = watch.count
        parts = (
            f"{day(self._replay.time_ms)}  {self._rate():>6,.0f} events/s",
            f"asked {count('predictions'):>7,}  learned {count('labelled'):>7,}  open {count('pending'):>5,}",
            f"drifts {count('drift_events'):>3}",
            f"champion {watch.learning.get('champion', 0)}  served "
            + " ".join(f"{name} {quality[name]:.3f}" for name in METRICS[:2] if name in quality),
            f"waiting for {', '.join(sorted(watch.stale))}" if watch.stale else "",
        )
        return "  ".join(part for part in parts if part)

    def _table(self) -> Group:
        table = Table("version", "learner", "role", "labels", "log loss", "ROC AUC", "accuracy", box=None)
        for each in self._watch.learning.get("versions", []):
            role = "champion" if each["version"] == self._watch.learning["champion"] else each["state"].replace("live", "challenger")
            scores = [f"{each['metrics'].get(name, 0):.4f}" for name in METRICS]
            table.add_row(str(each["version"]), each["learner"], role, f"{each['labels']:,}", *scores)
        share = min(1.0, self._watch.count("predictions") / self._flights)
        bar = "█" * round(40 * share) + "░" * (40 - round(40 * share))
        return Group(Text(f"{bar} {share:.0%}"), Text(self._line()), table)

    def _rate(self) -> float:
        """Events validated per second, over the last seconds."""
        now, done = time.monotonic(), self._watch.total("ingestion/", "validated")
        self._predictions = [*[entry for entry in self._predictions if now - entry[0] < 5.0], (now, done)]
        (then, before), seconds = self._predictions[0], now - self._predictions[0][0]
        return (done - before) / seconds if seconds > 0 and then < now else 0.0


def news(event: dict[str, Any], versions: list[dict[str, Any]]) -> str:
    """One line about something that happened to the model, with its cause."""
    learners = {each["version"]: each["learner"] for each in versions}
    learner = learners.get(event["version"], "?")
    text = {
        "reaction": f"the champion's loss has drifted ({event['cause']}): version {event['version']} ({learner}) is born",
        "proposal": f"version {event['version']} is proposed: better by {event['detail'].get('difference', 0):.3f} log loss over "
        f"{event['detail'].get('labels', 0):,} labels",
        "serve": f"version {event['version']} ({learner}) serves from here on ({event['cause']})",
        "retired": f"version {event['version']} ({learner}) retires ({event['detail'].get('reason')})",
    }[event["kind"]]
    return f"  ● {(event['at'] or '')[:16].replace('T', ' ')} @{event['position']:<7} {text}"


def day(ms: int) -> str:
    """A day of event time."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%d") if ms else "----------"


def conclusion(summary: dict[str, Any]) -> Iterator[str]:
    """What was found, in words."""
    counts, proof, served, delays = summary, summary["verify"], summary["served"], summary["event_to_learned_ms"]
    yield f"{counts['sent']:,} events: {counts['validated']:,} validated, {counts['rejected']} rejected, {counts['duplicates']} duplicates"
    yield f"{counts['predictions']:,} predictions: {counts['labelled']:,} labelled, {counts['expired']:,} expired, {counts['pending']} open"
    yield f"served: log loss {served['log_loss']:.4f}, ROC AUC {served['rocauc']:.4f}, accuracy {served['accuracy']:.4f}"
    yield f"{counts['drift_events']} drifts, {counts['reactions']} reactions, {counts['promotions']} promotions"
    yield f"{counts['throughput_events_per_s']:,.0f} events/s; label to learned: median {delays['p50']:.0f} ms, p99 {delays['p99']:.0f} ms"
    verdict = "proved" if proof["equal"] else "NOT EQUAL"
    yield f"{verdict}: {proof['reference']} is the fold of {proof['records']:,} records, digest {proof['digest'][:16]}…"
    yield f"counts add up: {'yes' if counts['counts_add_up'] else 'NO'}"
