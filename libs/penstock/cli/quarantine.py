"""`penstock quarantine` and `penstock release`: a source of events is parked, and taken again."""

import json
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, addresses, registry, run, topic
from penstock.errors import PenstockError, UsageError

StreamArgument = Annotated[str, typer.Argument(help="A stream.")]
SourceOption = Annotated[str, typer.Option("--source", help="The source as its events name it: ce_source, or ce-source over HTTP.")]


def quarantine(stream: StreamArgument, source: SourceOption, folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Park a source: its events go to the dead letters from here on."""
    for line in run(_command(stream, source, folder, parked=True)):
        typer.echo(line)
    typer.echo(f"its events go to dlq.events.{stream} with the code quarantined. Try: penstock release {stream} --source {source}")


def release(stream: StreamArgument, source: SourceOption, folder: FolderOption = DEFAULT_FOLDER) -> None:
    """Take the events of a parked source again."""
    for line in run(_command(stream, source, folder, parked=False)):
        typer.echo(line)
    typer.echo(f"what came meanwhile stands in dlq.events.{stream} with the code quarantined")


async def _command(stream: str, source: str, folder: Path, *, parked: bool) -> list[str]:
    """Append the command to every partition of the stream; where it stands. Raises: UsageError; PenstockError; Weather."""
    from penstock.kafka.producer import KafkaProducer  # noqa: PLC0415
    from penstock.parking import SOURCE_BYTES_MAX, Parking  # noqa: PLC0415

    if not 0 < len(source.encode()) <= SOURCE_BYTES_MAX:
        raise UsageError(f"a source is a text of 1 to {SOURCE_BYTES_MAX} bytes. Try: --source gate/7")
    partitions = await _partitions(stream, folder)
    producer = KafkaProducer(addresses(folder).bootstrap)
    await producer.start()
    try:
        offsets = await producer.append(Parking(source, parked).records(topic(f"events.{stream}"), partitions))
    finally:
        await producer.stop()
    done = "is parked" if parked else "is released"
    return [f"{source} {done} from events.{stream}[{partition}]:{offset} on" for partition, offset in enumerate(offsets)]


async def _partitions(stream: str, folder: Path) -> int:
    async with registry(folder) as client:
        streams = {part.name: part for part in await client.specs() if part.kind == "stream"}
    if stream not in streams:
        raise PenstockError(f"there is no stream {stream} ({', '.join(streams) or 'nothing is applied'}). Try: penstock ls")
    return int(json.loads(streams[stream].body)["partitions"])
