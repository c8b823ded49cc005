"""`snapshots`: every retained snapshot is what was stored, and the log still holds what it folded; and with it, where each fold stood."""

import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from itertools import groupby

import asyncpg

from penstock.fold.snapshots import BadSnapshot, PostgresSnapshots, Saved, SnapshotId, Tail, tail_of
from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.seen import Standing, Stood
from penstock.kafka.cluster import KafkaCluster
from penstock.kafka.ports import TopicPartition

READ_ONLY = {"default_transaction_read_only": "on", "application_name": "penstock verify", "statement_timeout": "60000"}


async def standing(dsn: str, prefix: str, units: Iterable[str], kafka: KafkaCluster) -> tuple[Standing, Finding]:
    """Where every fold stood, by its newest good snapshot, and whether all snapshots hold. Raises: Weather."""
    found: dict[tuple[str, int], Stood] = {}
    check = _Snapshots(kafka)
    for service, names in groupby(units, key=lambda unit: unit.partition("/")[0]):
        async with _snapshots_of(dsn, service) as store:
            for unit in names:
                committed = await kafka.committed(f"{prefix}penstock.{unit}")  # before the snapshots: what is committed is stored
                found |= await check.unit(unit, committed, store)
    return Standing(found), check.breaks.finding()


class _Snapshots:
    """Loads and checks; on a live platform old rows go while they are looked at."""

    def __init__(self, kafka: KafkaCluster) -> None:
        self.breaks = Breaks("snapshots")
        self._kafka = kafka
        self._tails: dict[tuple[TopicPartition, Tail], bool] = {}

    async def unit(
        self, unit: str, committed: Mapping[TopicPartition, int], store: PostgresSnapshots | None
    ) -> dict[tuple[str, int], Stood]:
        """Check every snapshot of a unit; where its folds stood, by the newest good one of the newest generation."""
        stood: dict[tuple[str, int], Stood] = {}
        highest: dict[TopicPartition, int] = {}
        for fold, partition, generation in await store.folds() if store else ():  # generations ascend: the newest comes last
            if fold != unit:
                continue
            for id in reversed(await store.newest(fold, partition, generation) if store else ()):
                saved = await self._load(store, id) if store else None
                if saved is None:
                    continue
                stood[unit, partition] = Stood(saved.next_offsets, saved.counts or None)
                for topic, offset in saved.next_offsets.items():
                    highest[TopicPartition(topic, partition)] = max(offset, highest.get(TopicPartition(topic, partition), 0))
                await self._check_log(saved)
        for input, offset in sorted(committed.items()):
            self.breaks.expect(
                highest.get(input, 0) >= offset,
                f"{unit}[{input.partition}]: its group has stored all below {input.topic}[{input.partition}]:{offset}, "
                f"but the newest good snapshot stands at {highest.get(input, 0)}: one was deleted or changed",
            )
        return stood

    async def _load(self, store: PostgresSnapshots, id: SnapshotId) -> Saved | None:
        """The snapshot, or None; it is a break only if it is still listed after it was found bad twice."""
        self.breaks.checked += 1
        why = ""
        for _ in range(2):
            try:
                return await store.load(id)
            except BadSnapshot as error:
                why = error.why
                if id not in await store.newest(*id[:3]):
                    self.breaks.checked -= 1
                    return None
        self.breaks.add(f"{id.fold}[{id.partition}]: snapshot {id.epoch}.{id.sequence} is bad: {why}")
        return None

    async def _check_log(self, saved: Saved) -> None:
        """What was folded lies inside the log, and the last record of it still stands where it stood."""
        for topic, next_offset in saved.next_offsets.items():
            input, id = TopicPartition(topic, saved.id.partition), saved.id
            start, end = await self._kafka.bounds(input)
            name = f"{id.fold}[{id.partition}]: snapshot {id.epoch}.{id.sequence}"
            self.breaks.expect(
                next_offset <= end, f"{name} has folded all below {topic}[{input.partition}]:{next_offset}, the log ends at {end}"
            )
            tail = saved.tails.get(topic)
            if tail is not None and start <= tail.offset < end:
                self.breaks.expect(
                    await self._stands(input, tail), f"{name} has folded another record at {topic}[{input.partition}]:{tail.offset}"
                )

    async def _stands(self, input: TopicPartition, tail: Tail) -> bool:
        if (input, tail) not in self._tails:
            record = await self._kafka.read(input, tail.offset)
            self._tails[input, tail] = record is not None and tail_of(record) == tail
        return self._tails[input, tail]


@contextlib.asynccontextmanager
async def _snapshots_of(dsn: str, service: str) -> "AsyncIterator[PostgresSnapshots | None]":
    """The snapshots of a service, to be read; None where it has made no table yet. It is libs' own table, the same for every service."""
    settings = {**READ_ONLY, "search_path": f"penstock_{service}"}
    async with asyncpg.create_pool(dsn, min_size=1, max_size=1, server_settings=settings) as pool:
        there = await pool.fetchval("select to_regclass('fold_snapshots')")
        yield PostgresSnapshots(pool) if there else None
