"""`penstock impact`: what a range of records has touched, and how to take it back."""

import json
import re
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, run, topic as full_name
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.inspection.impact import ModelImpact, Progress

LISTED_MAX = 10
RANGE = re.compile(r"(\d{1,18}):(\d{1,18})")


def impact(
    topic: Annotated[str, typer.Option("--topic", help="events.…, validated.…, features.… or learning.…")],
    offsets: Annotated[str, typer.Option("--range", metavar="A:B", help="Offsets from A up to B, B not included.")],
    partition: Annotated[int, typer.Option("--partition", min=0, help="Partition of the topic.")] = 0,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Say which questions, predictions, versions and checkpoints a range of records has touched. Changes nothing.

    Conservative: a feature over a window counts as touched for as long as the window may show one of the records.
    """
    start, end = offsets_of(offsets)
    found = run(_find(full_name(topic), partition, start, end, folder, progress(output)))
    if output is Output.JSON:
        typer.echo(json.dumps([as_json(each) for each in found]))
    else:
        for each in found:
            typer.echo(describe(each))


def offsets_of(text: str) -> tuple[int, int]:
    """The two offsets of A:B. Raises: UsageError.

    >>> offsets_of("3:7")
    (3, 7)
    """
    match = RANGE.fullmatch(text)
    start, end = (int(match[1]), int(match[2])) if match else (0, 0)
    if start >= end:
        raise UsageError(f"{text} is no range of offsets. Try: --range 100:200 (from 100 up to 200, 200 not included)")
    return start, end


async def _find(topic: str, partition: int, start: int, end: int, folder: Path, told: "Progress") -> "list[ModelImpact]":
    from penstock.inspection.impact import At, find_impact  # noqa: PLC0415
    from penstock.lineage.touched import Range  # noqa: PLC0415
    from penstock.settings import Settings  # noqa: PLC0415

    at = addresses(folder)
    where = At(at.bootstrap, at.registry, at.schema_registry_url, Settings().topic_prefix)
    return await find_impact(where, Range(topic, partition, start, end), told)


def progress(output: Output) -> "Progress":
    """Records read, and the time that is left, on standard error where somebody looks."""
    if output is Output.JSON or not sys.stderr.isatty():
        return lambda _done, _total: None
    began_s = time.monotonic()

    def tell(done: int, total: int) -> None:
        left_s = (time.monotonic() - began_s) / done * (total - done) if done else 0.0
        sys.stderr.write(f"\r{done:,} of {total:,} records, {left_s:.0f} s left " + ("\n" if done >= total else ""))
        sys.stderr.flush()

    return tell


def as_json(found: "ModelImpact") -> dict[str, Any]:
    """What was found, as plain values."""
    impact = found.impact
    return {
        "model": found.model,
        "events": impact.events,
        "vectors": impact.vectors,
        "predictions": impact.predictions,
        "labels": impact.labels,
        "first": impact.first,
        "end": impact.end,
        "ranges": impact.ranges,
        "answers_by_learned": impact.answers_by_learned,
        "versions": [each.version for each in found.versions],
        "checkpoints": [{"version": each.version, "position": each.position, "digest": each.digest} for each in found.checkpoints],
        "replay_records": replay_records(found),
    }


def replay_records(found: "ModelImpact") -> int:
    """How many records of the learning log a rewind to before the first touched one folds again."""
    return 0 if found.impact.first is None else found.impact.end - found.impact.first


def describe(found: "ModelImpact") -> str:
    """What was found, in words."""
    impact, model = found.impact, found.model
    counts = {"events": impact.events, "questions": impact.vectors, "predictions": impact.predictions, "labels": impact.labels}
    seen = f"{model}: {', '.join(f'{count:,} {what}' for what, count in counts.items())} touched"
    if impact.first is None:
        return f"{seen}\n  nothing of it is in the learning log: no version has learned from it"
    names = ", ".join(f"{model}/{each.version}" for each in found.versions[:LISTED_MAX])
    return (
        f"{seen}\n"
        f"  first at {impact.first:,} of learning.{model}, in {len(impact.ranges):,} ranges of offsets\n"
        f"  {len(found.versions):,} versions have learned from it: {names or 'none has a checkpoint yet'}\n"
        f"  {len(found.checkpoints):,} checkpoints; {impact.answers_by_learned:,} other predictions were answered by them\n"
        f"  to take it back, {replay_records(found):,} records are to be folded again"
    )
