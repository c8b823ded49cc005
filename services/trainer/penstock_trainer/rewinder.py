"""The trainer's gRPC service of rewinds: appends the command, follows the fold to it; a dry run measures and changes nothing."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from penstock import codec
from penstock.errors import PenstockError
from penstock.fold.drive import drive
from penstock.fold.protocol import Record, Refold
from penstock.fold.restore import starts
from penstock.fold.setup import Resolve
from penstock.fold.snapshots import BadSnapshot, Saved, SnapshotId
from penstock.records import Rewound, Wire
from penstock.rpc import NotFound
from penstock.rpc.trainer.v1 import rewind_pb2, rewind_pb2_grpc
from penstock_trainer.fold import TrainerFold
from penstock_trainer.plan import Plan, planned
from penstock_trainer.rewind import WRONG, Rewind

LOOK_EVERY_S = 0.1
SAMPLE_RECORDS = 2_000  # folded by a dry run, to see how fast it goes
BREATH_RECORDS = 50  # of them without a breath for the event loop
REFUSED = f"rejected.{WRONG}"
TAKE_UP_S = 30.0  # how long the fold may take to come to the command


class Ports(NamedTuple):
    """What the service needs of the world, as functions; `append` returns when the broker has acknowledged."""

    fold_of: Callable[[str], TrainerFold | None]
    append: Callable[[str, Rewound], Awaitable[None]]
    snapshots: Callable[[str], Awaitable[Sequence[SnapshotId]]]
    load: Callable[[SnapshotId], Awaitable[Saved]]
    read: Callable[[str, int, int], AsyncGenerator[list[Record]]]
    make_fold: Callable[[str], Awaitable[TrainerFold]]
    resolve: Resolve
    wire: Wire
    now_ms: Callable[[], int]
    clock: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]


class RewindService(rewind_pb2_grpc.RewinderServicer):
    """The command stands in the log, so the fold obeys it whether or not somebody waits here."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._one_dry_run = asyncio.Lock()

    async def Rewind(self, request: Any, context: Any) -> AsyncIterator[rewind_pb2.RewindProgress]:  # noqa: N802 (gRPC's name)
        """Rewind a model, or say what that would do. Raises: NotFound, UsageError, Refused; PenstockError when the log is not whole."""
        fold = self._living(request.model)
        plan = planned(fold, request.to, [(each.start, each.end) for each in request.without])
        if request.dry_run:
            async with self._one_dry_run:
                yield rewind_pb2.RewindProgress(result=await self._dry(fold, plan))
            return
        command = plan.record(request.reason, self._ports.now_ms())
        began_s, before, refused = self._ports.clock(), fold.counts["quarantined"], fold.counts[REFUSED]
        await self._ports.append(fold.name, command)
        async for progress in self._follow(fold.name, command["cause"], refused):
            yield progress
        done = result(self._living(fold.name), command["cause"])
        done.seconds = self._ports.clock() - began_s
        done.predictions -= before
        yield rewind_pb2.RewindProgress(result=done)

    async def _follow(self, model: str, cause: str, refused: int) -> AsyncIterator[rewind_pb2.RewindProgress]:
        """How far the fold has come, until it has come to the command; it had refused so many before."""
        waited_until_s = self._ports.clock() + TAKE_UP_S
        while True:
            fold = self._living(model)
            is_known = any(rewind.cause == cause for rewind in fold.rewinds.all)
            if is_known and not fold.refolding:
                return
            if is_known and fold.rewinds.until is not None:
                done, total = way(fold, fold.rewinds.until)
                yield rewind_pb2.RewindProgress(records=done, records_total=total)
            elif cause in fold.causes and fold.counts[REFUSED] > refused:
                raise PenstockError(f"the fold of {model} has refused {cause}: it is among the dead letters. Try: penstock tail")
            elif self._ports.clock() > waited_until_s:
                raise PenstockError(f"the fold of {model} has not come to {cause} yet: it will. Try: penstock show {model}")
            await self._ports.pause(LOOK_EVERY_S)

    async def _dry(self, fold: TrainerFold, plan: Plan) -> rewind_pb2.RewindResult:
        """What a rewind would do: from which snapshot, how many records, how long, and what is quarantined."""
        saved = await self._start(fold.name, plan.refold(fold))
        began = saved.id.sequence if saved else 0
        found = await self._count(fold.name, plan)
        records = plan.end + 1 - began
        answer = rewind_pb2.RewindResult(model=fold.name, dry_run=True, position=plan.end, began=began, records=records)
        answer.without.extend(rewind_pb2.Range(start=start, end=end) for start, end in plan.spans)
        answer.predictions, answer.labels = found["Prediction"], found["Label"]
        answer.seconds = records * await self._measure(fold.name, saved, began, plan)
        answer.champion = fold.selection.champion
        answer.heirs.extend(rewind_pb2.Heir(parent=version.number, learner=version.learner_name) for version in fold.cohort.live())
        return answer

    async def _start(self, model: str, refold: Refold) -> Saved | None:
        for id in starts(refold, await self._ports.snapshots(model)):
            try:
                return await self._ports.load(id)
            except BadSnapshot:
                continue
        return None

    async def _count(self, model: str, plan: Plan) -> Counter[str]:
        """The records in what would be cut, by name."""
        found: Counter[str] = Counter()
        for start, end in plan.spans:
            async with aclosing(self._ports.read(model, start, end)) as batches:
                async for records in batches:
                    found.update([await self._name(record) for record in records])
        return found

    async def _name(self, record: Record) -> str:
        try:
            return (await self._ports.wire.read_or_fetch(record.value))[0]
        except PenstockError:  # junk
            return ""

    async def _measure(self, model: str, saved: Saved | None, began: int, plan: Plan) -> float:
        """Seconds for each record, as the first ones that would be folded take them, in a fold that is thrown away."""
        fold = await self._ports.make_fold(model)
        if saved is not None:
            fold.restore(saved.snapshot)
        end = min(began + SAMPLE_RECORDS, plan.end)
        return await each_s(fold, self._ports.read(model, began, end), self._ports.resolve, self._ports.clock)

    def _living(self, model: str) -> TrainerFold:
        fold = self._ports.fold_of(model)
        if fold is None:
            raise NotFound(f"no fold of {model} lives here. Try: penstock ls")
        return fold


async def each_s(fold: TrainerFold, log: AsyncGenerator[list[Record]], resolve: Resolve, clock: Callable[[], float]) -> float:
    """Seconds that a fold takes for each record of a part of a log, measured bit by bit while everything else goes on."""
    took_s, folded = 0.0, 0
    with contextlib.suppress(Refold):  # of a rewind before: what was folded up to it is sample enough
        async with aclosing(log) as batches:
            async for records in batches:
                for at in range(0, len(records), BREATH_RECORDS):
                    began_s = clock()
                    async for _ in drive(fold, records[at : at + BREATH_RECORDS], resolve):
                        folded += 1
                    took_s += clock() - began_s
                    await asyncio.sleep(0)
    return took_s / max(1, folded)


def way(fold: TrainerFold, until: int) -> tuple[int, int]:
    """How many records a refold has done, and how many it takes."""
    began = fold.rewinds.began
    return fold.chain.position - began, until + 1 - began


def result(fold: TrainerFold, cause: str) -> rewind_pb2.RewindResult:
    """What a rewind has done, as the fold knows it; `predictions` are all that were ever quarantined."""
    rewind = next(rewind for rewind in fold.rewinds.all if rewind.cause == cause)
    began = fold.rewinds.began
    records = rewind.position + 1 - began
    answer = rewind_pb2.RewindResult(model=fold.name, cause=cause, position=rewind.position, began=began, records=records)
    answer.without.extend(rewind_pb2.Range(start=start, end=end) for start, end in rewind.cuts)
    answer.predictions, answer.champion = fold.counts["quarantined"], rewind.champion
    answer.heirs.extend(heirs_of(fold, rewind))
    return answer


def heirs_of(fold: TrainerFold, rewind: Rewind) -> Iterator[rewind_pb2.Heir]:
    """Who goes on since then."""
    proposed = fold.selection.heirs.of(rewind.champion)
    for version in fold.cohort.versions.values():
        if version.cause == rewind.cause:
            heir = rewind_pb2.Heir(version=version.number, parent=version.parent, learner=version.learner_name)
            heir.digest, heir.proposed = codec.digest(codec.encode(version.learner)), version.number == proposed
            yield heir
