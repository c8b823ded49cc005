"""Dead letters that were sent again: each counts once, however often somebody sends it."""

from collections.abc import Iterable
from typing import Any

from penstock.deadletters.letters import REPLAY_OF, Place
from penstock.fold.protocol import Poison, Record, Segment
from penstock.kafka.topics import RETENTION_MS
from penstock_ingestion.duplicates import NO_PAYLOAD, RecentIds

REMEMBERED_MS = 2 * RETENTION_MS["dlq"]  # Kafka deletes whole segments, so a letter stays for longer than its retention


def first_place(record: Record) -> Place | None:
    """The place at which a record that was sent again stood first; None for any other record.

    Raises: Poison("bad_header") unless it is one before the record in its own partition: only there it is known what was taken.
    """
    if not record.headers:
        return None
    named = [value for name, value in record.headers if name == REPLAY_OF]
    if not named:
        return None
    place = Place.read((named[-1] or b"").decode(errors="replace"))
    if place is None or place[:2] != (record.topic, record.partition) or place.offset >= record.offset:
        raise Poison("bad_header", f"{REPLAY_OF} names no earlier record of its own partition")
    return place


class Replays:
    """The first places, within one input partition, of the records that were refused, sent again, and taken.

    Remembered for REMEMBERED_MS of append time (the broker's): no letter lives so long, so none can be sent again after that.

    >>> replays = Replays(); replays.remember(17, append_time_ms=5); replays.knows(17), replays.knows(18)
    (True, False)
    """

    __slots__ = ("_taken",)

    def __init__(self) -> None:
        self._taken = RecentIds(REMEMBERED_MS, "replays")

    def knows(self, offset: int) -> bool:
        """Whether the record that stood there first was taken."""
        return self._taken.first(str(offset), NO_PAYLOAD) is not None

    def remember(self, offset: int, append_time_ms: int) -> None:
        """Keep a place that is not known, and forget those of long ago."""
        self._taken.remember(str(offset), NO_PAYLOAD, offset, append_time_ms)
        self._taken.forget(append_time_ms)

    def capture(self) -> tuple[list[Any], tuple[Segment, ...]]:
        """The state as a manifest and its segments."""
        return self._taken.capture()

    def restore(self, manifest: list[Any], segments: Iterable[Segment]) -> None:
        """Take back what `capture` gave."""
        self._taken.restore(manifest, segments)
