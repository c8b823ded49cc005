"""A Penstock worker beside a stock Faust agent: both decode a record, look at it, and forward a new one, on the same Kafka, interleaved.

The input is RECORDS questions in Avro with eight features, in one partition. Both call the same function for every record: decode, mean of
the features, encode. *Penstock* is the production runner with a fold: origins, rounds, an idempotent producer with acks=all, snapshots in
PostgreSQL. *Faust* is an agent as its manual writes it (`async for value in stream: await topic.send(...)`), acks=all, raw serializers, so
that it does no work of its own on the bytes. A round's rate is outputs per second between the first and the last of them, by the broker's
clock; both read a topic that is full before they start. The last output must be the right one, and none may be there twice, or there is no
figure. Environment: RECORDS (default 60000), ROUNDS (default 3).
"""

import asyncio
import contextlib
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import faust

from benchmarks.examples import SEED, seeded
from benchmarks.log import Broker, broker
from benchmarks.machine import environment
from benchmarks.report import Result
from penstock.errors import PenstockError
from penstock.fold.origin import Origins, origin_of
from penstock.fold.protocol import Effect, Output, Record, Snapshot
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import PostgresSnapshots
from penstock.kafka.ports import TopicPartition
from penstock.records import Wire, with_features
from penstock.records.schemas import MemorySchemaRegistry

GOAL = 12.0
SCHEMA = "bench"
SETTLE_S = 30.0

Process = Callable[[bytes, int], bytes]
"""From a record's value and offset to the value that is forwarded."""


def measure(folder: Path) -> Result:
    """Run all rounds; the figures. Raises: PenstockError when the two forward different bytes."""
    return asyncio.run(_measure(folder, environment("RECORDS", 60_000), environment("ROUNDS", 3)))


async def _measure(folder: Path, count: int, rounds: int) -> Result:
    async with (
        broker(folder) as place,
        asyncpg.create_pool(place.dsn, min_size=1, max_size=2, server_settings={"search_path": SCHEMA}) as pool,
    ):
        await pool.execute(f"create schema if not exists {SCHEMA}")
        snapshots = PostgresSnapshots(pool)
        await snapshots.create()
        topic = await place.topic("questions")
        values, process = await _questions(topic, count)
        await place.append(topic, ((None, value) for value in values))
        await _penstock(place, snapshots, topic, process, count)  # warms up
        rates = [
            {"penstock": await _penstock(place, snapshots, topic, process, count), "faust": await _faust(place, topic, process, count)}
            for _ in range(rounds)
        ]
    return _result(count, rates)


async def _questions(topic: str, count: int) -> tuple[list[bytes], Process]:
    """The input, and what both do with a record of it."""
    features = [{"name": name, "type": ["null", "double"], "default": None} for name in next(seeded(SEED))[0]]
    wire = Wire(MemorySchemaRegistry())
    write = await wire.writer(topic, with_features("FeatureVector", features))
    value: dict[str, Any] = {"origin": {"topic": "t", "generation": 1, "partition": 0, "index": 0}, "entity": "e"}
    asked = zip(range(count), seeded(SEED), strict=False)
    questions = [
        write(
            {
                **value,
                "event_time_ms": number,
                "event_id": f"event-{number}",
                "features": x,
                "origin": {**value["origin"], "offset": number},
            }
        )
        for number, (x, _) in asked
    ]

    def process(bytes_in: bytes, offset: int) -> bytes:
        question = wire.read(bytes_in)[1]
        values = question["features"].values()
        question["features"]["x0"] = sum(values) / len(values)
        question["origin"] = {"topic": topic, "generation": 1, "partition": 0, "offset": offset, "index": 0}
        return write(question)

    return questions, process


class Forwarding:
    """A fold that forwards what `process` makes of a record."""

    def __init__(self, to: str, process: Process) -> None:
        self.counts: Counter[str] = Counter()
        self._to, self._process, self._origins = to, process, Origins()

    def step(self, record: Record) -> Iterable[Output | Effect]:
        """One record in, one out; as every fold, it drops what it has seen."""
        if not self._origins.accept(record.topic, record.partition, origin_of(record, 1)):
            return ()
        return (Output(self._to, 0, record.key, self._process(record.value or b"", record.offset)),)

    def snapshot(self) -> Snapshot:
        """The origins are all there is."""
        return Snapshot(repr(self._origins.dump()).encode())

    def restore(self, snapshot: Snapshot) -> None:
        """Never called: every round has a name of its own."""
        raise AssertionError(snapshot)


async def _penstock(place: Broker, snapshots: PostgresSnapshots, topic: str, process: Process, count: int) -> float:
    outputs = await place.topic("forwarded")

    async def none(_: Any) -> None:
        """No effects, and nothing is missing."""

    runner = Runner(
        Unit(f"bench/{outputs}", (topic,), lambda _: Forwarding(outputs, process)),
        kafka=place.kafka, snapshots=snapshots, deliver=none, resolve=none, dlq_topic=lambda each: f"dlq.{each}",
        instance="0", service="bench", clock=time.monotonic,
    )  # fmt: skip
    running = asyncio.create_task(runner.run())
    try:
        return await _rate_per_s(place, topic, outputs, process, count)
    finally:
        running.cancel()
        await asyncio.wait([running])


async def _faust(place: Broker, topic: str, process: Process, count: int) -> float:
    outputs = await place.topic("forwarded")
    with tempfile.TemporaryDirectory() as data:
        app = faust.App(
            outputs, broker=f"kafka://{place.bootstrap}", datadir=data, web_enabled=False, store="memory://", autodiscover=False,
            worker_redirect_stdouts=False, consumer_auto_offset_reset="earliest", producer_acks=-1, topic_disable_leader=True,
            topic_allow_declare=False, value_serializer="raw", key_serializer="raw", stream_wait_empty=False,
        )  # fmt: skip
        source = app.topic(topic, value_serializer="raw", key_serializer="raw")
        sink = app.topic(outputs, value_serializer="raw", key_serializer="raw")

        async def forward(stream: Any) -> None:
            async for event in stream.events():
                await sink.send(value=process(event.value, event.message.offset))

        app.agent(source)(forward)
        await app.start()
        try:
            return await _rate_per_s(place, topic, outputs, process, count)
        finally:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(app.stop(), SETTLE_S)


async def _rate_per_s(place: Broker, topic: str, outputs: str, process: Process, count: int) -> float:
    """Outputs per second. Raises: PenstockError when the last one is not what it must be, or one is there too often."""
    await place.until_holds(outputs, count)
    first, last = [await place.kafka.read(TopicPartition(outputs, 0), offset) for offset in (0, count - 1)]
    source = await place.kafka.read(TopicPartition(topic, 0), count - 1)
    assert first is not None
    assert last is not None
    assert source is not None
    if last.value != process(source.value or b"", count - 1) or (await place.kafka.bounds(TopicPartition(outputs, 0))).end != count:
        raise PenstockError(f"{outputs} does not hold what was to be forwarded. Try: RECORDS=1000 python -m benchmarks worker")
    return count / max(last.timestamp - first.timestamp, 1) * 1e3


def _result(count: int, rates: Sequence[dict[str, float]]) -> Result:
    middle = {name: median(each[name] for each in rates) for name in ("penstock", "faust")}
    worst = min(each["penstock"] / each["faust"] for each in rates)
    ratio = middle["penstock"] / middle["faust"]
    figures = {"records_per_s": middle, "ratio_median": round(ratio, 2), "ratio_worst_round": round(worst, 2), "rounds": list(rates)}
    rows: list[tuple[str, ...]] = [
        ("Penstock worker, records/s", f"{middle['penstock']:,.0f}", "", ""),
        ("stock Faust agent, records/s", f"{middle['faust']:,.0f}", "", ""),
        ("Penstock / Faust", f"{ratio:.1f}", f"{worst:.1f}", f"≥ {GOAL:.0f}"),
    ]
    notes = [f"{count:,} records; {len(rates)} rounds of each", "the last output of every round is the right one, and none is there twice"]
    return Result(("", "median", "worst round", "goal"), rows, figures, notes)
