"""`penstock apply`: hand a specification to the registry, and wait until its models answer."""

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, addresses, registry, run
from penstock.errors import PenstockError, UsageError

if TYPE_CHECKING:
    from penstock.spec import Spec

LOOK_EVERY_S = 0.1


def apply(
    file: Annotated[Path, typer.Argument(help="The specification.")] = Path("penstock.yaml"),
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until every model answers.")] = True,
    timeout_s: Annotated[float, typer.Option("--timeout", help="How long to wait, in seconds.")] = 60.0,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Apply a specification: streams, views and models."""
    from penstock.spec import check_learners, load  # noqa: PLC0415

    text = read(file)
    spec = load(text, str(file))
    check_learners(spec, text, str(file))
    for line in run(_apply(spec, folder)):
        typer.echo(line)
    if wait and spec.models:
        run(wait_until_served(list(spec.models), folder, timeout_s))
        typer.echo("every model answers")


def read(file: Path) -> str:
    """The text of a file. Raises: UsageError when it cannot be read."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file} cannot be read: {error}. Try: penstock init data.csv --label y > penstock.yaml") from error


async def _apply(spec: "Spec", folder: Path) -> list[str]:
    async with registry(folder) as client:
        parts = await client.apply(spec.to_json())
    return [f"{part.kind:7} {part.name:24} version {part.version}{'' if part.changed else ' (unchanged)'}" for part in parts]


async def wait_until_served(models: list[str], folder: Path, timeout_s: float) -> None:
    """Return when the learning log of every model says who serves: the way from the registry to the answer is open.

    Raises: PenstockError when it takes longer than `timeout_s`.
    """
    from penstock.inspection.rebuild import refused  # noqa: PLC0415

    deadline = time.monotonic() + timeout_s
    for model in models:
        while (description := await describe(model, folder)) is None or not description.champion:
            if description is None and (reason := (await refused(addresses(folder).trainer)).get(model)):
                raise PenstockError(reason)
            if time.monotonic() > deadline:
                raise PenstockError(f"{model} does not answer after {timeout_s:.0f} s. Try: penstock status; penstock logs trainer")
            await asyncio.sleep(LOOK_EVERY_S)


async def describe(model: str, folder: Path) -> Any | None:
    """What the trainer says of a model; None while it does not know it or does not answer."""
    import grpc  # noqa: PLC0415

    from penstock.rpc.trainer.v1 import trainer_pb2, trainer_pb2_grpc  # noqa: PLC0415

    async with grpc.aio.insecure_channel(addresses(folder).trainer) as channel:
        try:
            return await trainer_pb2_grpc.TrainerStub(channel).Describe(trainer_pb2.DescribeRequest(model=model), timeout=5)
        except grpc.aio.AioRpcError:
            return None
