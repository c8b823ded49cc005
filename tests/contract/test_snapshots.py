"""One suite for PostgresSnapshots and its twin."""

import asyncio

import pytest

from penstock.fold.protocol import Segment, Snapshot
from penstock.fold.snapshots import BadSnapshot, MemorySnapshots, PostgresSnapshots, Saved, SnapshotId, SnapshotStore, Tail
from tests.conftest import Corner


@pytest.fixture(params=["memory", "postgres"])
async def store(request: pytest.FixtureRequest, corner: Corner) -> SnapshotStore:
    if request.param == "memory":
        return MemorySnapshots()
    snapshots = PostgresSnapshots(corner.pool)
    await snapshots.create()
    await snapshots.create()  # harmless
    return snapshots


def saved(sequence: int, *segments: str, fold: str = "f", state: bytes = b"state", partition: int = 0) -> Saved:
    pieces = tuple(Segment(id, id.encode() * 100) for id in segments)
    id = SnapshotId(fold, partition, 1, 0, sequence)
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
