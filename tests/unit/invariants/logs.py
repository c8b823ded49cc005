"""Records as checkers see them, written by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

from penstock.fold.origin import Origins
from penstock.fold.poison import PREFIX
from penstock.fold.protocol import Header, LogRecord
from penstock.invariants.finding import Finding
from penstock.invariants.seen import Checker, Seen, Standing, Stood
from penstock.records import Origin

FAR = 1 << 40


def origin(topic: str, offset: int, partition: int = 0, generation: int = 1, index: int = 0) -> Origin:
    return {"topic": topic, "generation": generation, "partition": partition, "offset": offset, "index": index}


def stood(unit: str, topic: str, below: int = FAR, partition: int = 0, **counts: int) -> Standing:
    """Where one fold stood: by default past everything."""
    return Standing({(unit, partition): Stood({topic: below}, {name.replace("__", "."): count for name, count in counts.items()})})


def letter(topic: str, offset: int, partition: int = 0) -> Sequence[Header]:
    return [(f"{PREFIX}{name}", str(value).encode()) for name, value in (("topic", topic), ("partition", partition), ("offset", offset))]


class Feed:
    """Appends records to topics, and gives them to a checker as a reader of each topic would see them."""

    def __init__(self, checker: Checker) -> None:
        self.checker = checker
        self._origins = Origins()
        self._next: dict[tuple[str, int], int] = {}

    def add(
        self,
        topic: str,
        name: str = "",
        value: Mapping[str, Any] | None = None,
        origin: Origin | None = None,
        *,
        partition: int = 0,
        offset: int | None = None,
        data: bytes | None = b"",
        headers: Sequence[Header] = (),
        timestamp: int = 0,
    ) -> int:
        """Append; the offset."""
        at = self._next.get((topic, partition), 0) if offset is None else offset
        self._next[topic, partition] = at + 1
        record = LogRecord(topic, partition, at, timestamp, b"k", data, headers)
        fresh = origin is None or self._origins.accept(topic, partition, origin)
        self.checker.handlers[topic](Seen(record, name, value or {}, origin, fresh))
        return at

    def finding(self) -> Finding:
        return self.checker.finding()
