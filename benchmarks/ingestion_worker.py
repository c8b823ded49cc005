"""Ingestion beside stock Faust agents: decode, check the contract, drop duplicates by id, encode, forward, on the same Kafka.

The input is RECORDS events of ten fields as JSON, in one partition; the contract and the schemas are those of the benchmark `ingestion`.
*Penstock* is the production runner with ingestion's fold. *Faust* is an agent as its manual writes it, with the same compiled contract and
the same Avro writer; the ids that it has seen stand in a table, as in Faust all state that must survive a crash does, with its changelog in
Kafka. *Faust without state* drops no duplicates, so it does less than the other two. A round counts only if its last output is the same,
byte for byte. Environment: RECORDS (default 40000), ROUNDS (default 3).
"""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.ingestion import NOON_MS, SPECIFICATION, event
from benchmarks.machine import environment
from benchmarks.report import Result
from benchmarks.rivals import course, rows
from penstock.contract.contract import compile_contract
from penstock.fold.origin import origin_of
from penstock.fold.protocol import LogRecord
from penstock.framing.decoder import Decoder
from penstock.records import Wire, Writer, platform_schema
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec import Stream, load
from penstock.spec.avro import stream_schema
from penstock_ingestion.fold import IngestionFold, Target

Take = Callable[[dict[str, Any], str, int], bytes]
"""From an event's fields, topic and offset to the record that is written."""


def measure(folder: Path) -> Result:
    """Run all rounds; the figures. Raises: PenstockError when two write different bytes."""
    return asyncio.run(_measure(folder, environment("RECORDS", 40_000), environment("ROUNDS", 3)))


async def _measure(folder: Path, count: int, rounds: int) -> Result:
    stream, wire = load(SPECIFICATION).streams["flights"], Wire(MemorySchemaRegistry())
    encode, encode_tick = await wire.writer("validated", stream_schema(stream)), await wire.writer("validated", platform_schema("Tick"))
    values = [json.dumps(event(number)).encode() for number in range(count)]
    take = _taken(stream, encode)
    async with course(folder, values, lambda topic: lambda value, offset: take(json.loads(value), topic, offset)) as track:

        def make_fold(outputs: str) -> IngestionFold:
            return IngestionFold(stream, 0, Decoder(wire), Target(outputs, encode, encode_tick), track.topic)

        rates = []
        await track.penstock(make_fold)  # warms up
        for _ in range(rounds):
            penstock = await track.penstock(make_fold)
            faust = await track.faust(lambda app, sink: _agent(track.topic, take, sink, app.Table("ids", partitions=1)), has_table=True)
            bare = await track.faust(lambda _, sink: _agent(track.topic, take, sink, None))
            rates.append({"penstock": penstock, "faust": faust, "bare": bare})
    lines, figures = rows(rates, "faust", "Faust agent with a table")
    more, others = rows(rates, "bare", "Faust agent without state")
    ours = median(each["penstock"] for each in rates)
    return Result(
        ("", "median", "worst round", "goal"),
        [("Penstock ingestion, records/s", f"{ours:,.0f}", "", ""), *lines, *more],
        {"with_table": figures, "without_state": others, "rounds": rates},
        [f"{count:,} events; {rounds} rounds of each", "the last output of every round is the same in all, none is there twice"],
    )


def _taken(stream: Stream, encode: Writer) -> Take:
    """What nobody can do without: from the event's fields to the validated record."""
    validate = compile_contract(stream)

    def take(sent: dict[str, Any], topic: str, offset: int) -> bytes:
        fields, _ = validate(sent)
        fields["event_time_ms"] = fields["scheduled_at"]
        fields["_origin"] = origin_of(LogRecord(topic, 0, offset, NOON_MS, None, None), stream.generation)
        fields["event_id"] = fields["flight_id"]
        return encode(fields)

    return take


def _agent(topic: str, take: Take, sink: Any, seen: Any) -> Callable[[Any], Any]:
    """An agent that forwards each event under its key; with a table only those whose id it has not seen."""

    async def ingest(events: Any) -> None:
        async for each in events.events():
            fields = json.loads(each.value)
            if seen is not None:
                if seen.get(fields["flight_id"]):
                    continue
                seen[fields["flight_id"]] = "1"
            await sink.send(key=fields["origin"].encode(), value=take(fields, topic, each.message.offset), partition=0)

    return ingest
