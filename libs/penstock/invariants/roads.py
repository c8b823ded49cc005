"""`no_gap`: every record that asks for an output has it, and the outputs came in the order of what asked for them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from penstock.fold.poison import PREFIX
from penstock.fold.protocol import Record
from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.marks import Marks
from penstock.invariants.seen import Handler, Seen, Standing

ASKED, CAME, EXCUSED = 1, 2, 4


@dataclass(frozen=True, slots=True)
class Road:
    """One way through a fold: from an input topic to an output topic, one output for each record that asks.

    `asks` says whether a record does; None when that is not known, then only the order of what came is checked. `letters`: where the
    fold puts what it refuses. `from_start`: the fold has read the input from its beginning; otherwise the road begins at the first
    output. An output that may have aged out by now is not asked for: `kept_since_ms` is the oldest append time that is still kept.
    """

    unit: str
    source: str
    target: str
    asks: Callable[[Seen], bool] | None
    answers: frozenset[str]
    letters: str
    generation: int = 1
    from_start: bool = True
    kept_since_ms: int = 0


class NoGap:
    """`no_gap` over one road: origins strictly increase, and none is skipped."""

    def __init__(self, road: Road, standing: Standing) -> None:
        self._road = road
        self._standing = standing
        self._marks = Marks()
        self._read_from: dict[int, int] = {}
        self._came_from: dict[int, int] = {}
        self._highest: dict[tuple[int, int], int] = {}
        self._breaks = Breaks("no_gap")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._road.source: self._source, self._road.target: self._target, self._road.letters: self._letter}

    def _source(self, seen: Seen) -> None:
        record = seen.record
        self._read_from.setdefault(record.partition, record.offset)
        if seen.fresh and self._road.asks is not None and self._road.asks(seen):
            self._marks.add(record.partition, record.offset, ASKED if record.timestamp >= self._road.kept_since_ms else ASKED | EXCUSED)

    def _target(self, seen: Seen) -> None:
        origin, road = seen.origin, self._road
        if seen.name not in road.answers or origin is None or (origin["topic"], origin["generation"]) != (road.source, road.generation):
            return
        partition, offset = origin["partition"], origin["offset"]
        way = (seen.record.partition, partition)
        if offset > self._highest.get(way, -1):
            self._highest[way] = offset
            self._came_from.setdefault(partition, offset)
            self._marks.add(partition, offset, CAME)
        elif not self._marks.get(partition, offset) & CAME:
            self._breaks.add(
                f"{seen.where} comes from {road.source}[{partition}]:{offset}, but what came from a later record stands before it"
            )

    def _letter(self, seen: Seen) -> None:
        place = letter_of(seen.record)
        if place is not None and place[0] == self._road.source:
            self._marks.add(place[1], place[2], EXCUSED)

    def finding(self) -> Finding:
        """Compare what asked with what came, below where the fold stood."""
        road = self._road
        for partition, read_from in sorted(self._read_from.items()):
            start = read_from if road.from_start else max(read_from, self._came_from.get(partition, 1 << 62))
            end = self._standing.next_offset(road.unit, road.source, partition)
            counted = self._marks.count(partition, start, end)
            self._breaks.checked += counted[ASKED] + counted[ASKED | CAME]
            for offset in self._marks.find(partition, ASKED, start, end):
                self._breaks.add(f"{road.target} has nothing from {road.source}[{partition}]:{offset}, which {road.unit} has folded")
            if road.asks is not None:
                for offset in self._marks.find(partition, CAME, start, end):
                    self._breaks.add(f"{road.target} has a record from {road.source}[{partition}]:{offset}, which asked for none")
        return self._breaks.finding()


def letter_of(record: Record) -> tuple[str, int, int] | None:
    """Topic, partition and offset that a dead letter names; None when it is no letter of a fold."""
    headers = {name.removeprefix(PREFIX): value for name, value in record.headers if name.startswith(PREFIX)}
    try:
        return (headers["topic"] or b"").decode(), int(headers["partition"] or b""), int(headers["offset"] or b"")
    except (KeyError, ValueError):
        return None
