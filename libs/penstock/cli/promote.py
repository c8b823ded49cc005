"""`penstock promote`: a version becomes the champion by hand."""

import asyncio
import json
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.apply import describe
from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, registry, run
from penstock.errors import UsageError
from penstock.registry_client import Refused

CHAMPION = "champion"
LOOK_EVERY_S = 0.1


@dataclass(frozen=True, slots=True)
class Promoted:
    """A champion that was set by hand; `serves_from` is the position of its learning log, None when it was not waited for."""

    model: str
    version: int
    before: int
    cause: str
    serves_from: int | None


def promote(
    reference: Annotated[str, typer.Argument(help="A version: model/7.")],
    timeout_s: Annotated[float, typer.Option("--timeout", min=0, help="How long to wait until it serves, in seconds.")] = 30.0,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Make a version the champion, and wait until it serves."""
    done = run(_promote(reference, timeout_s, folder))
    typer.echo(json.dumps(asdict(done)) if output is Output.JSON else describe_promotion(done))


def describe_promotion(done: Promoted) -> str:
    """What has happened, in words."""
    said = f"{done.model}@{CHAMPION} is version {done.version} now, instead of {done.before} ({done.cause})"
    if done.serves_from is None:
        return f"{said}; it does not serve yet. Try: penstock show {done.model}; penstock logs deployer"
    return f"{said}\nit serves from position {done.serves_from} of learning.{done.model} on"


async def _promote(reference: str, timeout_s: float, folder: Path) -> Promoted:
    model, slash, number = reference.partition("/")
    if not (slash and number.isdecimal()):
        raise UsageError(f"{reference} does not name a version. Try: penstock show {model.partition('@')[0]}, and {model}/NUMBER")
    version, cause = int(number), f"manual:{uuid.uuid4().hex[:12]}"
    async with registry(folder) as client:
        await client.resolve(reference)
        before = next((alias.version for alias in (await client.aliases(model)).aliases if alias.alias == CHAMPION), 0)
        if before == version:
            raise Refused(f"{reference} is the champion already. Try: penstock show {model}")
        await client.set_alias(model, CHAMPION, version, cause)
    return Promoted(model, version, before, cause, await _serves_from(model, version, timeout_s, folder))


async def _serves_from(model: str, version: int, timeout_s: float, folder: Path) -> int | None:
    """The position from which on the version serves, as its learning log says; None when it does not say so in time."""
    deadline = time.monotonic() + timeout_s
    while True:
        described = await describe(model, folder)
        if described is not None and described.champion == version:
            serves: list[int] = [event.position for event in described.history if (event.kind, event.version) == ("serve", version)]
            return max(serves, default=int(described.position))
        if time.monotonic() >= deadline:
            return None
        await asyncio.sleep(LOOK_EVERY_S)
