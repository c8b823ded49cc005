"""The same work done twice on the same Kafka: by the production runner with a fold, and by a stock Faust agent.

A round's rate is outputs per second between the first and the last of them, by the broker's clock; both read a topic that is full before
they start. The last output must be the right one and no output may be there twice, or there is no figure.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import asyncpg
import faust

from benchmarks.collector import frozen
from benchmarks.log import Broker, broker
from penstock.errors import PenstockError
from penstock.fold.protocol import Fold, Record
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import PostgresSnapshots
from penstock.kafka.log import read_log
from penstock.kafka.ports import TopicPartition

GOAL = 12.0
SCHEMA = "bench"
SETTLE_S = 30.0

MakeFold = Callable[[str], Fold]
"""From the topic that is written to the fold that writes it."""

MakeAgent = Callable[[faust.App, Any], Callable[[Any], Any]]
"""From an application and the topic that is written to the agent: a function of a stream."""

Right = Callable[[bytes, int], bytes]
"""From a record's value and offset to the value that must come of it."""


@dataclass(frozen=True, slots=True)
class Course:
    """One input topic of `count` records, which both rivals read from its beginning to its end."""

    place: Broker
    snapshots: PostgresSnapshots
    topic: str
    count: int
    right: Right

    async def penstock(self, make_fold: MakeFold) -> float:
        """Records per second of the runner."""
        outputs = await self.place.topic("forwarded")

        async def none(_: Any) -> None:
            """No effects, and nothing is missing."""

        runner = Runner(
            Unit(f"bench/{outputs}", (self.topic,), lambda _: make_fold(outputs)),
            kafka=self.place.kafka, snapshots=self.snapshots, deliver=none, resolve=none, dlq_topic=lambda each: f"dlq.{each}",
            instance="0", service="bench", clock=time.monotonic,
        )  # fmt: skip
        running = asyncio.create_task(runner.run())
        try:
            return await self._rate_per_s(outputs)
        finally:
            running.cancel()
            await asyncio.wait([running])

    async def faust(self, make_agent: MakeAgent, *, has_table: bool = False) -> float:
        """Records per second of an agent as Faust's manual writes it: acks=all, raw serializers; a table needs its changelog declared."""
        outputs = await self.place.topic("forwarded")
        with tempfile.TemporaryDirectory() as data:
            app = faust.App(
                outputs, broker=f"kafka://{self.place.bootstrap}", datadir=data, web_enabled=False, store="memory://", autodiscover=False,
                worker_redirect_stdouts=False, consumer_auto_offset_reset="earliest", producer_acks=-1, topic_disable_leader=True,
                topic_allow_declare=has_table, topic_partitions=1, value_serializer="raw", key_serializer="raw", stream_wait_empty=False,
            )  # fmt: skip
            source = app.topic(self.topic, value_serializer="raw", key_serializer="raw")
            sink = app.topic(outputs, value_serializer="raw", key_serializer="raw")
            app.agent(source)(make_agent(app, sink))
            await app.start()
            try:
                return await self._rate_per_s(outputs)
            finally:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(app.stop(), SETTLE_S)

    async def _rate_per_s(self, outputs: str) -> float:
        await self.place.until_holds(outputs, self.count)
        written = await self._written(outputs)
        first, last = written[0], written[self.count - 1]
        source = await self.place.kafka.read(TopicPartition(self.topic, 0), self.count - 1)
        assert source is not None
        if last.value != self.right(source.value or b"", self.count - 1):
            raise PenstockError(f"the last record of {outputs} is not what was to be forwarded. Try: a smaller RECORDS")
        # Behind the last output stands at most what a fold writes when it idles; one that was sent twice would be a rate too high.
        if twice := len(written) - len({record.value for record in written}):
            raise PenstockError(f"{twice:,} records of {outputs} are there twice. Try: a smaller RECORDS")
        return self.count / max(last.timestamp - first.timestamp, 1) * 1e3

    async def _written(self, outputs: str) -> list[Record]:
        end = (await self.place.kafka.bounds(TopicPartition(outputs, 0))).end
        return [record async for records in read_log(self.place.bootstrap, outputs, 0, end) for record in records]


@contextlib.asynccontextmanager
async def course(folder: Path, values: Sequence[bytes], right: Callable[[str], Right]) -> AsyncIterator[Course]:
    """A course over these records, on a broker of its own; `right` learns the topic's name."""
    async with (
        broker(folder) as place,
        asyncpg.create_pool(place.dsn, min_size=1, max_size=2, server_settings={"search_path": SCHEMA}) as pool,
    ):
        await pool.execute(f"create schema if not exists {SCHEMA}")
        snapshots = PostgresSnapshots(pool)
        await snapshots.create()
        topic = await place.topic("questions")
        await place.append(topic, ((None, value) for value in values))
        with frozen():  # Faust is imported for its rival too
            yield Course(place, snapshots, topic, len(values), right(topic))


def rows(rates: Sequence[dict[str, float]], rival: str, called: str) -> tuple[list[tuple[str, ...]], dict[str, Any]]:
    """The lines of a table and the figures: Penstock beside one rival, which is called so."""
    ours, theirs = (median(each[name] for each in rates) for name in ("penstock", rival))
    worst = min(each["penstock"] / each[rival] for each in rates)
    return [
        (f"{called}, records/s", f"{theirs:,.0f}", "", ""),
        (f"Penstock / {called}", f"{ours / theirs:.1f}", f"{worst:.1f}", f"≥ {GOAL:.0f}"),
    ], {"ratio_median": round(ours / theirs, 2), "ratio_worst_round": round(worst, 2)}
