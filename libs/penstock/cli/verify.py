"""`penstock verify`: what a version has learned, proved by a replay; or, without a reference, the invariants of the whole platform."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.invariants import ANSWERS_MAX, REPLAY_RECORDS_MAX, Look, check_platform
from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, run
from penstock.cli.progress import progress
from penstock.errors import ProofUnequal

if TYPE_CHECKING:
    from penstock.inspection.trainer import Proof


def verify(
    reference: Annotated[str, typer.Argument(help="A model, model@champion, model/7, or model/7@123456; none: the whole platform.")] = "",
    from_zero: Annotated[bool, typer.Option("--from-zero", help="With a reference: fold from offset 0 and trust no snapshot.")] = False,
    replay: Annotated[
        int, typer.Option("--replay", min=0, help="Without a reference: replay at most so many records of each model for same_digest.")
    ] = REPLAY_RECORDS_MAX,
    recompute: Annotated[
        int, typer.Option("--recompute", min=0, help="Without a reference: compute about so many answers of each model anew.")
    ] = ANSWERS_MAX,
    model: Annotated[str, typer.Option("--model", help="Without a reference: look only at this model and what feeds it.")] = "",
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Prove what a version has learned, or check the invariants of the running platform. Exit code 3 when something is unequal or broken.

    With a reference: fold its log from the nearest snapshot, or from zero, and compare chain, digest, bytes and metrics, and those of
    every checkpoint on the way. Without: read topics, snapshots and the registry.
    """
    if not reference:
        check_platform(Look(model, recompute, replay), output, folder)
        return
    with progress(f"proving {reference}", shown=output is Output.TABLE) as told:
        proof = run(prove(reference, folder, told, from_zero=from_zero))
    typer.echo(json.dumps(asdict(proof)) if output is Output.JSON else describe(proof))
    if not proof.equal:
        raise ProofUnequal(f"{proof.reference}: {proof.difference}")


async def prove(reference: str, folder: Path, told: Any = None, *, from_zero: bool = True) -> "Proof":
    """Ask the trainer for the proof of a reference. Raises: PenstockError with the trainer's reason."""
    from penstock.inspection.trainer import prove as ask  # noqa: PLC0415

    return await ask(addresses(folder).trainer, reference, told, from_zero=from_zero)


def describe(proof: "Proof") -> str:
    """The proof in words."""
    if not proof.equal:
        return f"NOT EQUAL {proof.reference}: {proof.difference}\n  {beginning(proof)}"
    return (
        f"proved {proof.reference}: {proof.records:,} records folded {beginning(proof)} in {proof.seconds:.1f} s\n"
        f"  digest {proof.digest}\n  chain  {proof.chain}\n"
        f"  metrics and stored bytes equal to the last bit; so are {proof.checkpoints:,} checkpoints on the way" + since(proof)
    )


def since(proof: "Proof") -> str:
    """Which part of a log that was rebuilt is proved."""
    if not proof.rebuilt:
        return ""
    behind = f"the log was rebuilt under this runtime at offset {proof.rebuilt:,}: what stands before it was folded under this one too"
    return f"\n  {behind}; checkpoints that were made before can be proved only where their runtime is"


def beginning(proof: "Proof") -> str:
    """Where the replay began, and so what it rests on."""
    if not proof.snapshot:
        return "from offset 0"
    return f"from the snapshot at offset {proof.from_position:,}, which is trusted (--from-zero trusts none),"
