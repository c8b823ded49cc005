"""A proof: the learning log folded anew, in a process of its own, as fast as it can; it shares nothing with the living fold."""

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import asdict
from typing import NamedTuple

import asyncpg
import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from penstock import codec, postgres
from penstock.errors import PenstockError
from penstock.fold.drive import drive_all
from penstock.fold.poison import Caused
from penstock.fold.protocol import Missing, Record
from penstock.fold.snapshots import BadSnapshot, PostgresSnapshots, Saved, SnapshotStore, tail_of
from penstock.kafka.consumer import READER
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.settings import Settings, schema_of
from penstock_trainer.cohort import canonical
from penstock_trainer.lean import NeedsRepair, ReplayFold
from penstock_trainer.proof import Claim, Replayed, Witness, compared, metrics_of
from penstock_trainer.versions import Version

PROGRESS_EVERY_S = 0.5
POLL_MS = 500
SILENCE_MAX_S = 30.0
GENERATION = 1  # of the unit: a learning log is never made anew under its name


class Progress(NamedTuple):
    """How far a replay is, in records."""

    records: int
    records_total: int


async def prove(claim: Claim, settings: Settings) -> AsyncIterator[Progress | Replayed]:
    """Fold the learning log up to the claim's position, from the nearest snapshot or from offset 0: progress first, the result last.

    Raises: PenstockError when the log does not hold what is needed, or when it never gave birth to the version.
    """
    try:
        async for step in _prove(claim, settings, careful=False):
            yield step
    except NeedsRepair:
        async for step in _prove(claim, settings, careful=True):
            yield step


async def _prove(claim: Claim, settings: Settings, *, careful: bool) -> AsyncIterator[Progress | Replayed]:
    began_s = time.monotonic()
    topic = f"{settings.topic_prefix}learning.{claim.model}"
    saved = None if claim.from_zero else await _nearest(settings, claim, topic)
    start = saved.next_offsets[topic] if saved else 0
    schemas = HttpSchemaRegistry(settings.schema_registry_url)
    replay = Replay(claim, topic, Wire(schemas), saved, canonical(codec.runtime()), careful=careful)
    try:
        async with contextlib.aclosing(_read(settings, topic, replay.read_from, claim.recorded.position)) as batches:
            async for progress in replay.run(batches):
                yield Progress(progress - start, claim.recorded.position - start)
    finally:
        await schemas.aclose()
    yield replay.result(time.monotonic() - began_s)


class Replay:
    """One replay of a claim's log: begins with a snapshot or with nothing, and ends with what is compared."""

    def __init__(self, claim: Claim, topic: str, wire: Wire, saved: Saved | None, runtime: str = "", *, careful: bool = False) -> None:
        self._claim = claim
        self._wire = wire
        self._saved = saved
        self._tail = saved.tails.get(topic) if saved else None
        self._start = saved.next_offsets[topic] if saved else 0
        self._fold = ReplayFold(claim.model, wire, runtime=runtime, careful=careful)
        if saved:
            self._fold.restore(saved.snapshot)
        self._witness = Witness(claim, topic, self._start)

    @property
    def read_from(self) -> int:
        """The offset to read from: the last record that the snapshot has folded is read again and compared (law IV)."""
        return self._tail.offset if self._tail else self._start

    async def run(self, batches: AsyncIterator[Sequence[Record]]) -> AsyncIterator[int]:
        """Fold everything; now and then the position. Raises: PenstockError for a log that is not the one of the snapshot."""
        heard_s = time.monotonic()
        async for records in batches:
            await drive_all(self._fold, [record for record in records if not self._is_tail(record)], self._resolve, self._see)
            if time.monotonic() - heard_s > PROGRESS_EVERY_S:
                heard_s = time.monotonic()
                yield self._fold.chain.position

    def _is_tail(self, record: Record) -> bool:
        if record.offset >= self._start:
            return False
        if self._tail is None or tail_of(record) != self._tail:
            raise PenstockError(
                f"{record.topic}:{record.offset} is not the record that was folded there: the log was replaced. "
                "Try: penstock verify --from-zero, which names the first record that differs"
            )
        return True

    def _see(self, caused: Caused) -> None:
        if caused:
            self._witness.made(caused)
        if self._fold.chain.position == self._witness.next_position:
            self._witness.passed(self._fold.chain)

    async def _resolve(self, missing: Missing) -> None:
        await self._wire.fetch(int(missing.reference))

    def result(self, seconds: float) -> Replayed:
        """What it gave. Raises: PenstockError when the version was never born."""
        fold, recorded = self._fold, self._claim.recorded
        if recorded.version not in fold.cohort.versions:
            born = f"the log of {self._claim.model} up to {recorded.position} never gave birth to version {recorded.version}"
            raise PenstockError(f"{born}. Try: penstock show {self._claim.model}")
        learned = fold.cohort.versions[recorded.version]
        blob, chain, metrics = _bytes_of(learned), fold.chain.value.hex(), metrics_of(learned)
        difference = compared(self._claim, chain, blob, metrics)
        return Replayed(
            from_position=self._start,
            records=fold.chain.position - self._start,
            seconds=seconds,
            chain=chain,
            digest=codec.digest(blob),
            metrics=metrics,
            checkpoints=self._witness.equal,
            difference="; ".join(filter(None, (difference, self._witness.first))),
            snapshot=self._saved.id.sequence if self._saved else 0,
        )


def _bytes_of(version: Version) -> bytes:
    return version.remark() if version.live else version.mark


async def nearest(snapshots: SnapshotStore, model: str, topic: str, position: int) -> Saved | None:
    """The newest good snapshot of a model's fold that has folded nothing beyond `position`; None when there is none."""
    for id in await snapshots.newest(f"trainer/{model}", 0, GENERATION):
        with contextlib.suppress(BadSnapshot):
            saved = await snapshots.load(id)
            if saved.next_offsets.get(topic, position + 1) <= position:
                return saved
    return None


async def _nearest(settings: Settings, claim: Claim, topic: str) -> Saved | None:
    path = {"search_path": f'"{schema_of(settings.topic_prefix, "trainer")}"'}
    try:
        async with asyncpg.create_pool(settings.dsn, min_size=1, max_size=1, server_settings=path) as pool:
            return await nearest(PostgresSnapshots(pool), claim.model, topic, claim.recorded.position)
    except postgres.WEATHER as error:
        raise PenstockError(f"the snapshots cannot be read: {error}. Try: penstock verify --from-zero, which needs none") from error


async def _read(settings: Settings, topic: str, start: int, position: int) -> AsyncGenerator[list[Record], None]:
    partition = TopicPartition(topic, 0)
    consumer = AIOKafkaConsumer(bootstrap_servers=settings.bootstrap, group_id=None, **READER)
    await consumer.start()
    try:
        consumer.assign([partition])
        first, end = (await consumer.beginning_offsets([partition]))[partition], (await consumer.end_offsets([partition]))[partition]
        if first > start or end < position:
            raise PenstockError(
                f"{topic} holds the offsets {first} … {end - 1}; the proof needs {start} … {position - 1}. Try: restore the topic"
            )
        consumer.seek(partition, start)
        while (at := await consumer.position(partition)) < position:
            async with asyncio.timeout(SILENCE_MAX_S):
                batches = await consumer.getmany(partition, timeout_ms=POLL_MS)
            yield [record for record in batches.get(partition, []) if at <= record.offset < position]
    finally:
        await consumer.stop()


def _line(step: Progress | Replayed) -> str:
    return json.dumps(step._asdict() if isinstance(step, Progress) else {"result": asdict(step)}) + "\n"


async def _print(claim: Claim) -> None:
    async for step in prove(claim, Settings()):
        sys.stdout.write(_line(step))
        sys.stdout.flush()


if __name__ == "__main__":
    gc.freeze()  # what was imported stays: no collection need look at it
    try:
        asyncio.run(_print(msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Claim)))
    except PenstockError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(error.exit_code)
