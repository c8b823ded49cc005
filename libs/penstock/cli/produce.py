"""`penstock produce`: events from a CSV or JSON-lines file; a label column goes to its own stream, when it becomes known."""

import contextlib
import json
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, addresses, registry, run, topic
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.journal import Source
    from penstock.pace import Followed
    from penstock.replay import Hold, Message, Replay
    from penstock.spec import Spec

SHOW_EVERY_S = 0.1
YEAR_10000_MS = 253_402_300_800_000


def produce(  # noqa: PLR0913, PLR0917  # an option each
    stream: Annotated[str, typer.Argument(help="The stream.")],
    file: Annotated[Path, typer.Argument(help="A .csv (also .gz) or .jsonl file; - reads JSON lines from standard input.")],
    delay: Annotated[
        str, typer.Option(help="How long after its event a label becomes known, such as 2h (needs a stream with a time).")
    ] = "0s",
    rate: Annotated[
        float | None, typer.Option(min=0, help="Events per second; 0: as fast as Kafka takes them. Otherwise as fast as the models learn.")
    ] = None,
    speed: Annotated[str, typer.Option(help="So many times as fast as event time went, such as 60x (streams with a time).")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run with this file was interrupted.")] = False,
    limit: Annotated[int, typer.Option(min=0, help="End after so many rows; 0: all.")] = 0,
    close: Annotated[bool, typer.Option(help="End with ticks far enough to end every prediction (streams with a time).")] = False,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Send a file's rows to a stream, and their labels to <stream>-labels, as fast as its models learn.

    What is interrupted can go on with --resume: what stands in Kafka already is not sent again.
    """
    began = time.monotonic()
    factor = speed_of(speed, rate)
    if resume and str(file) == "-":
        raise UsageError("--resume: standard input cannot be read again. Try: a file")
    plan = Plan(stream, file, delay_ms_of(delay), 0.0 if factor else rate, factor, limit, close, resume)
    sent = run(send(plan, folder))
    seconds = time.monotonic() - began
    counted = ", ".join(f"{count:,} to {name}" for name, count in sent.items()) or "nothing"
    typer.echo(f"sent {counted} in {seconds:.1f} s; every one is acknowledged")


@dataclass(frozen=True, slots=True)
class Plan:
    """What to send, and how fast: see the options of `produce`."""

    stream: str
    file: Path
    delay_ms: int = 0
    rate: float | None = None
    speed: float = 0.0
    limit: int = 0
    close: bool = False
    resume: bool = False


async def send(plan: Plan, folder: Path) -> Counter[str]:
    """Send what is planned to the platform; how much was sent, by stream."""
    from penstock.replay import Replay, at_speed  # noqa: PLC0415

    spec = await applied_spec(folder)
    if plan.stream not in spec.streams:
        raise UsageError(f"no stream is called {plan.stream} ({', '.join(spec.streams) or 'none is applied'}). Try: penstock apply")
    async with _held(spec, plan.stream, plan.rate, folder) as holds:
        jump_ms_max = max(stream.max_jump_ms for stream in spec.streams.values())
        replay = Replay(addresses(folder).bootstrap, topic(""), holds, at_speed(plan.speed, jump_ms_max) if plan.speed else None)
        closing = spec if plan.close else None
        if str(plan.file) == "-":
            await replay.run(_messages(spec, plan), closing)
        else:
            await _journalled(replay, spec, plan, closing, folder)
    return replay.sent


async def _journalled(replay: "Replay", spec: "Spec", plan: Plan, closing: "Spec | None", folder: Path) -> None:
    """Send a file, so that it can go on after an interrupt."""
    from penstock.journal import Journal  # noqa: PLC0415
    from penstock.kafka.cluster import opened  # noqa: PLC0415
    from penstock.replay import ends_of, sent_before  # noqa: PLC0415
    from penstock.spec.rows import LABELS  # noqa: PLC0415

    source = _source(plan)
    async with opened(replay.bootstrap) as kafka:
        if plan.resume:
            journal = Journal.resume(folder, source)
            replay.was_sent = await sent_before(replay.bootstrap, kafka, journal)
        else:
            if left := Journal.left(folder, source):
                _say(f"an earlier run was interrupted after {left:,} events; this one begins anew. To go on instead: --resume")
            topics = [topic(f"events.{name}") for name in (plan.stream, plan.stream + LABELS) if name in spec.streams]
            journal = Journal.begin(folder, source, await ends_of(kafka, topics))
    replay.mark = journal.mark
    named = (message._replace(headers=[("ce_id", journal.id_of(number).encode())]) for number, message in enumerate(_messages(spec, plan)))
    try:
        await replay.run(named, closing)
    except BaseException:
        journal.write()
        _say(f"interrupted: {journal.acknowledged:,} events are acknowledged. Try: the same command with --resume")
        raise
    journal.end()


def _source(plan: Plan) -> "Source":
    from penstock.journal import source_of  # noqa: PLC0415

    try:
        return source_of(plan.file, stream=plan.stream, delay_ms=plan.delay_ms, limit=plan.limit)
    except OSError as error:
        raise UsageError(f"{plan.file} cannot be read: {error.strerror}") from error


def delay_ms_of(delay: str) -> int:
    """The duration of --delay in ms. Raises: UsageError."""
    from penstock.spec.duration import parse_duration  # noqa: PLC0415

    delay_ms = parse_duration(delay)
    if delay_ms is None:
        raise UsageError(f"--delay {delay}: not a duration. Try: --delay 2h")
    return delay_ms


def speed_of(speed: str, rate: float | None) -> float:
    """The factor of --speed, 0 for none. Raises: UsageError.

    >>> speed_of("60x", None), speed_of("0.5x", None), speed_of("", 7.0)
    (60.0, 0.5, 0.0)
    """
    if not speed:
        return 0.0
    if rate is not None:
        raise UsageError("--speed and --rate exclude each other: event time sets the pace, or the clock does")
    number = speed.removesuffix("x")
    if number == speed or not number.replace(".", "", 1).isdecimal() or float(number) <= 0:
        raise UsageError(f"--speed {speed}: not so many times as fast. Try: --speed 60x")
    return float(number)


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


def _messages(spec: "Spec", plan: Plan) -> "Iterator[Message]":
    from itertools import islice  # noqa: PLC0415

    from penstock.replay import Message  # noqa: PLC0415
    from penstock.spec.rows import plan_rows, read_rows  # noqa: PLC0415

    if plan.file.suffix in {".jsonl", ".ndjson"} or str(plan.file) == "-":
        lines = sys.stdin if str(plan.file) == "-" else plan.file.open(encoding="utf-8")
        yield from (_from_line(spec, plan.stream, line) for line in islice(lines, plan.limit or None) if line.strip())
        return
    rows = islice(read_rows(plan.file), plan.limit or None)
    for planned in plan_rows(rows, spec, plan.stream, delay_ms=plan.delay_ms):
        key = planned.event.get(spec.streams[planned.stream].key)
        yield Message(planned.stream, str(key), json.dumps(planned.event).encode(), planned.event_time_ms)


def _from_line(spec: "Spec", name: str, line: str) -> "Message":
    """The line as it is; its event time, if it can be told, for --speed and --close."""
    from penstock.replay import Message  # noqa: PLC0415
    from penstock.spec.values import parse_time_ms  # noqa: PLC0415

    stream = spec.streams[name]
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    fields = event if isinstance(event, dict) else {}
    time = fields.get(stream.time) if stream.time else None
    time_ms = time if type(time) is int else parse_time_ms(time) if isinstance(time, str) else None
    is_time = time_ms is not None and 0 <= time_ms < YEAR_10000_MS
    return Message(name, str(fields.get(stream.key, "")), line.strip().encode(), time_ms if is_time else None)
