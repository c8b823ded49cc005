"""The ids of recent events of one input partition, so that an event sent twice goes on once."""

import struct
from collections import deque
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any

import msgspec

from penstock.fold.protocol import Poison, Segment
from penstock.fold.segments import SegmentedMap

_ENTRY = struct.Struct("<q16s")  # the clock at arrival (ms), the digest
_encode = msgspec.msgpack.Encoder(order="deterministic").encode


def payload_digest(fields: Mapping[str, Any]) -> bytes:
    """16 bytes that stand for validated fields, whatever framing they came in; a null is as good as absent."""
    present = {name: value for name, value in fields.items() if value is not None}
    return blake2b(_encode(present), digest_size=16).digest()


class RecentIds:
    """Event ids with a digest of their payload, each kept until event time has moved on by `window_ms` since it arrived.

    Counted from the partition's clock at arrival, not from the event's own time: a late event is remembered as long as any other.

    >>> recent = RecentIds(window_ms=1_000)
    >>> recent.remember("a", b"0" * 16, clock_ms=5_000)
    >>> recent.knows("a", b"0" * 16), recent.knows("b", b"0" * 16)
    (True, False)
    >>> recent.forget(clock_ms=6_001); recent.knows("a", b"0" * 16)
    False
    """

    __slots__ = ("_digests", "_order", "_window_ms")

    def __init__(self, window_ms: int) -> None:
        self._window_ms = window_ms
        self._digests = SegmentedMap("recent_ids")
        self._order: deque[tuple[int, str]] = deque()  # by clock at arrival, which never goes back

    def __len__(self) -> int:
        return len(self._digests)

    def knows(self, event_id: str, digest: bytes) -> bool:
        """True if this very event is remembered. Raises: Poison("duplicate_conflict") if its id stands for another payload."""
        entry = self._digests.get(event_id)
        if entry is None:
            return False
        if _ENTRY.unpack(entry)[1] != digest:
            raise Poison("duplicate_conflict", "another event with the same id and another payload came before")
        return True

    def remember(self, event_id: str, digest: bytes, clock_ms: int) -> None:
        """Keep an id that is not known; `clock_ms` is the highest event time of the partition."""
        self._digests.put(event_id, _ENTRY.pack(clock_ms, digest))
        self._order.append((clock_ms, event_id))

    def forget(self, clock_ms: int) -> None:
        """Drop every id whose window has passed at `clock_ms`."""
        while self._order and self._order[0][0] < clock_ms - self._window_ms:
            self._digests.pop(self._order.popleft()[1])

    def capture(self) -> tuple[list[Any], tuple[Segment, ...]]:
        """The state as a manifest and its segments."""
        return self._digests.capture()

    def restore(self, manifest: list[Any], segments: Iterable[Segment]) -> None:
        """Take back what `capture` gave."""
        self._digests.restore(manifest, segments)
        self._order = deque(sorted((self._arrival_ms(event_id), event_id) for event_id in self._digests))

    def _arrival_ms(self, event_id: str) -> int:
        entry = self._digests.get(event_id)
        assert entry is not None
        arrival_ms: int = _ENTRY.unpack(entry)[0]
        return arrival_ms
