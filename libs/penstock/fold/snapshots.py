"""Law III, store: snapshots of folds, each provable by its digest, with bulk segments that are stored once."""

import asyncio
import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import NamedTuple, Protocol

import asyncpg

from penstock.crashpoint import CrashPoints
from penstock.errors import PenstockError
from penstock.fold.ladder import Keep, Step, dropped
from penstock.fold.protocol import Record, Segment, Snapshot
from penstock.fold.weather import Weather
from penstock.postgres import WEATHER, queries


class Tail(NamedTuple):
    """The last record of an input that was folded: where it stood, and the SHA-256 of its key and value."""

    offset: int
    digest: str


class SnapshotId(NamedTuple):
    """The name of a snapshot; among those of one (fold, partition, generation) a greater one is newer.

    `sequence` is the number of records folded (the sum of the next offsets), so that a zombie's snapshots sort among the owner's.
    """

    fold: str
    partition: int
    generation: int
    epoch: int
    sequence: int


@dataclass(frozen=True, slots=True)
class Saved:
    """A snapshot with where it stands in its inputs: `next_offsets` and `tails` by topic.

    `counts` are the fold's own, beside its private state: so that an auditor can compare them with the logs.
    """

    id: SnapshotId
    snapshot: Snapshot
    next_offsets: Mapping[str, int]
    tails: Mapping[str, Tail]
    counts: Mapping[str, int] = field(default_factory=dict)


class BadSnapshot(PenstockError):
    """A snapshot that is not what was stored; the one before it is taken."""

    def __init__(self, id: SnapshotId, why: str) -> None:
        self.why = why
        super().__init__(f"snapshot {id.epoch}.{id.sequence} of {id.fold}[{id.partition}] is bad ({why}); the one before it is used")


class StoreUnavailable(Weather):
    """The database does not answer."""


class SnapshotStore(Protocol):
    """Keeps the last snapshots of every fold. Raises: StoreUnavailable."""

    async def store(self, saved: Saved) -> None:
        """Keep this one, and of its fold only what `Keep` says. To store the same again is harmless."""

    async def newest(self, fold: str, partition: int, generation: int) -> Sequence[SnapshotId]:
        """What is there, newest first."""

    async def load(self, id: SnapshotId) -> Saved:
        """Raises: BadSnapshot if its digest does not hold, or part of it is not there."""


def tail_of(record: Record) -> Tail:
    """The proof that this very record was folded."""
    key = record.key if record.key is not None else b"\0null"
    return Tail(record.offset, sha256(len(key).to_bytes(4, "big") + key + (record.value or b"")).hexdigest())


def digest_of(saved: Saved, segment_digests: Iterable[tuple[str, str]]) -> bytes:
    """SHA-256 over the name, the state, the positions, the digests of the segments, and the counts if there are any."""
    about = [saved.id, dict(saved.next_offsets), {topic: list(tail) for topic, tail in saved.tails.items()}, list(segment_digests)]
    about += [dict(saved.counts)] if saved.counts else []
    return sha256(json.dumps(about, sort_keys=True).encode() + b"\0" + saved.snapshot.state).digest()


class PostgresSnapshots:
    """Snapshots in the service's own PostgreSQL schema: `pool` connects with that schema on its search path."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        keep: Keep | None = None,
        crash_points: CrashPoints | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._pool = pool
        self._crash_points = crash_points or CrashPoints()
        self._keep = keep or Keep()
        self._clock = clock
        self._sql = queries("penstock.fold", "snapshots.sql")
        self._digests: dict[tuple[str, int], dict[str, str]] = {}  # of the segments that the last snapshot named

    async def create(self) -> None:
        """Make the two tables unless they are there."""
        with _translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("select pg_advisory_xact_lock(hashtextextended('fold_snapshots', 0))")
                await connection.execute(self._sql["create_snapshots"])
                await connection.execute(self._sql["add_counts"])
                await connection.execute(self._sql["create_segments"])

    async def store(self, saved: Saved) -> None:
        """See SnapshotStore: one transaction; only segments that are not in the table yet travel."""
        digests = await self._segment_digests(saved)
        with _translated():
            async with self._pool.acquire() as connection, connection.transaction():
                await self._store(connection, saved, digests)
                self._crash_points.reach("snapshot.written")
        self._digests[saved.id.fold, saved.id.partition] = digests

    async def folds(self) -> Sequence[tuple[str, int, int]]:
        """Every (fold, partition, generation) that has a snapshot here."""
        with _translated():
            return [tuple(row) for row in await self._pool.fetch(self._sql["folds"])]

    async def newest(self, fold: str, partition: int, generation: int) -> Sequence[SnapshotId]:
        """See SnapshotStore."""
        with _translated():
            rows = await self._pool.fetch(self._sql["newest"], fold, partition, generation)
        return [SnapshotId(fold, partition, generation, row["epoch"], row["sequence"]) for row in rows]

    async def load(self, id: SnapshotId) -> Saved:
        """See SnapshotStore."""
        with _translated():
            row = await self._pool.fetchrow(self._sql["load_snapshot"], *id)
            if row is None:
                raise BadSnapshot(id, "it is no longer there")
            wanted: list[tuple[str, str]] = [(name, digest) for name, digest in json.loads(row["segments"])]
            found = await self._pool.fetch(self._sql["load_segments"], *id[:3], [name for name, _ in wanted])
        data = {each["id"]: each["data"] for each in found}
        segments = tuple(Segment(name, data[name]) for name, _ in wanted if name in data)
        tails = {topic: Tail(offset, digest) for topic, (offset, digest) in json.loads(row["tails"]).items()}
        saved = Saved(id, Snapshot(row["state"], segments), json.loads(row["next_offsets"]), tails, json.loads(row["counts"]))
        await asyncio.to_thread(check, saved, wanted, row["digest"])
        return saved

    async def _store(self, connection: "asyncpg.pool.PoolConnectionProxy[asyncpg.Record]", saved: Saved, digests: dict[str, str]) -> None:
        key = saved.id[:3]
        await connection.execute(self._sql["lock"], key[0], key[1], key[2])  # a zombie may be storing too
        present = {row["id"] for row in await connection.fetch(self._sql["present"], *key, list(digests))}
        absent = [(*key, each.id, each.data) for each in saved.snapshot.segments if each.id not in present]
        if absent:
            await connection.executemany(self._sql["insert_segment"], absent)
        await connection.execute(
            self._sql["insert_snapshot"],
            *saved.id,
            saved.snapshot.state,
            digest_of(saved, digests.items()),
            json.dumps(dict(saved.next_offsets)),
            json.dumps({topic: list(tail) for topic, tail in saved.tails.items()}),
            json.dumps(list(digests.items())),
            json.dumps(dict(saved.counts)),
            self._clock(),
        )
        steps = [Step(*row) for row in await connection.fetch(self._sql["steps"], *key)]
        gone = [(*key, each.epoch, each.sequence) for each in dropped(self._keep, steps)]
        await connection.executemany(self._sql["delete_snapshot"], gone)
        await connection.execute(self._sql["delete_orphan_segments"], *key)

    async def _segment_digests(self, saved: Saved) -> dict[str, str]:
        known = self._digests.get((saved.id.fold, saved.id.partition), {})
        new = [segment for segment in saved.snapshot.segments if segment.id not in known]
        fresh = await asyncio.to_thread(lambda: {segment.id: sha256(segment.data).hexdigest() for segment in new})
        return {segment.id: known.get(segment.id) or fresh[segment.id] for segment in saved.snapshot.segments}


def check(saved: Saved, segment_digests: Sequence[tuple[str, str]], digest: bytes) -> None:
    """Raises: BadSnapshot unless every byte is what was stored."""
    found = {segment.id: segment.data for segment in saved.snapshot.segments}
    for name, segment_digest in segment_digests:
        if name not in found:
            raise BadSnapshot(saved.id, f"segment {name} is not there")
        if sha256(found[name]).hexdigest() != segment_digest:
            raise BadSnapshot(saved.id, f"segment {name} has another digest")
    if digest_of(saved, segment_digests) != digest:
        raise BadSnapshot(saved.id, "it has another digest")


@contextmanager
def _translated() -> Iterator[None]:
    """Turns what the driver raises into weather."""
    try:
        yield
    except (asyncpg.PostgresError, *WEATHER) as error:
        raise StoreUnavailable(f"the snapshots cannot be reached: {type(error).__name__}: {error}") from error


class MemorySnapshots:
    """The twin of PostgresSnapshots.

    `lost_replies` of the next stores succeed and then raise; `rot` changes the bytes of a snapshot, `lose` takes it away; while
    `unavailable` nothing works.
    """

    def __init__(self, keep: Keep | None = None, clock: Callable[[], float] = time.time) -> None:
        self._keep = keep or Keep()
        self._clock = clock
        self._stored_s: dict[SnapshotId, float] = {}
        self._rows: dict[SnapshotId, tuple[Saved, list[tuple[str, str]], bytes]] = {}
        self.lost_replies = 0
        self.unavailable = False

    async def store(self, saved: Saved) -> None:
        """See SnapshotStore."""
        self._reachable()
        digests = [(segment.id, sha256(segment.data).hexdigest()) for segment in saved.snapshot.segments]
        self._rows[saved.id] = (saved, digests, digest_of(saved, digests))
        self._stored_s.setdefault(saved.id, self._clock())
        steps = [Step(id.epoch, id.sequence, self._stored_s[id]) for id in await self.newest(*saved.id[:3])]
        for old in dropped(self._keep, steps):
            self.lose(SnapshotId(*saved.id[:3], old.epoch, old.sequence))
        if self.lost_replies:
            self.lost_replies -= 1
            raise StoreUnavailable("the reply to the commit was lost")

    async def folds(self) -> Sequence[tuple[str, int, int]]:
        """Every (fold, partition, generation) that has a snapshot here."""
        self._reachable()
        return sorted({id[:3] for id in self._rows})

    async def newest(self, fold: str, partition: int, generation: int) -> Sequence[SnapshotId]:
        """See SnapshotStore."""
        self._reachable()
        return sorted((id for id in self._rows if id[:3] == (fold, partition, generation)), reverse=True)

    async def load(self, id: SnapshotId) -> Saved:
        """See SnapshotStore."""
        self._reachable()
        if id not in self._rows:
            raise BadSnapshot(id, "it is no longer there")
        saved, digests, digest = self._rows[id]
        check(saved, digests, digest)
        return saved

    def rot(self, id: SnapshotId) -> None:
        """Change one byte of what is stored, as a bad disk would."""
        saved, digests, digest = self._rows[id]
        state = bytes([saved.snapshot.state[0] ^ 1]) + saved.snapshot.state[1:] if saved.snapshot.state else b"rot"
        self._rows[id] = (replace(saved, snapshot=Snapshot(state, saved.snapshot.segments)), digests, digest)

    def lose(self, id: SnapshotId) -> None:
        """Go back to before it was stored, as a database does that was restored from a backup."""
        self._rows.pop(id, None)
        self._stored_s.pop(id, None)

    def ids(self) -> Sequence[SnapshotId]:
        """The names of all that is stored, in their order."""
        return sorted(self._rows)

    def _reachable(self) -> None:
        if self.unavailable:
            raise StoreUnavailable("the snapshots are away")
