"""The trainer's gRPC service of rebuilds: appends the command to a log that cannot be folded here, and follows the fold to it."""

import asyncio
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock.errors import PenstockError
from penstock.fold.protocol import Record, Refold
from penstock.fold.setup import Resolve
from penstock.fold.snapshots import SnapshotId
from penstock.records import Rebuilt
from penstock.rpc import NotFound, Refused
from penstock.rpc.trainer.v1 import rebuild_pb2, rebuild_pb2_grpc
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rewind import Rewind
from penstock_trainer.rewinder import LOOK_EVERY_S, SAMPLE_RECORDS, TAKE_UP_S, each_s, heirs_of, way


class Ports(NamedTuple):
    """What the service needs of the world, as functions; `append` returns when the broker has acknowledged.

    `refused` are the models that cannot be folded here, with the reason; `demanded` looks for a command that stands in the log already;
    `make_fold` makes one that asks for no runtime.
    """

    fold_of: Callable[[str], TrainerFold | None]
    refused: Callable[[], Mapping[str, str]]
    try_again: Callable[[str], None]
    append: Callable[[str, Rebuilt], Awaitable[None]]
    demanded: Callable[[str, int], Awaitable[Refold | None]]
    snapshots: Callable[[str], Awaitable[Sequence[SnapshotId]]]
    versions: Callable[[str], Awaitable[dict[str, str]]]
    end: Callable[[str], Awaitable[int]]
    read: Callable[[str, int, int], AsyncGenerator[list[Record]]]
    make_fold: Callable[[str], Awaitable[TrainerFold]]
    resolve: Resolve
    now_ms: Callable[[], int]
    clock: Callable[[], float]
    pause: Callable[[float], Awaitable[None]]
    runtime: str


class RebuildService(rebuild_pb2_grpc.RebuilderServicer):
    """The command stands in the log, so the fold obeys it whether or not somebody waits here."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._one = asyncio.Lock()

    async def ListRefused(self, request: Any, context: Any) -> rebuild_pb2.ListRefusedResponse:  # noqa: N802 (gRPC's name)
        """The models whose logs cannot be folded here."""
        refusals = [rebuild_pb2.Refusal(model=model, reason=reason) for model, reason in sorted(self._ports.refused().items())]
        return rebuild_pb2.ListRefusedResponse(refusals=refusals)

    async def Rebuild(self, request: Any, context: Any) -> AsyncIterator[rebuild_pb2.RebuildProgress]:  # noqa: N802 (gRPC's name)
        """Rebuild a model, or say what that would do. Raises: NotFound; Refused when there is nothing to rebuild."""
        model, began_s = request.model, self._ports.clock()
        is_refused = self._is_refused(model)
        if request.dry_run:
            yield rebuild_pb2.RebuildProgress(result=await self._dry(model, is_refused=is_refused))
            return
        if is_refused:
            async with self._one:
                await self._command(model, request.reason)
        async for progress in self._follow(model):
            yield progress
        fold = self._ports.fold_of(model)
        assert fold is not None, "it was followed to its end"
        done = result(fold)
        done.seconds = self._ports.clock() - began_s
        yield rebuild_pb2.RebuildProgress(result=done)

    def _is_refused(self, model: str) -> bool:
        """Whether the model waits for a command; False when it is on its way to one. Raises: NotFound, Refused."""
        if model in self._ports.refused():
            return True
        fold = self._ports.fold_of(model)
        if fold is None:
            raise NotFound(f"no fold of {model} lives here. Try: penstock ls")
        if not is_rebuilding(fold):
            raise Refused(f"{model} is folded under the runtime that runs: there is nothing to rebuild. Try: penstock show {model}")
        return False

    async def _command(self, model: str, reason: str) -> None:
        """Append the command, unless it is there, and let the fold come to it."""
        if model not in self._ports.refused():  # somebody else was quicker
            return
        known = await self._ports.snapshots(model)
        told = known[0].sequence if known else 0  # whoever has stored it had told everything below
        if await self._ports.demanded(model, told) is None:
            await self._ports.append(model, await self._record(model, told, reason))
        self._ports.try_again(model)

    async def _record(self, model: str, told: int, reason: str) -> Rebuilt:
        versions = await self._ports.versions(model)
        cause = f"rebuild:{uuid.uuid4().hex[:8]}"
        return {
            "event_time_ms": self._ports.now_ms(),
            "cause": cause,
            "runtime": self._ports.runtime,
            "versions": versions,
            "told": told,
            "reason": reason,
        }

    async def _follow(self, model: str) -> AsyncIterator[rebuild_pb2.RebuildProgress]:
        """How far the fold has come, until it has come to the command."""
        waited_until_s = self._ports.clock() + TAKE_UP_S
        while True:
            fold = self._ports.fold_of(model)
            if reason := self._ports.refused().get(model):
                raise PenstockError(reason)
            if fold is not None and last_rebuild(fold) and not fold.refolding:
                return
            if fold is not None and fold.rewinds.until is not None:
                done, total = way(fold, fold.rewinds.until)
                yield rebuild_pb2.RebuildProgress(records=done, records_total=total)
            elif self._ports.clock() > waited_until_s:
                raise PenstockError(f"the fold of {model} has not begun yet: it will. Try: penstock show {model}")
            await self._ports.pause(LOOK_EVERY_S)

    async def _dry(self, model: str, *, is_refused: bool) -> rebuild_pb2.RebuildResult:
        """What a rebuild would do, and how long it would take."""
        if not is_refused:
            raise Refused(f"{model} is being rebuilt. Try: penstock rebuild {model}, which shows how far it is")
        end, known = await self._ports.end(model), await self._ports.snapshots(model)
        fold = await self._ports.make_fold(model)
        pace_s = await each_s(fold, self._ports.read(model, 0, min(end, SAMPLE_RECORDS)), self._ports.resolve, self._ports.clock)
        answer = rebuild_pb2.RebuildResult(model=model, dry_run=True, position=end, runtime=self._ports.runtime)
        answer.told = known[0].sequence if known else 0
        answer.seconds = pace_s * (end + 1)
        answer.versions.extend(sorted(map(int, await self._ports.versions(model))))
        return answer


def is_rebuilding(fold: TrainerFold) -> bool:
    """Whether the fold is on its way to a rebuild."""
    return any(each.runtime and each.position == fold.rewinds.until for each in fold.rewinds.all)


def last_rebuild(fold: TrainerFold) -> Rewind | None:
    """The last rebuild of a log."""
    return next((each for each in reversed(fold.rewinds.all) if each.runtime), None)


def result(fold: TrainerFold) -> rebuild_pb2.RebuildResult:
    """What a rebuild has done, as the fold knows it."""
    rebuild = last_rebuild(fold)
    assert rebuild is not None, "it was followed to its end"
    answer = rebuild_pb2.RebuildResult(model=fold.name, cause=rebuild.cause, position=rebuild.position, told=rebuild.told)
    answer.runtime, answer.champion = rebuild.runtime, rebuild.champion
    answer.versions.extend(sorted(rebuild.versions))
    answer.heirs.extend(heirs_of(fold, rebuild))
    return answer
