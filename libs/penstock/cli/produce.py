"""`penstock produce`: events from a CSV or JSON-lines file; a label column goes to its own stream, when it becomes known."""

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, addresses, registry, run, topic
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.pace import Followed
    from penstock.replay import Hold, Message
    from penstock.spec import Spec

SHOW_EVERY_S = 0.1


def produce(
    stream: Annotated[str, typer.Argument(help="The stream.")],
    file: Annotated[Path, typer.Argument(help="A .csv (also .gz) or .jsonl file; - reads JSON lines from standard input.")],
    delay: Annotated[
        str, typer.Option(help="How long after its event a label becomes known, such as 2h (needs a stream with a time).")
    ] = "0s",
    rate: Annotated[
        float | None, typer.Option(min=0, help="Events per second; 0: as fast as Kafka takes them. Otherwise as fast as the models learn.")
    ] = None,
    limit: Annotated[int, typer.Option(min=0, help="End after so many rows; 0: all.")] = 0,
    close: Annotated[bool, typer.Option(help="End with ticks far enough to end every prediction (streams with a time).")] = False,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Send a file's rows to a stream, and their labels to <stream>-labels, as fast as its models learn."""
    began = time.monotonic()
    sent = run(_produce(stream, file, delay, rate, limit, close, folder))
    seconds = time.monotonic() - began
    counted = ", ".join(f"{count:,} to {name}" for name, count in sent.items()) or "nothing"
    typer.echo(f"sent {counted} in {seconds:.1f} s; every one is acknowledged")


async def _produce(stream: str, file: Path, delay: str, rate: float | None, limit: int, close: bool, folder: Path) -> Counter[str]:
    from penstock.replay import Replay  # noqa: PLC0415
    from penstock.spec.duration import parse_duration  # noqa: PLC0415

    delay_ms = parse_duration(delay)
    if delay_ms is None:
        raise UsageError(f"--delay {delay}: not a duration. Try: --delay 2h")
    spec = await applied_spec(folder)
    if stream not in spec.streams:
        raise UsageError(f"no stream is called {stream} ({', '.join(spec.streams) or 'none is applied'}). Try: penstock apply")
    async with _held(spec, stream, rate, folder) as holds:
        replay = Replay(addresses(folder).bootstrap, topic(""), holds)
        await replay.run(_messages(spec, stream, file, delay_ms, limit), spec if close else None)
    return replay.sent


@contextlib.asynccontextmanager
async def _held(spec: "Spec", stream: str, rate: float | None, folder: Path) -> "AsyncIterator[tuple[Hold, ...]]":
    """What makes the replay wait: the rate that was given, else the models that learn from what it brings."""
    from penstock.cli.learned import learned_since_now  # noqa: PLC0415
    from penstock.pace import AsLearned  # noqa: PLC0415
    from penstock.replay import at_rate  # noqa: PLC0415

    followed = followed_by(spec, stream) if rate is None else []
    shown = (_progress(followed),) if sys.stderr.isatty() else ()
    if rate is None and not followed:
        _say(f"no model learns from labels of {stream}: going at full speed")
    if not followed:
        yield ((at_rate(rate),) if rate else ()) + shown
        return
    async with learned_since_now([each.model for each in followed], folder) as learned:
        yield (AsLearned(followed, learned.count, learned.is_there, _say).hold, *shown)


def followed_by(spec: "Spec", stream: str) -> "list[Followed]":
    """The models that learn from the labels that a file brings to a stream, or to its labels' stream."""
    from penstock.pace import Followed  # noqa: PLC0415
    from penstock.spec.rows import LABELS  # noqa: PLC0415

    brought = (stream, stream + LABELS)
    return [Followed(model.name, model.label.stream) for model in spec.models.values() if model.label.stream in brought]


def _progress(followed: "list[Followed]") -> "Hold":
    due_s = 0.0

    async def show(sent: Counter[str]) -> None:
        nonlocal due_s
        if time.monotonic() >= due_s:
            due_s = time.monotonic() + SHOW_EVERY_S
            learned = "".join(f", {each.model} has learned {each.learned:,}" for each in followed)
            sys.stderr.write(f"\r\x1b[Ksent {sent.total():,}{learned}\r")
            sys.stderr.flush()

    return show


def _say(text: str) -> None:
    typer.echo(f"penstock: {text}", err=True)


async def applied_spec(folder: Path) -> "Spec":
    """The specification as the registry has it now."""
    from penstock.spec import Model, Spec, Stream, View, part_from_json  # noqa: PLC0415

    async with registry(folder) as client:
        parts = [part_from_json(part.kind, part.name, part.body) for part in await client.specs()]
    return Spec(
        {part.name: part for part in parts if isinstance(part, Stream)},
        {part.name: part for part in parts if isinstance(part, View)},
        {part.name: part for part in parts if isinstance(part, Model)},
    )


def _messages(spec: "Spec", stream: str, file: Path, delay_ms: int, limit: int) -> "Iterator[Message]":
    from itertools import islice  # noqa: PLC0415

    from penstock.replay import Message  # noqa: PLC0415
    from penstock.spec.rows import plan_rows, read_rows  # noqa: PLC0415

    if file.suffix in {".jsonl", ".ndjson"} or str(file) == "-":
        lines = sys.stdin if str(file) == "-" else file.open(encoding="utf-8")
        yield from (_from_line(spec, stream, line) for line in islice(lines, limit or None) if line.strip())
        return
    rows = islice(read_rows(file), limit or None)
    for planned in plan_rows(rows, spec, stream, delay_ms=delay_ms):
        key = planned.event.get(spec.streams[planned.stream].key)
        yield Message(planned.stream, str(key), json.dumps(planned.event).encode(), planned.event_time_ms)


def _from_line(spec: "Spec", stream: str, line: str) -> "Message":
    from penstock.replay import Message  # noqa: PLC0415

    try:
        event = json.loads(line)
    except ValueError:
        event = None
    key = event.get(spec.streams[stream].key, "") if isinstance(event, dict) else ""
    return Message(stream, str(key), line.strip().encode(), None)
