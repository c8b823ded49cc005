"""What the verbs of `penstock dlq` have in common: which letters are meant, and the desk to ask."""

import contextlib
import re
import time
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.platform import addresses
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.deadletters.book import Filter
    from penstock.deadletters.contents import Contents
    from penstock.deadletters.desk import Desk
    from penstock.spec import Stream

StreamArgument = Annotated[str, typer.Argument(metavar="STREAM", help="A stream, or a topic such as validated.flights.")]
CodeOption = Annotated[list[str] | None, typer.Option("--code", help="Only with this code; may be given again.")]
KeyOption = Annotated[str | None, typer.Option("--key", help="Only with this key.")]
SourceOption = Annotated[str | None, typer.Option("--source", help="Only from this CloudEvents source; * and ? stand for anything.")]
MessageOption = Annotated[str | None, typer.Option("--message", help="Only with this in their message, such as the name of a field.")]
SinceOption = Annotated[str | None, typer.Option("--since", help="Only written since then: an RFC 3339 time, or 2h for two hours ago.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="Only written before then.")]


def filter_of(
    codes: list[str] | None, key: str | None, source: str | None, message: str | None, since: str | None = None, until: str | None = None
) -> "Filter":
    """The letters that the options mean. Raises: UsageError."""
    from penstock.deadletters.book import Filter  # noqa: PLC0415

    return Filter(
        codes=frozenset(codes or ()),
        key=None if key is None else key.encode(),
        source=source,
        message=message,
        since_ms=None if since is None else moment_ms(since, "--since"),
        until_ms=None if until is None else moment_ms(until, "--until"),
    )


def moment_ms(text: str, option: str) -> int:
    """A point in time, given as such or as how long ago it was. Raises: UsageError.

    >>> moment_ms("2026-01-01T00:00:00Z", "--since")
    1767225600000
    """
    from penstock.spec.duration import parse_duration  # noqa: PLC0415

    ago_ms = parse_duration(text)
    if ago_ms is not None:
        return time.time_ns() // 1_000_000 - ago_ms
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"{option} {text}: no time with an offset, and no duration. Try: {option} 2h, or {option} 2026-01-01T00:00:00Z")
    return round(moment.timestamp() * 1_000)


def numbers(place: str) -> tuple[int, int]:
    """The partition and offset of a place such as 0:17. Raises: UsageError."""
    partition, colon, offset = place.rpartition(":")
    if not (colon and partition.isdecimal() and offset.isdecimal()):
        raise UsageError(f"{place} is no place. Try: PARTITION:OFFSET, as penstock dlq ls names one")
    return int(partition), int(offset)


@contextlib.asynccontextmanager
async def desk_at(folder: Path) -> "AsyncIterator[Desk]":
    """The desk of the platform."""
    from penstock.crashpoint import CrashPoints  # noqa: PLC0415
    from penstock.deadletters.desk import Desk  # noqa: PLC0415
    from penstock.kafka.cluster import opened  # noqa: PLC0415
    from penstock.settings import Settings  # noqa: PLC0415

    settings, bootstrap = Settings(), addresses(folder).bootstrap
    async with opened(bootstrap) as kafka:
        yield Desk(bootstrap, kafka, settings.topic_prefix, CrashPoints(settings.crash_at))


@contextlib.asynccontextmanager
async def contents_at(folder: Path, topic: str) -> "AsyncIterator[Contents]":
    """What reads the events of a topic, with the schemas of the platform, as ingestion does."""
    from penstock.deadletters.contents import Contents  # noqa: PLC0415
    from penstock.framing.decoder import Decoder  # noqa: PLC0415
    from penstock.records import Wire  # noqa: PLC0415
    from penstock.records.schemas import HttpSchemaRegistry  # noqa: PLC0415
    from penstock.spec.avro import producer_schema  # noqa: PLC0415

    stream = await stream_behind(folder, topic)
    async with contextlib.aclosing(HttpSchemaRegistry(addresses(folder).schema_registry_url)) as schemas:
        decoder = Decoder(Wire(schemas))
        if stream is not None:
            decoder.know(topic, producer_schema(stream))
        yield Contents(decoder)


async def stream_behind(folder: Path, topic: str) -> "Stream | None":
    """The stream whose events, or whose dead letters, stand on a topic; None if there is none."""
    from penstock.cli.platform import registry  # noqa: PLC0415
    from penstock.rpc import NotFound  # noqa: PLC0415
    from penstock.spec import Stream, part_from_json  # noqa: PLC0415

    name = re.sub(r"^.*?\b(events|validated)\.", "", topic)
    async with registry(folder) as client:
        try:
            stream = part_from_json("stream", name, (await client.spec("stream", name)).body)
        except NotFound:
            return None
    assert isinstance(stream, Stream)
    return stream
