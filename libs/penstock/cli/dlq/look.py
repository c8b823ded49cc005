"""`penstock dlq ls` and `penstock dlq show`: what was refused, how often, and why."""

import base64
import contextlib
import json
import math
from datetime import UTC, datetime
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
    numbers,
    stream_behind,
)
from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, run
from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.deadletters.book import Filter, Group, Kind
    from penstock.deadletters.letters import Letter

BYTES_SHOWN_MAX, DEPTH_MAX = 512, 100
MASK = "•••"
KEY = ""  # the record's key, among the names of fields


def ls(  # noqa: PLR0913, PLR0917  # an option each
    stream: Annotated[str | None, typer.Argument(metavar="[STREAM]", help="A stream, or a topic such as validated.flights.")] = None,
    code: CodeOption = None,
    key: KeyOption = None,
    source: SourceOption = None,
    message: MessageOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Count dead letters by topic, code and message; each with one to look at."""
    found = run(_groups(folder, stream, filter_of(code, key, source, message, since, until)))
    if output is Output.JSON:
        typer.echo(json.dumps([_as_json(kind, group) for kind, group in found]))
    elif found:
        typer.echo(harmless(describe(found)))
    else:
        typer.echo("no dead letters")


def show(  # noqa: PLR0913, PLR0917  # an option each
    stream: StreamArgument,
    place: Annotated[str | None, typer.Argument(metavar="[PARTITION:OFFSET]", help="A letter as ls names it; else the newest.")] = None,
    code: CodeOption = None,
    key: KeyOption = None,
    source: SourceOption = None,
    message: MessageOption = None,
    personal: Annotated[bool, typer.Option("--personal", help="Show personal fields too.")] = False,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Show one dead letter: where its record stood, why it was refused, what to do, and its bytes, readable.

    What the specification calls personal is not shown, unless it is asked for.
    """
    shown = run(_shown(folder, stream, place, filter_of(code, key, source, message)))
    if not personal and (fields := run(_personal(folder, shown["letter"]))):
        shown = masked(shown, fields)
    typer.echo(json.dumps(shown) if output is Output.JSON else harmless(_lines(shown)))


async def _groups(folder: Path, stream: str | None, chosen: "Filter") -> "list[tuple[Kind, Group]]":
    """The kinds of every topic that is meant."""
    from penstock.deadletters.book import Groups  # noqa: PLC0415

    found: list[tuple[Kind, Group]] = []
    async with desk_at(folder) as desk:
        for topic in await desk.topics(stream):
            bounds = await desk.kafka.bounds_of(topic)
            groups = Groups(await desk.book(bounds))
            async for letter in desk.letters(bounds, chosen):
                groups.take(letter)
            found += groups.ordered()
    return found


async def _shown(folder: Path, stream: str, place: str | None, chosen: "Filter") -> dict[str, Any]:
    """A letter as plain values."""
    from penstock.deadletters.codes import known  # noqa: PLC0415

    async with desk_at(folder) as desk:
        (topic,) = await desk.topics(stream)
        bounds = await desk.kafka.bounds_of(topic)
        letter = await desk.letter(topic, *numbers(place)) if place else await desk.newest(bounds, chosen)
        waits = (await desk.book(bounds)).waits(letter)
    code = known(letter.code)
    return {
        "letter": str(letter.at),
        "record": str(letter.of),
        "first_record": str(letter.root),
        "refused_at": _time(letter.time_ms),
        "service": letter.reasons["service"],
        "code": letter.code,
        "message": letter.message,
        "meaning": code.meaning if code else None,
        "cure": code.cure if code else None,
        "attempts": letter.attempt,
        "waits": waits,
        "key": _text(letter.key),
        "headers": {name: _text(value) for name, value in letter.headers},
        "value": await _readable(letter, folder),
        "value_base64": None if letter.value is None else base64.b64encode(letter.value).decode(),
    }


async def _personal(folder: Path, letter: str) -> frozenset[str]:
    """The personal fields of the stream that a letter is about; none for a letter of no stream."""
    stream = await stream_behind(folder, letter.rpartition(":")[0].rpartition(":")[0])
    if stream is None:
        return frozenset()
    own = {field.name for field in stream.fields.values() if field.personal}
    return frozenset(own | ({KEY} if stream.key in own else set()))


def masked(shown: dict[str, Any], fields: frozenset[str]) -> dict[str, Any]:
    """A letter without the values of these fields; where they cannot be told from the rest, without its value."""
    value = shown["value"]
    if value is not None:
        without = _without(value, fields)
        value = f"{MASK} not shown, since the stream has personal fields. Try: --personal" if without is None else without
    key = MASK if KEY in fields and shown["key"] is not None else shown["key"]
    return {**shown, "key": key, "value": value, "value_base64": MASK if shown["value_base64"] is not None else None}


def _without(value: Any, fields: frozenset[str]) -> Any:
    """An event without the values of these fields; nothing if they cannot be told from the rest."""
    if not isinstance(value, dict):
        return None
    if "specversion" in value:  # a CloudEvent: its fields stand in its data, if that is an object
        hidden = {"data_base64"} if isinstance(value.get("data"), dict) else {"data", "data_base64"}
        value = {name: MASK if name in hidden else each for name, each in value.items()}
    return _masked(value, fields)


def _masked(value: Any, fields: frozenset[str]) -> Any:
    if isinstance(value, dict):
        return {name: MASK if name in fields else _masked(each, fields) for name, each in value.items()}
    return [_masked(each, fields) for each in value] if isinstance(value, list) else value


async def _readable(letter: "Letter", folder: Path) -> Any:
    """The value: JSON, or Avro whose schema is known, as plain values; anything else as text, or in hex."""
    from penstock.deadletters.contents import as_json  # noqa: PLC0415
    from penstock.framing.decoder import SINGLE_OBJECT  # noqa: PLC0415

    if letter.dropped or letter.value is None:
        return None
    with contextlib.suppress(ValueError, RecursionError):
        return _plain(json.loads(letter.value, parse_constant=str))
    if letter.value.startswith((b"\0", SINGLE_OBJECT)):
        async with contents_at(folder, letter.of.topic) as contents:
            with contextlib.suppress(PenstockError, ValueError, RecursionError):
                return _plain(as_json(await contents.fields(letter.value, letter.of.topic)))
    start = letter.value[:BYTES_SHOWN_MAX]
    more = f" … ({len(letter.value):,} bytes in all)" if len(letter.value) > BYTES_SHOWN_MAX else ""
    text = start.decode(errors="backslashreplace")
    return (text if text.isprintable() else start.hex(" ")) + more


def _plain(value: Any, depth: int = 0) -> Any:
    """The value with bytes and NaN as text, too. Raises: ValueError where it is nested too deeply to be looked at."""
    if depth > DEPTH_MAX:
        raise ValueError
    match value:
        case dict():
            return {name: _plain(each, depth + 1) for name, each in value.items()}
        case list():
            return [_plain(each, depth + 1) for each in value]
        case float() if not math.isfinite(value):
            return str(value)
        case str() | int() | float() | None:
            return value
    return str(value)


def harmless(text: str) -> str:
    """Text that leaves a terminal as it is, whatever a producer has sent."""
    return "".join(sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode() for sign in text)


def _text(data: bytes | None) -> str | None:
    return None if data is None else data.decode(errors="backslashreplace")


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


def _as_json(kind: "Kind", group: "Group") -> dict[str, Any]:
    counts = {"waiting": group.waiting, "sent_again": group.sent_again}
    times = {"first": _time(group.first_ms), "last": _time(group.last_ms)}
    example = group.example.at
    return {**kind._asdict(), **counts, **times, "example": f"{example.partition}:{example.offset}"}


def describe(found: "list[tuple[Kind, Group]]") -> str:
    """The kinds of letters in words, topic by topic."""
    lines: list[str] = []
    for topic in dict.fromkeys(kind.topic for kind, _ in found):
        own = [(kind, group) for kind, group in found if kind.topic == topic]
        waiting, again = (sum(getattr(group, name) for _, group in own) for name in ("waiting", "sent_again"))
        lines.append(f"{topic}: {waiting:,} letters wait, {again:,} were sent again and did not come back")
        for kind, group in own:
            shown = _as_json(kind, group)
            lines.append(f"{group.waiting:8,} {group.sent_again:8,}  {kind.code}: {kind.message}")
            lines.append(f"{'':19}{shown['first']} … {shown['last']}, such as {shown['example']}")
    kind, group = found[0]  # what waits comes first
    stream, example = kind.topic.removeprefix("events."), _as_json(kind, group)["example"]
    hint = [f"Try: penstock dlq show {stream} {example}; penstock dlq replay {stream} --dry-run"] if group.waiting else []
    return "\n".join([*lines, *hint])


def _lines(shown: dict[str, Any]) -> str:
    value = shown["value"]
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)
    lines = [
        f"{shown['letter']}, refused by {shown['service']} at {shown['refused_at']}",
        f"  record    {shown['record']}" + (f", first {shown['first_record']}" if shown["record"] != shown["first_record"] else ""),
        f"  code      {shown['code']}: {shown['meaning'] or 'no code of this version'}",
        f"  message   {shown['message']}",
        f"  to do     {shown['cure'] or '–'}",
        f"  sent again {shown['attempts']} times; {'waits' if shown['waits'] else 'something newer speaks of it'}",
        f"  key       {shown['key'] if shown['key'] is not None else '–'}",
        *[f"  header    {name}: {header}" for name, header in shown["headers"].items()],
    ]
    return "\n".join([*lines, text if shown["value_base64"] is not None else "its bytes are not in the letter"])
