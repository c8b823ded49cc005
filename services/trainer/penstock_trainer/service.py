"""The trainer's gRPC service: what the living fold knows, and proofs."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from penstock import codec
from penstock.errors import PenstockError
from penstock.registry_client import RegistryClient
from penstock.rpc import NotFound, Refused
from penstock.rpc.trainer.v1 import trainer_pb2, trainer_pb2_grpc
from penstock_trainer.cohort import canonical
from penstock_trainer.errors import differences
from penstock_trainer.fold import TrainerFold
from penstock_trainer.proof import Claim, Recorded, Replayed
from penstock_trainer.versions import Version

LINE_BYTES_MAX = 1 << 20
WAYPOINTS_MAX = 1_000  # checkpoints that a proof compares on its way
PROOFS_MAX = 1  # a proof takes a core

Folds = Callable[[str], TrainerFold | None]


class TrainerService(trainer_pb2_grpc.TrainerServicer):
    """Answers from the folds of this process; a proof is made by a process of its own, so that learning goes on meanwhile."""

    def __init__(self, fold_of: Folds, registry: RegistryClient, refused: Callable[[str], str | None]) -> None:
        self._fold_of = fold_of
        self._registry = registry
        self._refused = refused
        self._proofs = asyncio.Semaphore(PROOFS_MAX)

    async def Describe(self, request: Any, context: Any) -> trainer_pb2.Description:  # noqa: N802 (gRPC's name)
        """The fold of a model as it stands now. Raises: NotFound; Refused for one that cannot be folded here, with the reason."""
        fold = self._fold_of(request.model)
        if reason := self._refused(request.model):
            raise Refused(reason)
        if fold is None:
            raise NotFound(f"no fold of {request.model} lives here. Try: penstock ls")
        return description(fold)

    async def Verify(self, request: Any, context: Any) -> AsyncIterator[trainer_pb2.VerifyProgress]:  # noqa: N802 (gRPC's name)
        """Replay the log of a checkpoint and compare. Raises: NotFound, PenstockError when it cannot be replayed here."""
        recorded = await self._registry.resolve(request.reference)
        ours = canonical(codec.runtime())
        if recorded.runtime != ours:
            made = f"{request.reference} cannot be proved here: it was made under another runtime: {differences(recorded.runtime, ours)}"
            cure = "verify it there (requirements.lock makes it again); what was made since a rebuild can be proved here"
            raise PenstockError(f"{made}. Try: {cure}")
        claim = await self._claim(recorded, request.from_zero)
        async with self._proofs:
            async for line in _child(claim):
                if "error" in line:
                    raise PenstockError(line["error"])
                if "result" in line:
                    yield trainer_pb2.VerifyProgress(result=result_of(claim, Replayed(**line["result"])))
                else:
                    yield trainer_pb2.VerifyProgress(**line)

    async def _claim(self, recorded: Any, from_zero: bool) -> Claim:
        """The checkpoint with its bytes, and those that its log must give on the way; they may have been changed, that is to be found."""
        listed = await self._registry.checkpoints(recorded.model, limit=WAYPOINTS_MAX)
        waypoints = tuple(_recorded(each) for each in listed if each.runtime == recorded.runtime)
        try:
            blob = await self._registry.blob(recorded.digest)
        except (NotFound, Refused):
            blob = b""
        return Claim(recorded.model, _recorded(recorded), blob, waypoints, from_zero)


def _recorded(checkpoint: Any) -> Recorded:
    return Recorded(checkpoint.version, checkpoint.position, checkpoint.chain, checkpoint.digest, checkpoint.metrics)


async def _child(claim: Claim) -> AsyncIterator[dict[str, Any]]:
    command = (sys.executable, "-m", "penstock_trainer.verify")
    child = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_BYTES_MAX
    )
    assert child.stdin is not None
    assert child.stdout is not None
    last: dict[str, Any] = {}
    try:
        child.stdin.write(msgspec.msgpack.encode(claim))
        await child.stdin.drain()
        child.stdin.close()
        async for line in child.stdout:
            last = json.loads(line)
            yield last
        await child.wait()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    if "result" not in last and "error" not in last:
        raise PenstockError(f"the replay ended with exit code {child.returncode}. Try: penstock logs trainer")


def result_of(claim: Claim, replayed: Replayed) -> trainer_pb2.VerifyResult:
    """The result of a proof as a message."""
    recorded = claim.recorded
    return trainer_pb2.VerifyResult(
        equal=not replayed.difference,
        reference=f"{claim.model}/{recorded.version}@{recorded.position}",
        records=replayed.records,
        seconds=replayed.seconds,
        digest=recorded.digest,
        digest_replayed=replayed.digest,
        chain=recorded.chain,
        chain_replayed=replayed.chain,
        metrics_equal=replayed.metrics == recorded.metrics,
        difference=replayed.difference,
        from_position=replayed.from_position,
        snapshot=replayed.snapshot,
        checkpoints=replayed.checkpoints,
        rebuilt=replayed.rebuilt,
    )


def description(fold: TrainerFold) -> trainer_pb2.Description:
    """The fold as a message."""
    return trainer_pb2.Description(
        model=fold.name,
        position=fold.chain.position,
        chain=fold.chain.value.hex(),
        watermark_ms=fold.watermark.value,
        champion=fold.selection.champion,
        counts={**fold.counts, "pending": fold.pending.open_count},
        versions=[_version(version) for version in fold.cohort.versions.values()],
        history=[
            trainer_pb2.Event(
                position=event.position,
                event_time_ms=event.event_time_ms,
                kind=event.kind,
                version=event.version,
                cause=event.cause,
                detail=json.dumps(event.detail),
            )
            for event in fold.selection.history.events
        ],
    )


def _version(version: Version) -> trainer_pb2.VersionState:
    return trainer_pb2.VersionState(
        version=version.number,
        parent=version.parent,
        learner=version.learner_name,
        state="live" if version.live else "retired",
        cause=version.cause,
        born_position=version.born_position,
        labels=version.labels,
        learned=version.learned,
        skipped=version.skipped,
        metrics=version.metrics(),
    )
