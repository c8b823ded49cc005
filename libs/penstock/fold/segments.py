"""Bulk state as key → bytes in immutable append-only segments, so that a snapshot costs what changed and not what is there.

The idea of a log-structured store (Rosenblum and Ousterhout, 1992; LSM trees, O'Neil et al., 1996) without its disk: a capture writes the
new entries as a segment and marks of what has died in the older ones; a segment that is mostly dead moves into the next one.
"""

import struct
from array import array
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import accumulate, chain
from typing import Any

from penstock.fold.protocol import Segment

SEGMENT_ENTRIES_MAX = 16_384
SPARSE_BELOW = 0.25  # a segment with fewer live entries than this share is compacted
SMALL_ENTRIES = 1_024
SMALL_SEGMENTS_MAX = 16  # more small segments than this are merged into one
MOVES_MAX = 4_096  # entries that one capture may move: it bounds the time of a capture, and is no less than a sparse segment has
SHARDS = 64

_INDEX_BITS = 20  # a place is segment number << 20 | index: an int costs the garbage collector nothing, a tuple does


class SegmentedMap:
    """A map from str to bytes whose snapshots share what has not changed.

    >>> pending = SegmentedMap("pending")
    >>> pending.put("a", b"1"); pending.put("b", b"2")
    >>> manifest, segments = pending.capture()
    >>> pending.pop("a"), len(pending)
    (b'1', 1)
    >>> again = SegmentedMap("pending")
    >>> again.restore(manifest, segments); sorted(again)
    ['a', 'b']

    `name` keeps several maps of one fold apart. Segment ids are never used twice: they hold a counter, and a hash of the content, because
    a zombie and the owner of a partition may count alike but hold different entries.
    """

    __slots__ = ("_counter", "_name", "_places", "_stored", "_young")

    def __init__(self, name: str) -> None:
        self._name = name
        self._counter = 0
        self._young: dict[str, bytes] = {}  # put since the last capture
        self._places = _Places()  # everything older
        self._stored: dict[int, _Stored] = {}

    def __len__(self) -> int:
        return len(self._young) + len(self._places)

    def __contains__(self, key: object) -> bool:
        return key in self._young or key in self._places

    def __iter__(self) -> Iterator[str]:
        """All keys, sorted: any other order would tell when snapshots were taken, and a fold must not know."""
        return iter(sorted([*self._places, *self._young]))

    def unordered(self) -> Iterator[tuple[str, bytes]]:
        """Every key with its value, in no order that a fold may heed: to make an index anew after a restore."""
        yield from self._young.items()
        for key, place in self._places.items():
            yield key, self._at(place)

    def get(self, key: str) -> bytes | None:
        """The value of `key`, or None."""
        value = self._young.get(key)
        if value is not None:
            return value
        place = self._places.get(key)
        return None if place is None else self._at(place)

    def put(self, key: str, value: bytes) -> None:
        """Set `key` to `value`."""
        place = self._places.pop(key)
        if place is not None:
            self._bury(place)
        self._young[key] = value

    def pop(self, key: str) -> bytes | None:
        """Take `key` out; its value, or None if it was not there."""
        value = self._young.pop(key, None)
        if value is not None:
            return value
        place = self._places.pop(key)
        if place is None:
            return None
        self._bury(place)
        return self._at(place)

    def capture(self) -> tuple[list[Any], tuple[Segment, ...]]:
        """A manifest (plain lists, numbers and strings) and every segment it names.

        The new entries become new segments; a capture costs what was put and buried since the last one, and some compaction.
        """
        self._compact()
        entries = list(self._young.items())
        for start in range(0, len(entries), SEGMENT_ENTRIES_MAX):
            self._write(entries[start : start + SEGMENT_ENTRIES_MAX])
        self._young = {}
        rows = [[stored.segment.id, stored.marks()] for stored in self._stored.values()]
        return [self._counter, rows], tuple(stored.segment for stored in self._stored.values())

    def restore(self, manifest: list[Any], segments: Iterable[Segment]) -> None:
        """Take back what `capture` gave; segments that the manifest does not name are left alone.

        Raises: KeyError if a segment is not there.
        """
        by_id = {segment.id: segment for segment in segments}
        self._counter, rows = manifest
        self._young, self._places, self._stored = {}, _Places(), {}
        for id, marks in rows:
            stored = _Stored(by_id[id])
            number = int(id.split(".")[-2])
            self._stored[number] = stored
            stored.bury_all(marks)
            dead = stored.dead
            base = number << _INDEX_BITS
            for index, key in enumerate(stored.keys()):
                if not dead[index >> 3] >> (index & 7) & 1:
                    self._places.put(key, base | index)

    def _at(self, place: int) -> bytes:
        return self._stored[place >> _INDEX_BITS].value(place & ((1 << _INDEX_BITS) - 1))

    def _bury(self, place: int) -> None:
        self._stored[place >> _INDEX_BITS].bury(place & ((1 << _INDEX_BITS) - 1))

    def _write(self, entries: list[tuple[str, bytes]]) -> None:
        self._counter += 1
        data = _pack(entries)
        id = f"{self._name}.{self._counter}.{blake2b(data, digest_size=8).hexdigest()}"
        self._stored[self._counter] = _Stored(Segment(id, data))
        base = self._counter << _INDEX_BITS
        for index, (key, _) in enumerate(entries):
            self._places.put(key, base | index)

    def _compact(self) -> None:
        """Drop segments without a live entry; move the entries of sparse ones, and of too many small ones, among the new entries."""
        for number in [number for number, stored in self._stored.items() if not stored.live]:
            del self._stored[number]
        sparse = [number for number, stored in self._stored.items() if stored.live < SPARSE_BELOW * stored.count]
        small = [number for number, stored in self._stored.items() if stored.live < SMALL_ENTRIES]
        moves = 0
        for number in dict.fromkeys(sparse + (small if len(small) > SMALL_SEGMENTS_MAX else [])):
            moves += self._stored[number].live
            if moves > MOVES_MAX:
                return
            self._move(number)

    def _move(self, number: int) -> None:
        stored = self._stored.pop(number)
        for index, key in enumerate(stored.keys()):
            if not stored.is_dead(index):
                self._places.pop(key)
                self._young[key] = stored.value(index)


class _Places:
    """Where each key lies, in many small dictionaries: one that holds a million stands still for 60 ms when it grows (measured)."""

    __slots__ = ("_shards",)

    def __init__(self) -> None:
        self._shards: list[dict[str, int]] = [{} for _ in range(SHARDS)]

    def __len__(self) -> int:
        return sum(map(len, self._shards))

    def __contains__(self, key: object) -> bool:
        return key in self._shards[hash(key) % SHARDS]

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._shards)

    def items(self) -> Iterator[tuple[str, int]]:
        return chain.from_iterable(shard.items() for shard in self._shards)

    def get(self, key: str) -> int | None:
        return self._shards[hash(key) % SHARDS].get(key)

    def put(self, key: str, place: int) -> None:
        self._shards[hash(key) % SHARDS][key] = place

    def pop(self, key: str) -> int | None:
        return self._shards[hash(key) % SHARDS].pop(key, None)


class _Stored:
    """A segment that is live: where its values start, and which of its entries have died.

    Layout: u32 count; u32 length of every key; u32 length of every value; the keys (UTF-8); the values. Little-endian.
    """

    __slots__ = ("_starts", "count", "dead", "live", "segment")

    def __init__(self, segment: Segment) -> None:
        data = segment.data
        self.segment = segment
        (self.count,) = struct.unpack_from("<I", data)
        key_bytes = sum(struct.unpack_from(f"<{self.count}I", data, 4))
        lengths = struct.unpack_from(f"<{self.count}I", data, 4 + 4 * self.count)
        self._starts = array("Q", accumulate(lengths, initial=4 + 8 * self.count + key_bytes))
        self.live = self.count
        self.dead = bytearray((self.count + 7) >> 3)

    def keys(self) -> list[str]:
        lengths = struct.unpack_from(f"<{self.count}I", self.segment.data, 4)
        ends = list(accumulate(lengths, initial=4 + 8 * self.count))
        return [self.segment.data[ends[index] : ends[index + 1]].decode() for index in range(self.count)]

    def value(self, index: int) -> bytes:
        return self.segment.data[self._starts[index] : self._starts[index + 1]]

    def is_dead(self, index: int) -> bool:
        return bool(self.dead[index >> 3] >> (index & 7) & 1)

    def bury(self, index: int) -> None:
        assert not self.is_dead(index)
        self.dead[index >> 3] |= 1 << (index & 7)
        self.live -= 1

    def marks(self) -> str:
        """The bitmap of dead entries in base64; empty while all live."""
        return "" if self.live == self.count else b64encode(self.dead).decode()

    def bury_all(self, marks: str) -> None:
        if marks:
            self.dead = bytearray(b64decode(marks))
            self.live = self.count - int.from_bytes(self.dead, "little").bit_count()


def _pack(entries: list[tuple[str, bytes]]) -> bytes:
    keys = [key.encode() for key, _ in entries]
    values = [value for _, value in entries]
    count = len(entries)
    lengths = struct.pack(f"<{1 + 2 * count}I", count, *map(len, keys), *map(len, values))
    return b"".join([lengths, *keys, *values])
