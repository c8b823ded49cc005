"""The trainer asked from outside: proofs of what a version has learned, and the counts of the living fold."""

from collections.abc import AsyncIterable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

from penstock.errors import PenstockError
from penstock.rpc.trainer.v1 import trainer_pb2, trainer_pb2_grpc

PROOF_TIMEOUT_S = 3_600.0
DESCRIBE_TIMEOUT_S = 10.0

Told = Callable[[int, int], None]
"""Takes the records that are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class Proof:
    """What a replay gave; equal means that chain, digest, stored bytes and metrics are the same to the last bit.

    It began at `from_position`, with the snapshot of that number, or with nothing (0); `checkpoints` recorded on the way were equal too.
    `rebuilt` is the offset of the last rebuild of the log (0: none), whose records before it were folded under this runtime as well.
    """

    equal: bool
    reference: str
    records: int
    seconds: float
    digest: str
    digest_replayed: str
    chain: str
    chain_replayed: str
    metrics_equal: bool
    difference: str
    from_position: int
    snapshot: int
    checkpoints: int
    rebuilt: int = 0


async def followed(call: AsyncIterable[Any], told: Told | None, kinds: Mapping[grpc.StatusCode, type[PenstockError]]) -> Any:
    """The result of a call that tells how far it is. Raises: PenstockError with the trainer's reason, of the kind for its code."""
    try:
        async for message in call:
            if message.HasField("result"):
                return message.result
            if told:
                told(message.records, message.records_total)
    except grpc.aio.AioRpcError as error:
        kind = kinds.get(error.code(), PenstockError)
        raise kind(error.details() or f"the trainer does not answer: {error.code().name}. Try: penstock status") from error
    raise PenstockError("the trainer ended without a result. Try: penstock logs trainer")


async def prove(address: str, reference: str, told: Told | None = None, *, from_zero: bool = True) -> Proof:
    """Ask the trainer for the proof of a reference: from offset 0, or from the nearest snapshot. Raises: PenstockError with its reason."""
    async with grpc.aio.insecure_channel(address) as channel:
        request = trainer_pb2.VerifyRequest(reference=reference, from_zero=from_zero)
        result = await followed(trainer_pb2_grpc.TrainerStub(channel).Verify(request, timeout=PROOF_TIMEOUT_S), told, {})
    return Proof(**{name: getattr(result, name) for name in Proof.__dataclass_fields__})


async def living_counts(address: str, model: str) -> Mapping[str, int] | None:
    """What the living fold of a model counts, with its open predictions as `pending`; None when the trainer does not answer."""
    async with grpc.aio.insecure_channel(address) as channel:
        request = trainer_pb2.DescribeRequest(model=model)
        try:
            described = await trainer_pb2_grpc.TrainerStub(channel).Describe(request, timeout=DESCRIBE_TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return None
    return dict(described.counts)
