"""A million open predictions in the trainer's fold: what a capture, a restore and each of them costs.

Predictions with eight features are put until PENDING of them are open; then the steady state is measured: between two captures BETWEEN
predictions are labelled and as many new ones come, as at 5,000 events/s with a snapshot every 2 s. *Capture* is the pause that a snapshot
makes: manifest, new segments, compaction. *Restore* is from the manifest and segments of the last capture to a state that goes on.
*Bytes each* is what the segments hold for each open prediction; *memory each* is what the process grew by (resident set).

The restored state must be the captured one, entry for entry, or there is no figure. It does not measure PostgreSQL, which stores new
segments beside the folding, nor decoding the learners. Times are CPU times of the thread. Environment: PENDING (default 1000000),
CAPTURES (default 60), BETWEEN (default 10000).
"""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.examples import SEED, seeded
from benchmarks.learning_log import LearningLog
from benchmarks.machine import environment
from benchmarks.report import Result
from penstock.errors import PenstockError
from penstock.fold.protocol import Segment
from penstock_trainer.pending import Entry, Pending, State

HORIZON_MS = 48 * 3_600_000
EVERY_MS = 10
SCORES = ((1, 0.5), (2, 0.5))
MAXIMA = {"capture ms": 50.0, "restore s": 5.0, "bytes each": 400.0}


def measure(folder: Path) -> Result:
    """Fill, replace and restore; the figures. Raises: PenstockError when what is restored is not what was captured."""
    count, captures, between = environment("PENDING", 1_000_000), environment("CAPTURES", 60), environment("BETWEEN", 10_000)
    body = asyncio.run(_prediction())
    before = psutil.Process().memory_info().rss
    pending, first, last = Pending(), 0, 0
    while last < count:  # as it comes about: with a snapshot every so often
        last = _ask(pending, last, min(between, count - last), body)
        pending.capture()
    grown = psutil.Process().memory_info().rss - before
    pauses_ms: list[float] = []
    for _ in range(captures):
        first = _label(pending, first, between)
        last = _ask(pending, last, between, body)
        began = time.thread_time()
        manifest, segments = pending.capture()
        pauses_ms.append((time.thread_time() - began) * 1e3)
    restored, restore_s = _restored(manifest, segments)
    _check(pending, restored, last)
    return _result(count, pauses_ms, restore_s, sum(len(segment.data) for segment in segments) / count, grown / count)


async def _prediction() -> bytes:
    x, y = next(seeded(SEED))
    return (await LearningLog.of([(x, y)], (), {"dummy.PriorClassifier": {}}, 1)).records[2].value or b""


def _ask(pending: Pending, first: int, count: int, body: bytes) -> int:
    for number in range(first, first + count):
        asked_ms = number * EVERY_MS
        pending.put(f"event-{number}", Entry(State.OPEN, asked_ms + HORIZON_MS, asked_ms, number, SCORES, body))
    return first + count


def _label(pending: Pending, first: int, count: int) -> int:
    """The oldest are labelled, and forgotten at once: the worst case for the segments they lie in."""
    for number in range(first, first + count):
        asked_ms = number * EVERY_MS
        pending.put(f"event-{number}", Entry(State.LABELLED, asked_ms, asked_ms, number, (), b"\x01"))
    for _ in pending.due((first + count) * EVERY_MS):
        pass
    return first + count


def _restored(manifest: Any, segments: Sequence[Segment]) -> tuple[Pending, float]:
    restored = Pending()
    began = time.thread_time()
    restored.restore(manifest, segments)
    return restored, time.thread_time() - began


def _check(pending: Pending, restored: Pending, last: int) -> None:
    unequal = [id for number in range(last) if pending.get(id := f"event-{number}") != restored.get(id)]
    if unequal or pending.open_count != restored.open_count:
        raise PenstockError(
            f"{len(unequal)} entries are not what they were, {unequal[:1]} the first. Try: make test PYTEST=tests/unit/fold"
        )


def _result(count: int, pauses_ms: Sequence[float], restore_s: float, bytes_each: float, memory_each: float) -> Result:
    figures = {
        "open": count,
        "capture_ms": {"median": round(median(pauses_ms), 2), "worst": round(max(pauses_ms), 2), "captures": len(pauses_ms)},
        "restore_s": round(restore_s, 2),
        "bytes_each": round(bytes_each),
        "memory_bytes_each": round(memory_each),
    }
    rows: list[tuple[str, ...]] = [
        ("capture, ms: median", f"{median(pauses_ms):.1f}", ""),
        ("capture, ms: worst", f"{max(pauses_ms):.1f}", f"≤ {MAXIMA['capture ms']:.0f}"),
        ("restore, s", f"{restore_s:.2f}", f"≤ {MAXIMA['restore s']:.0f}"),
        ("bytes each, in segments", f"{bytes_each:.0f}", f"≤ {MAXIMA['bytes each']:.0f}"),
        ("bytes each, in memory", f"{memory_each:.0f}", ""),
    ]
    notes = [f"{count:,} open predictions, {len(pauses_ms)} captures", "what was restored is what was captured, entry for entry"]
    return Result(("", "figure", "goal"), rows, figures, notes)
