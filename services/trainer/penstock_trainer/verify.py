"""A proof: the learning log folded anew, in a process of its own, as fast as it can; it shares nothing with the living fold."""

import asyncio
import contextlib
import gc
import json
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import asdict
from functools import partial
from typing import NamedTuple

import asyncpg
import msgspec

from penstock import codec, postgres
from penstock.errors import PenstockError
from penstock.fold.drive import Read, replay
from penstock.fold.poison import Caused
from penstock.fold.protocol import Missing, Record, Refold, Unfit
from penstock.fold.setup import Again
from penstock.fold.snapshots import BadSnapshot, PostgresSnapshots, Saved, SnapshotStore, tail_of
from penstock.kafka.log import read_log
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.settings import Settings, schema_of
from penstock_trainer.cohort import canonical
from penstock_trainer.lean import NeedsRepair, ReplayFold
from penstock_trainer.proof import Claim, Replayed, Witness, compared, metrics_of
from penstock_trainer.rebuild import demanded
from penstock_trainer.versions import Version

PROGRESS_EVERY_S = 0.5
GENERATION = 1  # of the unit: a learning log is never made anew under its name


class Progress(NamedTuple):
    """How far a replay is, in records."""

    records: int
    records_total: int


Attempt = Callable[[Saved | None, bool], AsyncIterator[Progress | Replayed]]
"""One replay from a snapshot or from nothing, careful or not."""


async def prove(claim: Claim, settings: Settings) -> AsyncIterator[Progress | Replayed]:
    """Fold the learning log up to the claim's position, from the nearest snapshot or from offset 0: progress first, the result last.

    Raises: PenstockError when the log does not hold what is needed, or when it never gave birth to the version.
    """
    topic = f"{settings.topic_prefix}learning.{claim.model}"
    saved = None if claim.from_zero else await _nearest(settings, claim, topic)
    async for step in patiently(partial(_prove, claim, settings, topic), saved):
        yield step


async def patiently(attempt: Attempt, saved: Saved | None) -> AsyncIterator[Progress | Replayed]:
    """Attempts until one comes to its end: one that repairs where a learner has failed, one from nothing where the snapshot must not be."""
    careful = False
    while True:
        try:
            async for step in attempt(saved, careful):
                yield step
            return
        except NeedsRepair:
            careful = True
        except (Refold, Unfit):  # something that the snapshot has learned is not to be learned, or not as it was
            if saved is None:
                raise
            saved = None


async def _prove(claim: Claim, settings: Settings, topic: str, saved: Saved | None, careful: bool) -> AsyncIterator[Progress | Replayed]:
    began_s = time.monotonic()
    schemas = HttpSchemaRegistry(settings.schema_registry_url)
    replay = Replay(claim, topic, Wire(schemas), saved, canonical(codec.runtime()), careful=careful)
    try:
        async for progress in replay.run(partial(read_log, settings.bootstrap, topic, end=claim.recorded.position)):
            yield Progress(progress - replay.start, claim.recorded.position - replay.start)
    finally:
        await schemas.aclose()
    yield replay.result(time.monotonic() - began_s)


class Replay:
    """One replay of a claim's log: begins with a snapshot or with nothing, `start`, and ends with what is compared."""

    def __init__(self, claim: Claim, topic: str, wire: Wire, saved: Saved | None, runtime: str = "", *, careful: bool = False) -> None:
        self._claim = claim
        self._wire = wire
        self._runtime = runtime
        self._saved = saved
        self._tail = saved.tails.get(topic) if saved else None
        self.start = saved.next_offsets[topic] if saved else 0
        self._fold = ReplayFold(claim.model, wire, runtime=runtime, careful=careful)
        if saved:
            self._fold.restore(saved.snapshot)
        self._witness = Witness(claim, topic, self.start)

    async def run(self, read: Read) -> AsyncIterator[int]:
        """Fold everything; now and then the position.

        Raises: PenstockError for a log that is not the one of the snapshot; Refold if the log says to begin before the snapshot; Unfit
        when it was made under another runtime.
        """
        again: Again = lambda start: demanded(read(start), self._wire, self._runtime)  # noqa: E731
        heard_s, epoch = time.monotonic(), self._saved.id.epoch if self._saved else 0
        async for _ in replay(self._fold, partial(self._behind_tail, read), self._resolve, self._see, self.start, epoch, again=again):
            if time.monotonic() - heard_s > PROGRESS_EVERY_S:
                heard_s = time.monotonic()
                yield self._fold.chain.position

    async def _behind_tail(self, read: Read, start: int) -> AsyncGenerator[list[Record]]:
        """The log from `start` on. The last record that the snapshot has folded is read again and compared (law IV)."""
        async with contextlib.aclosing(read(self._tail.offset if self._tail else start)) as batches:
            async for records in batches:
                yield [record for record in records if not self._is_tail(record)]

    def _is_tail(self, record: Record) -> bool:
        if record.offset >= self.start:
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
            from_position=self.start,
            records=fold.chain.position - self.start,
            seconds=seconds,
            chain=chain,
            digest=codec.digest(blob),
            metrics=metrics,
            checkpoints=self._witness.equal,
            difference="; ".join(filter(None, (difference, self._witness.first))),
            snapshot=self._saved.id.sequence if self._saved else 0,
            rebuilt=max((each.position for each in fold.rewinds.all if each.runtime), default=0),
        )


def _bytes_of(version: Version) -> bytes:
    return version.remark() if version.live else version.mark


async def nearest(snapshots: SnapshotStore, model: str, topic: str, position: int) -> Saved | None:
    """The newest good snapshot of a model's fold that has folded nothing beyond `position`; None when there is none."""
    for id in await snapshots.newest(f"trainer/{model}", 0, GENERATION):
        if id.sequence <= position:  # the one input's next offset, so nothing else need be loaded
            with contextlib.suppress(BadSnapshot):
                saved = await snapshots.load(id)
                if topic in saved.next_offsets:
                    return saved
    return None


async def _nearest(settings: Settings, claim: Claim, topic: str) -> Saved | None:
    path = {"search_path": f'"{schema_of(settings.topic_prefix, "trainer")}"'}
    try:
        async with asyncpg.create_pool(settings.dsn, min_size=1, max_size=1, server_settings=path) as pool:
            return await nearest(PostgresSnapshots(pool), claim.model, topic, claim.recorded.position)
    except postgres.WEATHER as error:
        raise PenstockError(f"the snapshots cannot be read: {error}. Try: penstock verify --from-zero, which needs none") from error


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
