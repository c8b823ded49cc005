"""`penstock dlq replay`: sends dead letters to where they came from, each so that it counts once."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.dlq.options import (
    CodeOption,
    KeyOption,
    MessageOption,
    SinceOption,
    SourceOption,
    StreamArgument,
    UntilOption,
    contents_at,
    desk_at,
    filter_of,
)
from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, run
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.deadletters.mapping import Mapping
    from penstock.deadletters.replay import Change, Judge, Order, Report

ATTEMPTS_MAX = 5


def replay(  # noqa: PLR0913, PLR0917  # an option each
    stream: StreamArgument,
    code: CodeOption = None,
    key: KeyOption = None,
    source: SourceOption = None,
    message: MessageOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    rename: Annotated[list[str] | None, typer.Option("--rename", metavar="OLD=NEW", help="Rename a field.")] = None,
    cast: Annotated[list[str] | None, typer.Option("--cast", metavar="FIELD=TYPE", help="Read a field as this type.")] = None,
    default: Annotated[list[str] | None, typer.Option("--default", metavar="FIELD=VALUE", help="Where it is absent or null.")] = None,
    mapping: Annotated[Path | None, typer.Option("--mapping", help="A YAML file with rename, cast and default.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Send nothing; say how many would be taken now.")] = False,
    unchecked: Annotated[bool, typer.Option("--unchecked", help="Send also what would be refused again.")] = False,
    attempts: Annotated[int, typer.Option("--attempts", min=1, help="Send nothing more often than so.")] = ATTEMPTS_MAX,
    limit: Annotated[int, typer.Option("--limit", min=0, help="End after so many letters; 0: all.")] = 0,
    wait_s: Annotated[float, typer.Option("--wait", min=0, help="Wait so many seconds to see what becomes of them.")] = 30.0,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Send the dead letters of a stream again, each to the partition it came from, if it would be taken now.

    Run it as often as you like: what was sent is not sent again; what was sent twice because this was interrupted counts once.
    """
    from functools import partial  # noqa: PLC0415

    from penstock.deadletters.replay import Order  # noqa: PLC0415

    changes = mapping_of(mapping, rename, cast, default)
    chosen = filter_of(code, key, source, message, since, until)
    order = partial(Order, chosen=chosen, attempts_max=attempts, dry_run=dry_run, wait_s=wait_s, limit=limit)
    report = run(_replay(folder, stream, order, changes, unchecked))
    typer.echo(json.dumps(report.as_json()) if output is Output.JSON else describe(report, stream, dry_run=dry_run))


def mapping_of(file: Path | None, rename: list[str] | None, cast: list[str] | None, default: list[str] | None) -> "Mapping":
    """The changes that the options name. Raises: UsageError."""
    from penstock.deadletters.mapping import Mapping  # noqa: PLC0415

    if file and (rename or cast or default):
        raise UsageError("--mapping stands alone: write into the file what --rename, --cast and --default say")
    if file:
        return Mapping.load(file)
    defaults = {field: _value(text) for field, text in _pairs(default, "--default").items()}
    given = {"rename": _pairs(rename, "--rename"), "cast": _pairs(cast, "--cast"), "default": defaults}
    return Mapping.checked(given, "--rename, --cast, --default")


def _pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    pairs = [text.partition("=") for text in texts or ()]
    wrong = next((text for text, (field, _, _) in zip(texts or (), pairs, strict=True) if "=" not in text or not field), None)
    if wrong is not None:
        raise UsageError(f"{option} {wrong}: no = in it. Try: {option} field=…")
    return {field: value for field, _, value in pairs}


def _value(text: str) -> Any:
    """A number, true or false where the text is one in JSON; else the text."""
    try:
        value = json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, (bool, int, float)) else text


async def _replay(folder: Path, stream: str, order: "Callable[..., Order]", mapping: "Mapping", unchecked: bool) -> "Report":
    from penstock.deadletters.desk import EVENTS  # noqa: PLC0415
    from penstock.deadletters.replay import replay as send_again  # noqa: PLC0415

    async with desk_at(folder) as desk:
        (topic,) = await desk.topics(stream)
        name = desk.stream_of(topic)
        events = desk.prefix + EVENTS + name
        async with _judge(folder, name, unchecked) as judge, _change(folder, events, mapping) as change:
            return await send_again(desk, order(topic=topic, change=change, judge=judge))


@asynccontextmanager
async def _change(folder: Path, topic: str, mapping: "Mapping") -> "AsyncIterator[Change]":
    from functools import partial  # noqa: PLC0415

    from penstock.deadletters.replay import unchanged  # noqa: PLC0415

    if not mapping:
        yield unchanged
        return
    async with contents_at(folder, topic) as contents:
        yield partial(contents.mapped, mapping=mapping)


@asynccontextmanager
async def _judge(folder: Path, stream: str, unchecked: bool) -> "AsyncIterator[Judge | None]":
    import httpx  # noqa: PLC0415

    from penstock.deadletters.replay import judge_at  # noqa: PLC0415

    if unchecked:
        yield None
        return
    async with httpx.AsyncClient(base_url=addresses(folder).gateway) as http:
        yield judge_at(http, stream)


def describe(report: "Report", stream: str, *, dry_run: bool) -> str:
    """What a replay has done, or would do, in words."""
    done = f"{report.would_be_sent:,} would be sent and taken" if dry_run else f"{report.sent:,} sent again"
    lines = [f"{report.found:,} letters of {stream} wait: {done}"]
    lines += [f"  {count:,} would be refused again: {code}" for code, count in report.refused.most_common()]
    lines += [f"  {count:,} not sent: {reason}" for reason, count in report.kept.most_common()]
    if dry_run:
        lines.append("nothing was sent")
    elif report.sent and report.came_back is None:
        lines.append("ingestion has not come to them yet. Try: penstock dlq ls")
    elif report.sent:
        lines.append(f"{report.sent - (report.came_back or 0):,} were taken, {report.came_back:,} came back")
    return "\n".join(lines)
