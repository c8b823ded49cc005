"""`penstock rebuild`: go on with a model under another runtime, by folding all of its log again."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, run
from penstock.cli.progress import progress
from penstock.cli.rewind import describe_heir

if TYPE_CHECKING:
    from penstock.inspection.rebuild import Rebuilt


def rebuild(
    model: Annotated[str, typer.Argument(help="A model whose log the trainer cannot fold, since it was folded under another runtime.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what it would do, and how long it would take.")] = False,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Fold the whole log of a model again under the runtime that runs now, after an upgrade: it goes on as new versions.

    Cuts of earlier rewinds stay cut. Checkpoints that were made before keep their runtime, and can be proved where it is.
    """
    from penstock.inspection.rebuild import rebuild as ask  # noqa: PLC0415

    with progress(f"rebuilding {model}", shown=output is Output.TABLE) as told:
        done = run(ask(addresses(folder).trainer, model, reason, dry_run=dry_run, told=told))
    typer.echo(json.dumps(asdict(done)) if output is Output.JSON else describe_rebuild(done))


def describe_rebuild(done: "Rebuilt") -> str:
    """What a rebuild has done, or would do, in words."""
    runtime = ", ".join(f"{name} {value}" for name, value in sorted(json.loads(done.runtime).items()))
    old = ", ".join(map(str, done.versions))
    if done.dry_run:
        return (
            f"{done.model} would be folded again from the beginning up to {done.position:,}: about {done.seconds:.1f} s\n"
            f"  under {runtime}\n"
            f"  the living among its versions {old} would go on as new ones; their checkpoints keep the runtime that they have\n"
            f"  what came since offset {done.told:,} was not told yet, and would be\n"
            "nothing was changed"
        )
    return "\n".join(
        [
            f"{done.model} was folded again from the beginning up to {done.position:,} in {done.seconds:.1f} s ({done.cause})",
            f"  under {runtime}",
            *map(describe_heir, done.heirs),
        ]
    )
