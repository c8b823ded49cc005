"""A rebuild asked for from outside: the trainer does it, or says what it would do; and which models wait for one."""

from dataclasses import dataclass

import grpc

from penstock.inspection.rewind import ERRORS, Heir
from penstock.inspection.trainer import DESCRIBE_TIMEOUT_S, Told, followed
from penstock.rpc.trainer.v1 import rebuild_pb2, rebuild_pb2_grpc

TIMEOUT_S = 24 * 3_600.0  # a whole log is folded


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What a rebuild has done, or in a dry run would do: see RebuildResult in rebuild.proto."""

    model: str
    dry_run: bool
    cause: str
    position: int
    told: int
    seconds: float
    runtime: str
    heirs: list[Heir]
    champion: int
    versions: list[int]


async def rebuild(address: str, model: str, reason: str, *, dry_run: bool, told: Told | None = None) -> Rebuilt:
    """Rebuild a model. Raises: NotFound, Refused with the trainer's reason; PenstockError when it does not answer."""
    request = rebuild_pb2.RebuildRequest(model=model, reason=reason, dry_run=dry_run)
    async with grpc.aio.insecure_channel(address) as channel:
        result = await followed(rebuild_pb2_grpc.RebuilderStub(channel).Rebuild(request, timeout=TIMEOUT_S), told, ERRORS)
    names = [name for name in Rebuilt.__dataclass_fields__ if name not in ("heirs", "versions")]
    return Rebuilt(**{name: getattr(result, name) for name in names}, heirs=Heir.read(result.heirs), versions=list(result.versions))


async def refused(address: str) -> dict[str, str]:
    """The models whose logs the trainer cannot fold, with the reason; empty when it does not answer."""
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            call = rebuild_pb2_grpc.RebuilderStub(channel).ListRefused(rebuild_pb2.ListRefusedRequest(), timeout=DESCRIBE_TIMEOUT_S)
            return {each.model: each.reason for each in (await call).refusals}
        except grpc.aio.AioRpcError:
            return {}
