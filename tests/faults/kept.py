"""`acknowledged_is_kept`, by place and by content: what was acknowledged stands where the receipt says, and a dead letter is its record."""

import json
from collections import Counter

from penstock.deadletters.codes import AT_THE_DOOR
from penstock.fold.protocol import Record
from penstock.spec.avro import ORIGIN
from tests.faults.books import EXAMPLES, LETTERS, VALIDATED, Verdict, source_of
from tests.faults.load import PAYMENTS, VERDICTS, Place, Sent
from tests.faults.topics import Read

EVENTS = tuple(f"events.{stream}" for stream in (PAYMENTS, VERDICTS))


class Kept:
    """Takes the records of the producers' topics first, then the others; no I/O. Times are appended ones, ms since the epoch."""

    def __init__(self) -> None:
        self.appended_ms: dict[Place, int] = {}
        self.validated_ms: dict[Place, int] = {}
        """When the event of a record was validated, the first time, by the place of the record."""
        self.codes: dict[Place, str] = {}
        self.unacknowledged = 0
        """Records that nobody was told of: whoever had sent them saw a connection break, and sent them again."""
        self._promised: dict[Place, bytes] = {}
        self._bytes: dict[Place, int] = {}

    def expect(self, sent: Sent) -> None:
        """What was acknowledged since the last time must stand where it was said to."""
        self._promised |= sent.receipts
        sent.receipts.clear()

    def take_event(self, record: Record) -> str:
        """Take a record that a producer has sent; returns what is wrong with it, if anything is."""
        place = Place(record.topic, record.partition, record.offset)
        self.appended_ms[place] = record.timestamp
        self._bytes[place] = hash((record.key, record.value))
        promised = self._promised.pop(place, None)
        self.unacknowledged += promised is None
        return "" if promised is None or _is_same(promised, record.value) else f"{place} is acknowledged, and holds something else"

    def take(self, read: Read) -> str:
        """Take a record of the platform's own; returns what is wrong with it, if anything is."""
        topic = read.record.topic
        if topic in LETTERS:
            return self._take_letter(read.record)
        if topic in VALIDATED and read.name not in ("", "Tick"):
            origin = read.value[ORIGIN]
            self.validated_ms.setdefault(Place(origin["topic"], origin["partition"], origin["offset"]), read.record.timestamp)
        return ""

    def _take_letter(self, letter: Record) -> str:
        place = source_of(letter)
        code = (dict(letter.headers)["__dlq.errors.code"] or b"").decode()
        if code not in AT_THE_DOOR or self.codes.setdefault(place, code) != code:
            return f"the letter of {place} has the code {code!r}, which nobody knows or another letter of it has not"
        if self._bytes.get(place) != hash((letter.key, letter.value)):
            return f"the letter of {place} has other bytes than its record"
        return ""

    def close(self, verdict: Verdict) -> None:
        """Tell, once, what is not where it was said to be."""
        gone, self._promised = self._promised, {}
        verdict.lost += len(gone)
        verdict.check(not gone, f"acknowledged: {len(gone)} are not in the log, such as {sorted(gone)[:EXAMPLES]}")
        both = self.codes.keys() & self.validated_ms.keys()
        verdict.check(not both, f"{len(both)} are validated and dead letters too, such as {sorted(both)[:EXAMPLES]}")

    def counts(self) -> Counter[str]:
        """How many records were refused, by code."""
        return Counter(self.codes.values())


def _is_same(sent: bytes, stands: bytes | None) -> bool:
    """Whether the bytes are those that were sent; the gateway writes JSON without the spaces."""
    return sent == stands or (stands is not None and json.loads(sent) == json.loads(stands))
