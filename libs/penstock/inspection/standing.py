"""`snapshots`: every retained snapshot is what was stored, and the log still holds what it folded; and with it, where each fold stood."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Protocol

import asyncpg

from penstock.fold.snapshots import BadSnapshot, PostgresSnapshots, Saved, SnapshotId, SnapshotStore, Tail, tail_of
from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.seen import Standing, Stood
from penstock.kafka.cluster import KafkaCluster
from penstock.kafka.ports import Kafka, TopicPartition
from penstock.settings import schema_of

READ_ONLY = {"default_transaction_read_only": "on", "application_name": "penstock verify", "statement_timeout": "60000"}

Committed = Mapping[TopicPartition, int]


class Store(SnapshotStore, Protocol):
    """Snapshots of a service that can be listed."""

    async def folds(self) -> Sequence[tuple[str, int, int]]: ...


async def standing(dsn: str, prefix: str, units: Iterable[str], kafka: KafkaCluster) -> tuple[Standing, Finding]:
    """Where every fold stood, by its newest good snapshot, and whether all snapshots hold. Raises: Weather."""
    look = SnapshotLook(kafka)
    for service, names in groupby(units, key=lambda unit: unit.partition("/")[0]):
        async with _snapshots_of(dsn, schema_of(prefix, service)) as store:
            for unit in names:
                committed = await kafka.committed(f"{prefix}penstock.{unit}")  # before the snapshots: what is committed is stored
                await look.at_unit(unit, committed, store)
    return look.standing, look.finding()


class SnapshotLook:
    """Loads and checks the snapshots of one unit after the other; on a live platform old rows go while they are looked at."""

    def __init__(self, kafka: Kafka) -> None:
        self._kafka = kafka
        self._breaks = Breaks("snapshots")
        self._folds: dict[tuple[str, int], Stood] = {}
        self._tails: dict[tuple[TopicPartition, Tail], bool] = {}

    @property
    def standing(self) -> Standing:
        """Where the folds stood."""
        return Standing(self._folds)

    def finding(self) -> Finding:
        """What was found so far."""
        return self._breaks.finding()

    async def at_unit(self, unit: str, committed: Committed, store: Store | None) -> None:
        """Check every snapshot of a unit against the log, and the newest against what its group has committed."""
        highest: dict[TopicPartition, int] = {}
        for fold, partition, generation in await store.folds() if store else ():  # generations ascend: the newest comes last
            if store is None or fold != unit:
                continue
            newest: Saved | None = None
            for id in reversed(await store.newest(fold, partition, generation)):
                newest = await self._load(store, id) or newest
            if newest is not None:
                self._folds[unit, partition] = Stood(newest.next_offsets, newest.counts or None)
                for topic, offset in newest.next_offsets.items():
                    highest[TopicPartition(topic, partition)] = max(offset, highest.get(TopicPartition(topic, partition), 0))
        self._compare(unit, committed, highest)

    def _compare(self, unit: str, committed: Committed, highest: Mapping[TopicPartition, int]) -> None:
        for input, offset in sorted(committed.items()):
            if input not in highest and (unit, input.partition) in self._folds:
                continue  # a topic that the unit no longer reads: its group remembers it for ever
            self._breaks.expect(
                highest.get(input, 0) >= offset,
                f"{unit}[{input.partition}]: its group has stored all below {input.topic}[{input.partition}]:{offset}, "
                f"but the newest good snapshot stands at {highest.get(input, 0)}: one was deleted or changed",
            )

    async def _load(self, store: Store, id: SnapshotId) -> Saved | None:
        """The snapshot, when it is good; a bad one is a break only if it is still listed after it was found bad."""
        why = ""
        for _ in range(2):
            try:
                saved = await store.load(id)
            except BadSnapshot as error:
                why = error.why
                if id not in await store.newest(*id[:3]):
                    return None
            else:
                self._breaks.checked += 1
                await self._check_log(saved)
                return saved
        self._breaks.expect(False, f"{id.fold}[{id.partition}]: snapshot {id.epoch}.{id.sequence} is bad: {why}")
        return None

    async def _check_log(self, saved: Saved) -> None:
        """What was folded lies inside the log, and the last record of it still stands where it stood."""
        name = f"{saved.id.fold}[{saved.id.partition}]: snapshot {saved.id.epoch}.{saved.id.sequence}"
        for topic, next_offset in saved.next_offsets.items():
            input, place = TopicPartition(topic, saved.id.partition), f"{topic}[{saved.id.partition}]"
            if input.partition >= await self._kafka.partitions(topic):
                self._breaks.add(f"{name} has folded {place}, which is not there")
                continue
            start, end = await self._kafka.bounds(input)
            self._breaks.expect(next_offset <= end, f"{name} has folded all below {place}:{next_offset}, the log ends at {end}")
            tail = saved.tails.get(topic)
            if tail is not None and start <= tail.offset < end:
                self._breaks.expect(await self._stands(input, tail), f"{name} has folded another record at {place}:{tail.offset}")

    async def _stands(self, input: TopicPartition, tail: Tail) -> bool:
        if (input, tail) not in self._tails:
            record = await self._kafka.read(input, tail.offset)
            self._tails[input, tail] = record is not None and tail_of(record) == tail
        return self._tails[input, tail]


@contextlib.asynccontextmanager
async def _snapshots_of(dsn: str, schema: str) -> "AsyncIterator[PostgresSnapshots | None]":
    """The snapshots of a service, to be read; None where it has made no table yet. It is libs' own table, the same for every service."""
    settings = {**READ_ONLY, "search_path": f'"{schema}"'}
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1, server_settings=settings) as pool:
        there = await pool.fetchval("select to_regclass('fold_snapshots')")
        yield PostgresSnapshots(pool) if there else None
