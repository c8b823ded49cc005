"""Ingestion's fold beside a bare loop that decodes and encodes, in one process and one thread, without Kafka.

EVENTS events of ten fields, in JSON and in Avro. *Bare* is what nobody can do without: json.loads or fastavro's reader, then fastavro's
writer with the validated schema. *Fold* does the whole of ingestion's step: strict JSON, the contract, the clock, duplicates by id and
payload, the origin, the key's partition, counts. Both write the same values; they take turns within a round, and the times are CPU times of
the thread. The fold must validate every event and write what the bare loop writes, or there is no figure. *Contract* is the compiled
validator alone, for each event. *Memory* and *bytes* are those of one remembered id, of IDS (resident set; segments of a snapshot), and its
restore.
Environment: EVENTS (default 50000), ROUNDS (default 7), IDS (default 1000000).
"""

import asyncio
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import psutil

from benchmarks.collector import frozen
from benchmarks.machine import environment
from benchmarks.report import Result
from penstock.contract.contract import compile_contract
from penstock.errors import PenstockError
from penstock.fold.origin import origin_of
from penstock.fold.protocol import LogRecord
from penstock.framing.decoder import Decoder
from penstock.records import Wire, Writer, platform_schema
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec import Stream, load
from penstock.spec.avro import producer_schema, stream_schema
from penstock_ingestion.duplicates import RecentIds
from penstock_ingestion.fold import IngestionFold, Target

GOAL, CONTRACT_US_MAX = 0.5, 2.0
SLICE = 500  # records: the two take turns so often that what else the machine does meets both
NOON_MS = 1_357_041_600_000
SPECIFICATION = """
streams:
  flights:
    key: origin
    id: flight_id
    time: scheduled_at
    fields:
      flight_id: {type: string, length: [1, 20]}
      origin: {type: string, enum: [EWR, JFK, LGA]}
      carrier: string
      dest: string
      tailnum: {type: string, nullable: true}
      distance: {type: double, range: [1, 6000]}
      fare: {type: double, range: [0, null]}
      seats: {type: long, range: [1, 900]}
      is_delayed: boolean
      scheduled_at: timestamp
"""

Bare = Callable[[LogRecord], bytes]


class Course(NamedTuple):
    """One framing: the records, the bare loop over them, and how a fold is made."""

    records: list[LogRecord]
    bare: Bare
    fold: Callable[[], IngestionFold]


def measure(_: Path) -> Result:
    """Run all rounds; the figures. Raises: PenstockError when the fold does not write what the bare loop writes."""
    count, rounds, ids = environment("EVENTS", 50_000), environment("ROUNDS", 7), environment("IDS", 1_000_000)
    stream = load(SPECIFICATION).streams["flights"]
    courses = asyncio.run(_courses(stream, count))
    for course in courses.values():
        _check(course)
    with frozen():
        times_us = {name: [_round(course) for _ in range(rounds)] for name, course in courses.items()}
        contract_us = [_contract_us(stream, count) for _ in range(rounds)]
    return _result(count, times_us, contract_us, ids, _id_costs(ids))


def event(number: int) -> dict[str, Any]:
    """The event with this number."""
    return {
        "flight_id": f"UA{number:08}",
        "origin": ("EWR", "JFK", "LGA")[number % 3],
        "carrier": "UA",
        "dest": ("BOS", "SFO", "MIA", "ORD")[number % 4],
        "tailnum": None if number % 10 == 0 else f"N{number % 997}",
        "distance": 100.5 + number % 5_000,
        "fare": 19.99 + number % 300,
        "seats": 50 + number % 300,
        "is_delayed": number % 5 == 0,
        "scheduled_at": NOON_MS + number * 100,
    }


async def _courses(stream: Stream, count: int) -> dict[str, Course]:
    wire = Wire(MemorySchemaRegistry())
    write_avro = await wire.writer("events.flights", producer_schema(stream))
    encode = await wire.writer("validated.flights", stream_schema(stream))
    target = Target("validated.flights", encode, await wire.writer("validated.flights", platform_schema("Tick")))

    def fold() -> IngestionFold:
        return IngestionFold(stream, 0, Decoder(wire), target, "events.flights")

    def course(write: Writer, decode: Callable[[bytes], dict[str, Any]]) -> Course:
        values = [write(event(number)) for number in range(count)]
        records = [LogRecord("events.flights", 0, offset, NOON_MS, None, value) for offset, value in enumerate(values)]
        return Course(records, _bare(stream, decode, encode), fold)

    return {
        "JSON": course(lambda fields: json.dumps(fields).encode(), json.loads),
        "Avro": course(write_avro, lambda value: wire.read(value)[1]),
    }


def _bare(stream: Stream, decode: Callable[[bytes], dict[str, Any]], encode: Writer) -> Bare:
    def step(record: LogRecord) -> bytes:
        fields = decode(record.value or b"")
        fields["event_time_ms"] = fields["scheduled_at"]
        fields["_origin"] = origin_of(record, stream.generation)
        fields["event_id"] = fields["flight_id"]
        return encode(fields)

    return step


def _check(course: Course) -> None:
    fold, sample = course.fold(), course.records[:1_000]
    written = [output.value for record in sample for output in fold.step(record)]
    if written != [course.bare(record) for record in sample]:
        raise PenstockError("the fold does not write what the bare loop writes. Try: EVENTS=1000 python -m benchmarks ingestion")


def _round(course: Course) -> dict[str, float]:
    """µs of CPU for each event, in the bare loop and in a new fold."""
    fold, bare, count = course.fold(), course.bare, len(course.records)
    bare_s = fold_s = 0.0
    for start in range(0, count, SLICE):
        records = course.records[start : start + SLICE]
        bare_s += _spent_s(bare, records)
        fold_s += _spent_s(fold.step, records)
    if fold.counts["validated"] != count:
        raise PenstockError(f"{fold.counts['validated']} of {count} events were validated")
    return {"bare": bare_s / count * 1e6, "fold": fold_s / count * 1e6}


def _contract_us(stream: Stream, count: int) -> float:
    validate, events = compile_contract(stream), [event(number) for number in range(1_000)]
    times = max(1, count // len(events))
    return _spent_s(validate, events * times) / (times * len(events)) * 1e6


def _spent_s(work: Callable[[Any], object], items: Sequence[Any]) -> float:
    """CPU time of this thread for the work on every item."""
    began = time.thread_time()
    for item in items:
        work(item)
    return time.thread_time() - began


def _id_costs(count: int) -> dict[str, float]:
    """What each of so many remembered ids costs. Raises: PenstockError when a restored window has forgotten one."""
    before, recent = psutil.Process().memory_info().rss, RecentIds(window_ms=count)
    for number in range(count):
        recent.remember(f"UA{number:08}", number.to_bytes(16, "big"), number, number)
        if number % 10_000 == 0:
            recent.capture()
    manifest, segments = recent.capture()
    grown = psutil.Process().memory_info().rss - before
    restored = RecentIds(window_ms=count)
    restore_s = _spent_s(partial(restored.restore, manifest), [segments])
    if len(restored) != count or restored.first("UA00000000", bytes(16)) != 0:
        raise PenstockError("what was restored is not what was captured")
    return {"memory": grown / count, "bytes": sum(len(segment.data) for segment in segments) / count, "restore_s": restore_s}


def _result(
    count: int, times_us: dict[str, list[dict[str, float]]], contract_us: Sequence[float], ids: int, id_costs: dict[str, float]
) -> Result:
    rows: list[tuple[str, ...]] = []
    figures: dict[str, Any] = {"rounds_us": times_us, "contract_us": list(contract_us), "id": id_costs}
    for name, rounds in times_us.items():
        bare, fold = (median(each[kind] for each in rounds) for kind in ("bare", "fold"))
        worst = min(each["bare"] / each["fold"] for each in rounds)
        figures[name] = {"events_per_s": 1e6 / fold, "ratio": bare / fold, "ratio_worst_round": worst}
        rows.append((f"{name}: bare loop, events/s a core", f"{1e6 / bare:,.0f}", "", ""))
        rows.append((f"{name}: ingestion's fold, events/s a core", f"{1e6 / fold:,.0f}", "", ""))
        rows.append((f"{name}: fold / bare", f"{bare / fold:.2f}", f"{worst:.2f}", f"≥ {GOAL}"))
    rows.append(("contract of ten fields, µs", f"{median(contract_us):.2f}", f"{max(contract_us):.2f}", f"≤ {CONTRACT_US_MAX:.0f}"))
    rows.append((f"memory of one of {ids:,} ids, bytes", f"{id_costs['memory']:.0f}", "", ""))
    rows.append(("the same in a snapshot, bytes", f"{id_costs['bytes']:.0f}", "", ""))
    rows.append((f"restore of {ids:,} ids, s", f"{id_costs['restore_s']:.2f}", "", ""))
    notes = [f"{count:,} events of ten fields", "the fold writes what the bare loop writes, byte for byte"]
    return Result(("", "median", "worst round", "goal"), rows, figures, notes)
