"""A backtest's worker: the trainer's own fold over a learning log in which another specification decides (ADR 0019)."""

import asyncio
import gc
import heapq
import json
import sys
import time
from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from penstock import codec
from penstock.backtest.plan import LIVE, Candidate
from penstock.backtest.spool import About, about, spooled, write_json
from penstock.drift import KIND, Change, Watches
from penstock.errors import PenstockError
from penstock.fold.limits import Limits
from penstock.fold.poison import Caused, reject, take
from penstock.fold.protocol import LogRecord, Missing, Output, Poison, Record
from penstock.records.wire import schema_id
from penstock.tasks import TASKS, answer_in
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.cohort import canonical
from penstock_trainer.columns import Columns
from penstock_trainer.fold import model_of
from penstock_trainer.lean import NeedsRepair, ReplayFold
from penstock_trainer.openlog import REWOUND, LiveCuts, OpenLog

HAPPENED = frozenset({"Prediction", "Label", "Tick"})
"""What happened stays; every other record is a command, and those of the live log do not apply."""

PROGRESS_EVERY_RECORDS = 5_000
UNKNOWN = ""  # the name of a record whose schema nobody has: it stays, since a fold counts it as poison


@dataclass(frozen=True, slots=True)
class Lags:
    """What the platform took, in ms of append time: from a proposal until it serves, from a drift until the fold knows of it."""

    serve_ms: int
    drift_ms: int


class Run:
    """One candidate over one log: the live records of what happened, and its own commands between them.

    The log that its fold sees has offsets of its own. A decision takes effect at the first record whose append time is not before the
    decision's plus its lag, as on the platform. What the live log's rewinds have cut is quarantined from the start. A "live" run changes
    nothing; a log that is folded again at some place has none.
    """

    def __init__(self, candidate: Candidate, model: str, log: OpenLog, lags: Lags, *, careful: bool = False) -> None:
        declared = model_of(model, candidate.body)
        task = TASKS[declared.task]
        self.columns = Columns(task)
        self.fold = ReplayFold(model, log.wire, self._ended, careful=careful)
        self._is_live = candidate.kind == LIVE
        self._body = candidate.body
        self._declared = declared
        self._watches = Watches(() if self._is_live else declared.detectors, task.losses[declared.promotion.metric])
        self._names, self._commands, self._partitions = log.names, log.commands, log.partitions
        self._lags = lags
        self._limits = Limits()
        self._applies: dict[int, bool] = {}
        self._due: list[tuple[int, int, Callable[[], bytes]]] = []
        self._decisions = 0
        self._alias = 0
        self._now_ms = 0
        self._live_offsets = array("q")  # of each record that the fold has seen
        self._crowned: tuple[list[int], list[int]] = ([], [])  # from which offset on, which version serves
        if log.cuts and not self._is_live:
            self.fold.rewinds.cuts = LiveCuts(log.cuts, self._live_offsets)

    def take(self, record: Record) -> None:
        """Fold the next record of the live log."""
        self._now_ms = record.timestamp
        if not self._live_offsets and not self._is_live:
            self._see(record.offset, None, self._spec_applied(record))
        while self._due and self._due[0][0] <= self._now_ms:
            self._see(record.offset, None, heapq.heappop(self._due)[2]())
        if self._is_live or self._has_happened(record.value):
            self._see(record.offset, record.key, record.value)

    def _has_happened(self, value: bytes | None) -> bool:
        """What nobody can read stays too: a fold counts it."""
        try:
            id = schema_id(value)
        except Poison:
            return True
        if id not in self._applies:
            self._applies[id] = self._names.get(id, UNKNOWN) in (*HAPPENED, UNKNOWN)
        return self._applies[id]

    def _see(self, live_offset: int, key: bytes | None, value: bytes | None) -> None:
        offset = live_offset if self._is_live else len(self._live_offsets)
        self._live_offsets.append(live_offset)
        caused = self._fold(LogRecord("learning", 0, offset, self._now_ms, key, value))
        if self.fold.selection.champion != (self._crowned[1][-1] if self._crowned[1] else 0):
            self._crowned[0].append(offset)
            self._crowned[1].append(self.fold.selection.champion)
        if not self._is_live:
            self._decide(caused)

    def _fold(self, record: Record) -> Caused:
        """As on the platform; the schemas are all here, so one that is missing does not exist."""
        try:
            return take(self.fold, record, self._limits.output_bytes_max, _nothing)
        except Missing as missing:
            return reject(self.fold, record, Poison("unknown_schema", str(missing)), _nothing)

    # What the registry and the monitor would have decided

    def _decide(self, caused: Caused) -> None:
        """As the registry does: the first checkpoint serves; a proposal against who serves is taken where promotion is automatic."""
        for made in caused:
            if isinstance(made, CheckpointMade) and self._is_taken(made):
                self._alias = made.version
                self._later(self._lags.serve_ms, partial(self._serve, made))

    def _is_taken(self, made: CheckpointMade) -> bool:
        wish = made.proposal
        if wish is None:
            return not self._alias
        return made.live and wish.champion == self._alias and (wish.declared or self._declared.promotion.mode == "automatic")

    def _ended(self, outcome: Mapping[str, Any]) -> bytes:
        """An outcome, as the fold gives it: noted, and shown to the detectors as the monitor does."""
        if outcome["kind"] == "labelled":
            asked_at, label = outcome["prediction_position"], outcome["label"]
            version = self._serving_at(asked_at)
            answer = next((answer_in(each) for each in outcome["scores"] if each["version"] == version), None)
            self.columns.note(self._live_offsets[asked_at], label, answer, answer_in(outcome, "served_"))
            if answer is not None:
                for _, change in self._watches.update(version, asked_at, outcome["label_position"], label, answer):
                    self._later(self._lags.drift_ms, partial(self._drift, change, outcome["event_time_ms"]))
        return b""

    def _serving_at(self, offset: int) -> int:
        """The version that served when the question at this offset was asked; 0: none yet."""
        found = bisect_right(self._crowned[0], offset)
        return self._crowned[1][found - 1] if found else 0

    def _later(self, lag_ms: int, command: Callable[[], bytes]) -> None:
        self._decisions += 1
        heapq.heappush(self._due, (self._now_ms + lag_ms, self._decisions, command))

    def _spec_applied(self, record: Record) -> bytes:
        runtime = canonical(codec.runtime())
        value = {"event_time_ms": record.timestamp, "cause": "spec:backtest", "spec_version": 1, "spec": self._body}
        return self._commands.spec({**value, "runtime": runtime, "partitions": self._partitions})

    def _serve(self, made: CheckpointMade) -> bytes:
        value = {"event_time_ms": self._now_ms, "revision": self._decisions, "version": made.version, "position": made.position}
        return self._commands.serve({**value, "digest": made.digest, "cause": f"serve:{made.version}@{made.position}"})

    def _drift(self, change: Change, event_time_ms: int) -> bytes:
        value = {"event_time_ms": event_time_ms, "origin": None, "cause": f"drift:backtest:{self._decisions}:{len(self._live_offsets)}"}
        return self._commands.drift({**value, "model": self.fold.name, "kind": KIND, **change._asdict()})

    # The end

    def summary(self) -> dict[str, Any]:
        """What became of the candidate: its versions with digests, what happened to them, and the fold's counts."""
        return {
            "champion": self.fold.selection.champion,
            "versions": [
                {
                    "version": each.number,
                    "learner": each.learner_name,
                    "live": each.live,
                    "labels": each.labels,
                    "digest": codec.digest(each.remark() if each.live else each.mark),
                    "metrics": each.metrics(),
                }
                for each in self.fold.cohort.versions.values()
            ],
            "history": [{**asdict(event), "position": self._live_offset(event.position)} for event in self.fold.selection.history.events],
            "counts": {**self.fold.counts, "pending": self.fold.pending.open_count},
        }

    def _live_offset(self, position: int) -> int:
        return position if self._is_live else self._live_offsets[min(position, len(self._live_offsets) - 1)]


def _nothing(_: Record, __: Poison) -> Iterable[Output]:
    return ()


def work(job: Mapping[str, Any], tell: Callable[[Mapping[str, Any]], None]) -> None:
    """Run one candidate over the log in a folder, and leave its results there: first the columns, then, when all is there, the summary."""
    folder, seen = Path(job["folder"]), about(Path(job["folder"]))
    if seen is None:
        raise PenstockError(f"{folder} holds no log. Try: penstock backtest again")
    began_s = time.monotonic()
    try:
        run = _folded(job, seen, tell, careful=False)
    except NeedsRepair:
        run = _folded(job, seen, tell, careful=True)
    run.columns.save(folder / f"{job['file']}.npz")
    write_json(folder / f"{job['file']}.json", {**run.summary(), "seconds": time.monotonic() - began_s})


def _folded(job: Mapping[str, Any], seen: About, tell: Callable[[Mapping[str, Any]], None], *, careful: bool) -> Run:
    log = asyncio.run(OpenLog.of(seen))
    if REWOUND in seen.records:
        log = log.with_cuts_of(spooled(Path(job["folder"]), seen.topic))
    run = Run(Candidate(**job["candidate"]), job["model"], log, Lags(**job["lags"]), careful=careful)
    for number, record in enumerate(spooled(Path(job["folder"]), seen.topic)):
        if number % PROGRESS_EVERY_RECORDS == 0:
            tell({"done": number})
        run.take(record)
    return run


def main() -> None:
    """The worker: a job a line in, progress and the end of each a line out, until there is no more."""

    def tell(line: Mapping[str, Any]) -> None:
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()

    for line in sys.stdin:
        try:
            work(json.loads(line), tell)
            tell({"finished": True})
        except PenstockError as error:
            tell({"error": str(error)})


if __name__ == "__main__":
    gc.freeze()  # what was imported stays: no collection need look at it
    main()
