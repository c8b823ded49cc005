"""Runs a backtest: the log is read once into a folder, candidates run on all cores, and what is finished stays when it is interrupted."""

import asyncio
import contextlib
import json
import os
import sys
from array import array
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median_low
from typing import Any

from penstock.backtest.plan import Plan
from penstock.backtest.spool import ABOUT, LOG, About, SpoolWriter, about, spooled
from penstock.errors import PenstockError
from penstock.fold.protocol import Poison, Record
from penstock.kafka.consumer import translated
from penstock.kafka.log import read_log
from penstock.records import Wire
from penstock.records.schemas import SchemaRegistry, UnknownSchema
from penstock.records.wire import schema_id
from penstock.spec.label_rule import RELEARN

WORKER = "penstock_trainer.backtest"
PLAN, REPORT = "plan.json", "report.json"
LINE_BYTES_MAX = 1 << 20
CAUSES = {"Serve": lambda value: value["position"] - 1, "DriftDetected": lambda value: value["window_to"]}
"""The offset of the record that caused a command."""

Told = Callable[[int, int], None]


class Observer:
    """Sees every record on its way into the file, and knows in the end what `About` says."""

    def __init__(self, topic: str, first: int, end: int, schemas: SchemaRegistry) -> None:
        self.about = About(topic, first, end)
        self._schemas = schemas
        self._wire = Wire(schemas)
        self._timestamps = array("q")
        self._unknown: set[int] = set()

    async def see(self, record: Record) -> None:
        """Count the record, learn its schema, and measure how late a command stands behind its cause."""
        self._timestamps.append(record.timestamp)
        try:
            name = await self._name(schema_id(record.value))
            self.about.records[name] = self.about.records.get(name, 0) + 1
            if name in CAUSES or name == "SpecApplied":
                self._command(name, record, self._wire.read(record.value)[1])
        except Poison:
            self.about.records["poison"] = self.about.records.get("poison", 0) + 1

    async def _name(self, id: int) -> str:
        if str(id) not in self.about.schemas and id not in self._unknown:
            try:
                self.about.schemas[str(id)] = await self._schemas.by_id(id)
                await self._wire.fetch(id)
            except UnknownSchema:
                self._unknown.add(id)
        if id in self._unknown:
            raise Poison("unknown_schema", f"no schema has id {id}")
        return str(self.about.schemas[str(id)]["name"])

    def _command(self, name: str, record: Record, value: Mapping[str, Any]) -> None:
        if name == "SpecApplied":
            self.about.partitions = self.about.partitions or value.get("partitions", 1)
            self.about.relearns |= json.loads(value["spec"])["label"].get("on_correction") == RELEARN
            return
        cause = CAUSES[name](value) - self.about.first
        if 0 <= cause < len(self._timestamps):
            self.about.lags_ms.setdefault(name, []).append(record.timestamp - self._timestamps[cause])


@dataclass(frozen=True, slots=True)
class Lags:
    """What a decision waits for, in ms, and over how many of the log's own decisions each was measured (median)."""

    serve_ms: int
    drift_ms: int
    serves: int
    drifts: int


def lags_of(seen: About) -> Lags:
    """The lags of a log; where it shows no drift, one takes as long to come back as a proposal."""
    serves, drifts = (seen.lags_ms.get(name, []) for name in ("Serve", "DriftDetected"))
    serve_ms = max(0, median_low(serves)) if serves else 0
    return Lags(serve_ms, max(0, median_low(drifts)) if drifts else serve_ms, len(serves), len(drifts))


def resumed(plan: Plan, folder: Path) -> Plan:
    """The plan to follow: that of an interrupted run of the same question, with the end that it had; else this one, from its beginning."""
    kept = folder / PLAN
    if kept.exists() and not (folder / REPORT).exists():
        earlier = Plan.from_json(kept.read_text(encoding="utf-8"))
        if earlier.identity == plan.identity:
            return earlier
    for name in (PLAN, REPORT, ABOUT, LOG):
        (folder / name).unlink(missing_ok=True)
    for result in folder.glob("candidate-*"):
        result.unlink()
    return plan


async def spool(plan: Plan, folder: Path, bootstrap: str, schemas: SchemaRegistry, told: Told) -> About:
    """Read the plan's range into the folder, or what is missing of it. Raises: Weather when Kafka does not answer."""
    known = about(folder)
    if known is not None:
        return known
    observer = Observer(plan.topic, plan.first, plan.end, schemas)
    with SpoolWriter(folder, plan.first) as writer, translated(f"{plan.topic} cannot be read; the same command goes on from here"):
        for kept in spooled(folder, plan.topic):
            await observer.see(kept)
        async with contextlib.aclosing(read_log(bootstrap, plan.topic, writer.next_offset, plan.end)) as batches:
            async for records in batches:
                for record in records:
                    writer.append(record)
                    await observer.see(record)
                told(writer.next_offset - plan.first, plan.end - plan.first)
        writer.finish(observer.about)
    return observer.about


# Candidates


@dataclass(slots=True)
class Board:
    """Who is still to run, and how far everybody is."""

    waiting: list[int]
    done: dict[int, int] = field(default_factory=dict)

    def total(self) -> int:
        """Records folded, by all candidates together."""
        return sum(self.done.values())


async def run_candidates(plan: Plan, folder: Path, lags: Lags, jobs: int, told: Told) -> None:
    """Run whoever has not finished yet, `jobs` at a time. Raises: PenstockError with the reason of the first that fails."""
    records = plan.end - plan.first
    finished = [number for number in range(len(plan.candidates)) if (folder / f"{name_of(number)}.json").exists()]
    board = Board([number for number in range(len(plan.candidates)) if number not in finished], dict.fromkeys(finished, records))
    total = records * len(plan.candidates)

    async def worker() -> None:
        async with _worker() as child:
            while board.waiting:
                number = board.waiting.pop(0)
                async for line in _run(child, _job(plan, folder, lags, number)):
                    board.done[number] = line.get("done", records)
                    told(board.total(), total)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(min(jobs, len(board.waiting))):
                group.create_task(worker())
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed


def name_of(number: int) -> str:
    """The name of a candidate's files."""
    return f"candidate-{number}"


def _job(plan: Plan, folder: Path, lags: Lags, number: int) -> bytes:
    job = {"folder": str(folder), "model": plan.model, "file": name_of(number), "candidate": asdict(plan.candidates[number])}
    return json.dumps({**job, "lags": {"serve_ms": lags.serve_ms, "drift_ms": lags.drift_ms}}).encode() + b"\n"


@contextlib.asynccontextmanager
async def _worker() -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that folds, under the hash seed of every learner; it ends with this block, or when its parent does."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", WORKER,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES_MAX, env={**os.environ, "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.returncode is None:
            child.kill()
        await child.wait()


async def _run(child: asyncio.subprocess.Process, job: bytes) -> AsyncIterator[dict[str, Any]]:
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdin.write(job)
    async for line in child.stdout:
        said: dict[str, Any] = json.loads(line)
        if "error" in said:
            raise PenstockError(said["error"])
        yield said
        if "finished" in said:
            return
    raise PenstockError(f"a worker ended with exit code {await child.wait()}. Try: pip install 'penstock[trainer]', or again")


def summaries(plan: Plan, folder: Path) -> Iterator[dict[str, Any]]:
    """What the workers left, in the order of the plan."""
    for number in range(len(plan.candidates)):
        yield json.loads((folder / f"{name_of(number)}.json").read_text(encoding="utf-8"))
