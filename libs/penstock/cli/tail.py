"""`penstock tail`: the records of a topic, decoded."""

import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, run, topic as topic_of
from penstock.errors import PenstockError

POLL_MS = 200


def tail(
    topic: Annotated[str, typer.Argument(help="A topic: validated.flights, predictions.flights-late, dlq.events.weather, …")],
    records: Annotated[int, typer.Option("--records", "-n", min=0, help="End after so many records; 0: never.")] = 0,
    last: Annotated[int, typer.Option("--last", min=0, help="Begin so many records before the end of each partition.")] = 10,
    beginning: Annotated[bool, typer.Option("--from-beginning", help="Begin with the oldest record.")] = False,
    timeout_s: Annotated[float, typer.Option("--timeout", help="End when nothing has come for so many seconds; 0: never.")] = 0.0,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Print the records of a topic as they come, decoded."""
    run(_tail(topic, folder, output, None if beginning else last, records, timeout_s))


async def _tail(topic: str, folder: Path, output: Output, last: int | None, records_max: int, timeout_s: float) -> None:
    printed = 0
    async for record in read_topic(topic_of(topic), folder, last, timeout_s):
        typer.echo(json.dumps(record, ensure_ascii=False) if output is Output.JSON else _line(record))
        printed += 1
        if printed == records_max:
            return


async def read_topic(topic: str, folder: Path, last: int | None, timeout_s: float) -> AsyncIterator[dict[str, Any]]:
    """The records of a topic from `last` before its end (None: from its beginning), until nothing has come for `timeout_s` (0: for ever).

    Raises: PenstockError when there is no such topic.
    """
    from aiokafka import AIOKafkaConsumer, TopicPartition  # noqa: PLC0415

    from penstock.kafka.cluster import opened  # noqa: PLC0415
    from penstock.kafka.consumer import FOLLOWER  # noqa: PLC0415
    from penstock.records import Wire  # noqa: PLC0415
    from penstock.records.schemas import HttpSchemaRegistry  # noqa: PLC0415

    at = addresses(folder)
    schemas = HttpSchemaRegistry(at.schema_registry_url)
    consumer = AIOKafkaConsumer(bootstrap_servers=at.bootstrap, group_id=None, **FOLLOWER)
    await consumer.start()
    try:
        known = await consumer.topics()
        if topic not in known:
            close = [name for name in sorted(known) if name.split(".")[-1] == topic.rsplit(".", maxsplit=1)[-1]] or sorted(known)
            raise PenstockError(f"there is no topic {topic}. Try one of: {', '.join(close)}")
        async with opened(at.bootstrap) as kafka:  # a consumer knows the partitions of its own topics only, and this one has none yet
            partitions = [TopicPartition(topic, number) for number in range(await kafka.partitions(topic))]
        consumer.assign(partitions)
        starts, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, starts[partition] if last is None else max(starts[partition], ends[partition] - last))
        wire, heard = Wire(schemas), time.monotonic()
        while not timeout_s or time.monotonic() - heard < timeout_s:
            for batch in (await consumer.getmany(timeout_ms=POLL_MS)).values():
                for record in batch:
                    heard = time.monotonic()
                    yield await readable(record, wire)
    finally:
        await consumer.stop()
        await schemas.aclose()


async def readable(record: Any, wire: Any) -> dict[str, Any]:
    """A record as JSON values: Avro by its schema, else JSON, else text; headers as text."""
    from penstock.fold.protocol import Poison  # noqa: PLC0415

    shown: dict[str, Any] = {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "appended_at": _time(record.timestamp),
    }
    shown["key"] = None if record.key is None else record.key.decode(errors="backslashreplace")
    if record.headers:
        shown["headers"] = {name: (value or b"").decode(errors="backslashreplace") for name, value in record.headers}
    try:
        name, value = await wire.read_or_fetch(record.value)
        shown |= {"type": name, "value": value}
    except Poison:
        shown["value"] = _text(record.value)
    return shown


def _text(value: bytes | None) -> Any:
    text = None if value is None else value.decode(errors="backslashreplace")
    try:
        return json.loads(text or "null")
    except ValueError:
        return text


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds")


def _line(record: dict[str, Any]) -> str:
    code = record.get("headers", {}).get("__dlq.errors.code", "")
    message = record.get("headers", {}).get("__dlq.errors.message", "")
    kind = record.get("type", code)
    value = record["value"]
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return f"{record['partition']}:{record['offset']} {record['key'] or '-'} {kind} {text}{f'  ← {message}' if message else ''}"
