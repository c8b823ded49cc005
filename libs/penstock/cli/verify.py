"""`penstock verify`: replay the learning log and compare what it gives with what was recorded."""

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, run
from penstock.errors import PenstockError, ProofUnequal

TIMEOUT_S = 3_600.0


@dataclass(frozen=True, slots=True)
class Proof:
    """What a replay gave; equal means that chain, digest and metrics are the same to the last bit."""

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


def verify(
    reference: Annotated[str, typer.Argument(help="A model, model@champion, model/7, or model/7@123456.")],
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Prove what a version has learned: fold its log from zero and compare chain, digest and metrics. Exit code 3 when they differ."""
    proof = run(prove(reference, folder, _progress if output is Output.TABLE and sys.stderr.isatty() else None))
    typer.echo(json.dumps(asdict(proof)) if output is Output.JSON else describe(proof))
    if not proof.equal:
        raise ProofUnequal(f"{proof.reference}: {proof.difference}")


async def prove(reference: str, folder: Path, progress: Any = None) -> Proof:
    """Ask the trainer for the proof of a reference. Raises: PenstockError with the trainer's reason."""
    import grpc  # noqa: PLC0415

    from penstock.rpc.trainer.v1 import trainer_pb2, trainer_pb2_grpc  # noqa: PLC0415

    async with grpc.aio.insecure_channel(addresses(folder).trainer) as channel:
        call = trainer_pb2_grpc.TrainerStub(channel).Verify(trainer_pb2.VerifyRequest(reference=reference), timeout=TIMEOUT_S)
        try:
            async for message in call:
                if message.HasField("result"):
                    return Proof(**{name: getattr(message.result, name) for name in Proof.__dataclass_fields__})
                if progress:
                    progress(message.records, message.records_total)
        except grpc.aio.AioRpcError as error:
            raise PenstockError(error.details() or f"the trainer does not answer: {error.code().name}. Try: penstock status") from error
    raise PenstockError("the trainer ended without a result. Try: penstock logs trainer")


def describe(proof: Proof) -> str:
    """The proof in words."""
    if not proof.equal:
        return f"NOT EQUAL {proof.reference}: {proof.difference}"
    return (
        f"proved {proof.reference}: {proof.records:,} records folded from offset 0 in {proof.seconds:.1f} s\n"
        f"  digest {proof.digest}\n  chain  {proof.chain}\n  metrics equal to the last bit"
    )


def _progress(done: int, total: int) -> None:
    sys.stderr.write(f"\r{done:,} of {total:,} records" + ("\n" if done == total else ""))
    sys.stderr.flush()
