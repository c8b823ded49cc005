"""The ids of recent events of one input partition, so that an event sent twice goes on once."""

import struct
from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from penstock.fold.protocol import Poison, Segment
from penstock.fold.segments import SegmentedMap

NO_PAYLOAD = bytes(16)  # the digest of what is remembered by its id alone
_ENTRY = struct.Struct("<q16sq")  # the clock at arrival (ms), the digest, the offset
_BEFORE = b"\xff" * 8  # entries of older snapshots have no offset: -1, which no record has
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def payload_digest(fields: Mapping[str, Any], defaults: Mapping[str, Any]) -> bytes:
    """16 bytes that stand for validated fields, whatever framing they came in; a null and a default are as good as absent.

    So an event that is sent again, after its stream has gained a field, is the same event.
    """
    present = fields
    if None in fields.values():
        present = {name: value for name, value in fields.items() if value is not None}
    if defaults:
        present = dict(present.items() - defaults.items())
    return blake2b(_encode(present), digest_size=16).digest()


class RecentIds:
    """Event ids with where each came from and a digest of its payload, kept until event time has moved on by `window_ms` since it arrived.

    Counted from the partition's clock at arrival, not from the event's own time: a late event is remembered as long as any other. An id
    takes about 260 bytes of memory (`python -m benchmarks ingestion` measures it), so the window and the rate bound it.

    >>> recent = RecentIds(window_ms=1_000)
    >>> recent.remember("a", b"0" * 16, offset=7, clock_ms=5_000)
    >>> recent.first("a", b"0" * 16), recent.first("b", b"0" * 16)
    (7, None)
    >>> recent.forget(clock_ms=6_001); recent.first("a", b"0" * 16)
    """

    __slots__ = ("_entries", "_order", "_window_ms")

    def __init__(self, window_ms: int, name: str = "recent_ids") -> None:
        self._window_ms = window_ms
        self._entries = SegmentedMap(name)
        self._order: deque[tuple[int, str]] = deque()  # by clock at arrival, which never goes back

    def __len__(self) -> int:
        return len(self._entries)

    def first(self, event_id: str, digest: bytes) -> int | None:
        """The offset at which this very event came first; None for a new id.

        Raises: Poison("duplicate_conflict") if its id stands for another payload.
        """
        entry = self._entries.get(event_id)
        if entry is None:
            return None
        _, known, offset = _unpack(entry)
        if known != digest:
            raise Poison("duplicate_conflict", f"another event with the same id and another payload came before, at offset {offset}")
        return offset

    def remember(self, event_id: str, digest: bytes, offset: int, clock_ms: int) -> None:
        """Keep an id that is not known; `clock_ms` is the highest event time of the partition."""
        self._entries.put(event_id, _ENTRY.pack(clock_ms, digest, offset))
        self._order.append((clock_ms, event_id))

    def forget(self, clock_ms: int) -> None:
        """Drop every id whose window has passed at `clock_ms`."""
        while self._order and self._order[0][0] < clock_ms - self._window_ms:
            self._entries.pop(self._order.popleft()[1])

    def capture(self) -> tuple[list[Any], tuple[Segment, ...]]:
        """The state as a manifest and its segments."""
        return self._entries.capture()

    def restore(self, manifest: list[Any], segments: Iterable[Segment]) -> None:
        """Take back what `capture` gave."""
        self._entries.restore(manifest, segments)
        self._order = deque(sorted((self._arrival_ms(event_id), event_id) for event_id in self._entries))

    def _arrival_ms(self, event_id: str) -> int:
        entry = self._entries.get(event_id)
        assert entry is not None
        return _unpack(entry)[0]


def _unpack(entry: bytes) -> tuple[int, bytes, int]:
    clock_ms, digest, offset = _ENTRY.unpack(entry if len(entry) == _ENTRY.size else entry + _BEFORE)
    return clock_ms, digest, offset
