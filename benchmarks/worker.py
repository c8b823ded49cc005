"""A Penstock worker beside a stock Faust agent: both decode a record, look at it, and forward a new one, on the same Kafka, interleaved.

The input is RECORDS questions in Avro with eight features, in one partition. Both call the same function for every record: decode, mean of
the features, encode. *Penstock* is the production runner with a fold: origins, rounds, an idempotent producer with acks=all, snapshots in
PostgreSQL. *Faust* is an agent as its manual writes it (`async for event in stream.events(): await topic.send(...)`), acks=all, raw
serializers, so that it does no work of its own on the bytes. Environment: RECORDS (default 60000), ROUNDS
(default 3).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.examples import SEED, seeded
from benchmarks.machine import environment
from benchmarks.report import Result
from benchmarks.rivals import Right, course, rows
from penstock.fold.origin import Origins, origin_of
from penstock.fold.protocol import Effect, Output, Record, Snapshot
from penstock.records import Wire, with_features
from penstock.records.schemas import MemorySchemaRegistry


def measure(folder: Path) -> Result:
    """Run all rounds; the figures. Raises: PenstockError when the two forward different bytes."""
    return asyncio.run(_measure(folder, environment("RECORDS", 60_000), environment("ROUNDS", 3)))


async def _measure(folder: Path, count: int, rounds: int) -> Result:
    values, right = await _questions(count)
    async with course(folder, values, right) as track:

        def make_fold(outputs: str) -> Forwarding:
            return Forwarding(outputs, track.right)

        def make_agent(_: Any, sink: Any) -> Callable[[Any], Any]:
            async def forward(stream: Any) -> None:
                async for event in stream.events():
                    await sink.send(value=track.right(event.value, event.message.offset))

            return forward

        await track.penstock(make_fold)  # warms up
        rates = [{"penstock": await track.penstock(make_fold), "faust": await track.faust(make_agent)} for _ in range(rounds)]
    lines, figures = rows(rates, "faust", "stock Faust agent")
    ours = median(each["penstock"] for each in rates)
    notes = [f"{count:,} records; {rounds} rounds of each", "the last output of every round is the right one, none is there twice"]
    return Result(
        ("", "median", "worst round", "goal"),
        [("Penstock worker, records/s", f"{ours:,.0f}", "", ""), *lines],
        {**figures, "rounds": rates},
        notes,
    )


async def _questions(count: int) -> tuple[list[bytes], Callable[[str], Right]]:
    """The input, and what both do with a record of it, by the topic that it stands on."""
    features = [{"name": name, "type": ["null", "double"], "default": None} for name in next(seeded(SEED))[0]]
    wire = Wire(MemorySchemaRegistry())
    write = await wire.writer("questions", with_features("FeatureVector", features))
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

    def process(topic: str, bytes_in: bytes, offset: int) -> bytes:
        question = wire.read(bytes_in)[1]
        values = question["features"].values()
        question["features"]["x0"] = sum(values) / len(values)
        question["origin"] = {"topic": topic, "generation": 1, "partition": 0, "offset": offset, "index": 0}
        return write(question)

    return questions, lambda topic: partial(process, topic)


class Forwarding:
    """A fold that forwards what `process` makes of a record."""

    def __init__(self, to: str, process: Right) -> None:
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
