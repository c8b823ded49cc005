"""`penstock rewind`: fold a model's log again without what it should not have learned."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, run
from penstock.cli.progress import progress
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.inspection.rewind import Heir, Rewound


def rewind(
    model: Annotated[str, typer.Argument(help="A model.")],
    to: Annotated[int, typer.Option("--to", help="Fold its learning log again from this offset on, or from the snapshot before it.")],
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            help="Offsets A up to B, as A:B, whose predictions and labels reach no learner; may be given again. "
            "None: everything from --to on.",
        ),
    ] = None,
    reason: Annotated[str, typer.Option("--reason", help="Why; it stands in the log.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; say what it would do, and how long it would take.")] = False,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Take back what a model has learned from a range of its log: it goes on as new versions, and the champion's heir serves.

    Until then the old version goes on serving, and learns no more. Commands and ticks in the range are obeyed. The log is not changed.
    """
    from penstock.inspection.rewind import rewind as ask  # noqa: PLC0415

    spans = [read_range(text) for text in without or ()]
    with progress(f"rewinding {model}", shown=output is Output.TABLE) as told:
        done = run(ask(addresses(folder).trainer, model, to, spans, reason, dry_run=dry_run, told=told))
    typer.echo(json.dumps(asdict(done)) if output is Output.JSON else describe_rewind(done))


def read_range(text: str, option: str = "--without") -> tuple[int, int]:
    """The offsets of A:B, from A up to B, that an option names. Raises: UsageError.

    >>> read_range("1200:1300")
    (1200, 1300)
    """
    start, colon, end = text.partition(":")
    if not (colon and start.isdecimal() and end.isdecimal() and int(start) < int(end)):
        raise UsageError(f"{option} {text} is no range of offsets. Try: {option} 1200:1300, which is 1200 up to 1299")
    return int(start), int(end)


def describe_rewind(done: "Rewound") -> str:
    """What a rewind has done, or would do, in words."""
    cut = ", ".join(f"{start}:{end}" for start, end in done.without)
    began = f"offset {done.began}" if done.began else "the beginning"
    if done.dry_run:
        return (
            f"{done.model} would be folded again from {began} up to {done.position}, without {cut}: "
            f"{done.records:,} records, about {done.seconds:.1f} s\n"
            f"  {done.predictions:,} predictions and {done.labels:,} labels stand there and would reach no learner\n"
            f"  {len(done.heirs)} versions would go on as new ones; version {done.champion} would serve until its heir does\n"
            "nothing was changed"
        )
    return "\n".join(
        [
            f"{done.model} was folded again from {began} without {cut}: {done.records:,} records in {done.seconds:.1f} s ({done.cause})",
            f"  {done.predictions:,} more predictions are quarantined",
            *map(describe_heir, done.heirs),
        ]
    )


def describe_heir(heir: "Heir") -> str:
    """A line on a version that goes on for another."""
    return f"  version {heir.version} goes on for {heir.parent} ({heir.learner}), digest {heir.digest[:16]}{', to serve' * heir.proposed}"
