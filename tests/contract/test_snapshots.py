"""One suite for PostgresSnapshots and its twin."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

from penstock.fold.ladder import Keep, Rung
from penstock.fold.protocol import Segment, Snapshot
from penstock.fold.snapshots import BadSnapshot, MemorySnapshots, PostgresSnapshots, Saved, SnapshotId, SnapshotStore, Tail
from tests.conftest import Corner

Stores = Callable[..., Awaitable[SnapshotStore]]


@pytest.fixture(params=["memory", "postgres"])
def stores(request: pytest.FixtureRequest, corner: Corner) -> Stores:
    async def make(keep: Keep | None = None, clock: Callable[[], float] = time.time) -> SnapshotStore:
        if request.param == "memory":
            return MemorySnapshots(keep, clock)
        snapshots = PostgresSnapshots(corner.pool, keep, clock=clock)
        await snapshots.create()
        await snapshots.create()  # harmless
        return snapshots

    return make


@pytest.fixture
async def store(stores: Stores) -> SnapshotStore:
    return await stores()


def saved(sequence: int, *segments: str, fold: str = "f", state: bytes = b"state", partition: int = 0, epoch: int = 0) -> Saved:
    pieces = tuple(Segment(id, id.encode() * 100) for id in segments)
    id = SnapshotId(fold, partition, 1, epoch, sequence)
    return Saved(id, Snapshot(state, pieces), {"a": sequence, "b": 0}, {"a": Tail(sequence - 1, "ab")}, {"folded": sequence})


async def test_every_fold_that_has_a_snapshot_is_listed(store: SnapshotStore) -> None:
    assert isinstance(store, MemorySnapshots | PostgresSnapshots)
    for fold, partition in (("g", 1), ("f", 0), ("f", 0)):
        await store.store(saved(7, fold=fold, partition=partition))
    assert list(await store.folds()) == [("f", 0, 1), ("g", 1, 1)]


async def test_what_was_stored_comes_back(store: SnapshotStore) -> None:
    await store.store(saved(7, "s1", "s2"))
    (id,) = await store.newest("f", 0, 1)
    assert await store.load(id) == saved(7, "s1", "s2")


async def test_the_newest_is_the_one_that_has_folded_most_whoever_stored_last(store: SnapshotStore) -> None:
    for sequence in (5, 9, 7):
        await store.store(saved(sequence))
    assert [id.sequence for id in await store.newest("f", 0, 1)] == [9, 7, 5]


async def test_the_last_three_are_kept_and_a_late_zombie_pushes_nothing_out(store: SnapshotStore) -> None:
    for sequence in (1, 2, 3, 4, 5):
        await store.store(saved(sequence, f"s{sequence}"))
    await store.store(saved(1, "s1"))
    assert [id.sequence for id in await store.newest("f", 0, 1)] == [5, 4, 3]
    for id in await store.newest("f", 0, 1):
        assert (await store.load(id)).snapshot.segments == saved(id.sequence, f"s{id.sequence}").snapshot.segments


async def test_a_later_epoch_is_newer_whatever_it_has_folded(store: SnapshotStore) -> None:
    for epoch, sequence in ((0, 9), (1, 5), (0, 11)):
        await store.store(saved(sequence, epoch=epoch))
    assert [(id.epoch, id.sequence) for id in await store.newest("f", 0, 1)] == [(1, 5), (0, 11), (0, 9)]


async def test_beside_the_last_ones_a_ladder_is_kept_and_what_is_kept_once_stays_until_it_is_too_old(stores: Stores) -> None:
    now_s = [0.0]
    store = await stores(Keep(last=2, rungs=(Rung(60, 3), Rung(3600, 2))), lambda: now_s[0])
    for minute in range(150):
        now_s[0] = 1_700_000_000 - 1_700_000_000 % 3600 + minute * 60 + 7.0
        for second in (0, 20):
            now_s[0] += second
            await store.store(saved(2 * minute + bool(second), f"s{minute}.{second}"))
    kept = [id.sequence for id in await store.newest("f", 0, 1)]
    assert kept == [299, 298, 296, 294, 240, 120], "the last two, the first of each of three minutes, the first of each of two hours"
    for id in await store.newest("f", 0, 1):
        assert (await store.load(id)).snapshot.segments, "with all that it refers to"


async def test_the_steps_of_an_epoch_that_a_rewind_has_ended_are_kept_too(stores: Stores) -> None:
    now_s = [0.0]
    store = await stores(Keep(last=1, rungs=(Rung(60, 5),)), lambda: now_s[0])
    for number, (epoch, sequence) in enumerate([(0, 10), (0, 20), (0, 30), (1, 31), (1, 32)]):
        now_s[0] = 60.0 * number
        await store.store(saved(sequence, epoch=epoch))
    assert [(id.epoch, id.sequence) for id in await store.newest("f", 0, 1)] == [(1, 32), (1, 31), (0, 30), (0, 20), (0, 10)]


async def test_to_store_the_same_again_is_harmless(store: SnapshotStore) -> None:
    await store.store(saved(3, "s1"))
    await store.store(saved(3, "s1"))
    assert await store.load(SnapshotId("f", 0, 1, 0, 3)) == saved(3, "s1")


async def test_folds_partitions_and_generations_are_kept_apart(store: SnapshotStore) -> None:
    await store.store(saved(1, "s1"))
    await store.store(saved(1, "s1", fold="g", state=b"other"))
    await store.store(saved(1, "s1", partition=1))
    assert [len(await store.newest(*key)) for key in (("f", 0, 1), ("g", 0, 1), ("f", 1, 1), ("f", 0, 2))] == [1, 1, 1, 0]
    assert (await store.load(SnapshotId("g", 0, 1, 0, 1))).snapshot.state == b"other"


async def test_what_is_no_longer_there_is_bad(store: SnapshotStore) -> None:
    with pytest.raises(BadSnapshot, match="no longer there"):
        await store.load(SnapshotId("f", 0, 1, 0, 1))


async def test_an_old_segment_is_stored_once_and_deleted_with_its_last_snapshot(corner: Corner) -> None:
    store = PostgresSnapshots(corner.pool)
    await store.create()
    for sequence in range(1, 5):
        await store.store(saved(sequence, "old", f"s{sequence}"))
    ids = [row["id"] for row in await corner.pool.fetch("select id from fold_segments order by id")]
    assert ids == ["old", "s2", "s3", "s4"]


@pytest.mark.parametrize(
    "damage",
    [
        "update fold_snapshots set state = 'x'",
        """update fold_snapshots set next_offsets = '{"a": 1, "b": 0}'""",
        """update fold_snapshots set counts = '{"folded": 8}'""",
        "update fold_segments set data = 'x'",
        "delete from fold_segments",
    ],
)
async def test_any_change_of_what_was_stored_is_found(corner: Corner, damage: str) -> None:
    store = PostgresSnapshots(corner.pool)
    await store.create()
    await store.store(saved(7, "s1"))
    await corner.pool.execute(damage)
    with pytest.raises(BadSnapshot):
        await store.load(SnapshotId("f", 0, 1, 0, 7))


async def test_a_zombie_and_the_owner_may_store_at_once(corner: Corner) -> None:
    owner, zombie = PostgresSnapshots(corner.pool), PostgresSnapshots(corner.pool)
    await owner.create()
    rows = [
        store.store(saved(sequence, "s1", f"{name}{sequence}")) for sequence in range(1, 9) for name, store in (("o", owner), ("z", zombie))
    ]
    await asyncio.gather(*rows)
    for id in await owner.newest("f", 0, 1):
        assert (await owner.load(id)).id == id
