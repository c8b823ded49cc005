"""`penstock dlq purge`: deletes dead letters for good."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.dlq.options import StreamArgument, desk_at, numbers
from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, run

if TYPE_CHECKING:
    from penstock.kafka.ports import Bounds, TopicPartition


def purge(
    stream: StreamArgument,
    before: Annotated[
        list[str] | None, typer.Option("--before", metavar="PARTITION:OFFSET", help="What stands below it; else all.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Delete the oldest dead letters of a stream for good. They age out by themselves after 30 days."""
    topic, waiting, deleted = run(_planned(folder, stream, before or []))
    count = sum(end - start for start, end in deleted.values())
    if not count:
        typer.echo(f"nothing of {topic} stands there")
        return
    if not yes:
        typer.confirm(f"Delete {count:,} records of {topic}, among them {waiting:,} letters that wait?", abort=True)
    run(_purge(folder, deleted))
    typer.echo(f"{count:,} records of {topic} are deleted, among them {waiting:,} letters that waited")


async def _planned(folder: Path, stream: str, before: list[str]) -> "tuple[str, int, dict[TopicPartition, Bounds]]":
    """The topic, how many letters wait among what would be deleted, and its bounds."""
    from penstock.deadletters.book import Filter  # noqa: PLC0415
    from penstock.kafka.ports import Bounds  # noqa: PLC0415

    async with desk_at(folder) as desk:
        (topic,) = await desk.topics(stream)
        desk.stream_of(topic)
        whole = await desk.kafka.bounds_of(topic)
        ends = dict(map(numbers, before)) if before else {number: end for (_, number), (_, end) in whole.items()}
        deleted = {
            partition: Bounds(start, min(end, ends[partition.partition]))
            for partition, (start, end) in whole.items()
            if start < ends.get(partition.partition, 0)
        }
        book, waiting = await desk.book(whole), 0
        async for letter in desk.letters(deleted, Filter()):
            waiting += book.waits(letter)
        return topic, waiting, deleted


async def _purge(folder: Path, deleted: "dict[TopicPartition, Bounds]") -> None:
    async with desk_at(folder) as desk:
        await desk.purge(deleted)
