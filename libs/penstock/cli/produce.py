"""`penstock produce`: events from a CSV or JSON-lines file; a label column goes to its own stream, when it becomes known."""

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, addresses, registry, run
from penstock.errors import UsageError

if TYPE_CHECKING:
    from penstock.spec import Spec

IN_FLIGHT_MAX = 5_000
CLOSING_HORIZONS = 2


class Message(NamedTuple):
    """One event on its way: the stream, its key, its JSON, and its event time if it has one."""

    stream: str
    key: str
    body: bytes
    time_ms: int | None


def produce(
    stream: Annotated[str, typer.Argument(help="The stream.")],
    file: Annotated[Path, typer.Argument(help="A .csv (also .gz) or .jsonl file; - reads JSON lines from standard input.")],
    delay: Annotated[
        str, typer.Option(help="How long after its event a label becomes known, such as 2h (needs a stream with a time).")
    ] = "0s",
    rate: Annotated[float, typer.Option(min=0, help="Events per second; 0: as fast as Kafka takes them.")] = 0.0,
    limit: Annotated[int, typer.Option(min=0, help="End after so many rows; 0: all.")] = 0,
    close: Annotated[bool, typer.Option(help="End with ticks far enough to end every prediction (streams with a time).")] = False,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Send a file's rows to a stream, and their labels to <stream>-labels."""
    began = time.monotonic()
    sent = run(_produce(stream, file, delay, rate, limit, close, folder))
    seconds = time.monotonic() - began
    counted = ", ".join(f"{count:,} to {name}" for name, count in sent.items()) or "nothing"
    typer.echo(f"sent {counted} in {seconds:.1f} s; every one is acknowledged")


async def _produce(stream: str, file: Path, delay: str, rate: float, limit: int, close: bool, folder: Path) -> dict[str, int]:
    from penstock.spec.duration import parse_duration  # noqa: PLC0415

    delay_ms = parse_duration(delay)
    if delay_ms is None:
        raise UsageError(f"--delay {delay}: not a duration. Try: --delay 2h")
    spec = await applied_spec(folder)
    if stream not in spec.streams:
        raise UsageError(f"no stream is called {stream} ({', '.join(spec.streams) or 'none is applied'}). Try: penstock apply")
    rows = _messages(spec, stream, file, delay_ms, limit)
    return await _send(spec, rows, rate, close, addresses(folder).bootstrap)


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


def _messages(spec: "Spec", stream: str, file: Path, delay_ms: int, limit: int) -> Iterator[Message]:
    from itertools import islice  # noqa: PLC0415

    from penstock.spec.rows import plan_rows, read_rows  # noqa: PLC0415

    if file.suffix in {".jsonl", ".ndjson"} or str(file) == "-":
        lines = sys.stdin if str(file) == "-" else file.open(encoding="utf-8")
        yield from (_from_line(spec, stream, line) for line in islice(lines, limit or None) if line.strip())
        return
    rows = islice(read_rows(file), limit or None)
    for planned in plan_rows(rows, spec, stream, delay_ms=delay_ms):
        key = planned.event.get(spec.streams[planned.stream].key)
        yield Message(planned.stream, str(key), json.dumps(planned.event).encode(), planned.event_time_ms)


def _from_line(spec: "Spec", stream: str, line: str) -> Message:
    try:
        event = json.loads(line)
    except ValueError:
        event = None
    key = event.get(spec.streams[stream].key, "") if isinstance(event, dict) else ""
    return Message(stream, str(key), line.strip().encode(), None)


async def _send(spec: "Spec", messages: Iterator[Message], rate: float, close: bool, bootstrap: str) -> dict[str, int]:
    from aiokafka import AIOKafkaProducer  # noqa: PLC0415

    sent: dict[str, int] = {}
    last: dict[str, int] = {}
    pending: set[asyncio.Future[Any]] = set()
    began = time.monotonic()
    async with AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, linger_ms=5) as producer:
        for number, message in enumerate(messages):
            pending.add(await producer.send(f"events.{message.stream}", message.body, key=message.key.encode()))
            sent[message.stream] = sent.get(message.stream, 0) + 1
            if message.time_ms is not None:
                last[message.stream] = max(last.get(message.stream, 0), message.time_ms)
            if len(pending) >= IN_FLIGHT_MAX:
                pending = await _acknowledged(pending)
            if rate and (ahead_s := number / rate - (time.monotonic() - began)) > 0:
                await asyncio.sleep(ahead_s)
        if close:
            for topic, partition, tick in closing_ticks(spec, last):
                pending.add(await producer.send(topic, tick, partition=partition))
        while pending:
            pending = await _acknowledged(pending)
    return sent


async def _acknowledged(pending: set[asyncio.Future[Any]]) -> set[asyncio.Future[Any]]:
    done, still = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
    for future in done:
        future.result()
    return still


def closing_ticks(spec: "Spec", last_ms: dict[str, int]) -> Iterator[tuple[str, int, bytes]]:
    """Ticks (topic, partition, JSON) beyond every horizon: after them each prediction is labelled or expired.

    A stream's clock moves by `max_jump` at most, so a long way takes several.
    """
    horizon_ms = max((model.label.horizon_ms for model in spec.models.values()), default=0)
    end_ms = max(last_ms.values(), default=0) + CLOSING_HORIZONS * horizon_ms + 1_000
    for name, from_ms in last_ms.items():
        stream = spec.streams[name]
        for partition in range(stream.partitions):
            for at_ms in (*range(from_ms, end_ms, max(stream.max_jump_ms, 1)), end_ms):
                yield f"events.{name}", partition, _tick(at_ms)


def _tick(at_ms: int) -> bytes:
    from datetime import UTC, datetime  # noqa: PLC0415

    return json.dumps({"penstock.tick": datetime.fromtimestamp(at_ms / 1000, UTC).isoformat()}).encode()
