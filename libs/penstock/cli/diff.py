"""`penstock diff`: what two checkpoints have learned differently, by attribute."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, registry, run
from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.codec.difference import Difference
    from penstock.rpc.registry.v1 import registry_pb2 as pb

LINES = 20
FACTS = ("learner", "recipe", "runtime", "chain", "digest")


def diff(
    left: Annotated[str, typer.Argument(help="A checkpoint: model, model@champion, model/7, or model/7@123456.")],
    right: Annotated[str, typer.Argument(help="The other one.")],
    limit: Annotated[int, typer.Option("--limit", min=0, help="Show so many differences; 0: all.")] = LINES,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Compare two checkpoints: every attribute that differs with both values, the biggest changes first."""
    compared = run(_compared(left, right, folder))
    shown = {**compared, "differences": compared["differences"][: limit or None]}
    if output is Output.JSON:
        typer.echo(json.dumps(shown))
    else:
        typer.echo("\n".join(describe(shown)))


async def _compared(left: str, right: str, folder: Path) -> dict[str, Any]:
    try:
        from penstock.codec.difference import biggest_first, differences  # noqa: PLC0415
    except ImportError as error:
        raise PenstockError(f"a comparison needs {error.name}. Try: pip install 'penstock[learn]'") from error
    async with registry(folder) as client:
        checkpoints = [await client.resolve(reference) for reference in (left, right)]
        one, other = [await client.blob(each.digest) for each in checkpoints]
    found = biggest_first(list(differences(one, other)))
    return {
        "left": _about(checkpoints[0]),
        "right": _about(checkpoints[1]),
        "count": len(found),
        "differences": [_plain(each) for each in found],
    }


def _about(checkpoint: "pb.Checkpoint") -> dict[str, Any]:
    reference = f"{checkpoint.model}/{checkpoint.version}@{checkpoint.position}"
    return {"reference": reference, **{fact: getattr(checkpoint, fact) for fact in FACTS}, "metrics": json.loads(checkpoint.metrics)}


def _plain(difference: "Difference") -> dict[str, Any]:
    """JSON knows no infinity: a change that is no number has none."""
    change = difference.change
    return {**asdict(difference), "change": change if change != float("inf") else None}


def describe(compared: dict[str, Any]) -> list[str]:
    """The comparison as lines: what was compared, how well both did, then the attributes."""
    left, right = compared["left"], compared["right"]
    lines = [f"{left['reference']} ({left['learner']})  →  {right['reference']} ({right['learner']})"]
    if left["digest"] == right["digest"]:
        return [*lines, f"the same bytes: digest {left['digest']}"]
    lines += [f"  {name}: {left['metrics'].get(name, '')} → {value}" for name, value in right["metrics"].items()]
    lines += [f"  {_percent(each['change'])}  {each['path']}: {each['left']} → {each['right']}" for each in compared["differences"]]
    rest = compared["count"] - len(compared["differences"])
    return [*lines, *([f"  … and {rest:,} smaller differences. Try: --limit 0"] if rest else [])]


def _percent(change: float | None) -> str:
    return "   other" if change is None else f"{change:8.2%}"
