"""`counts_add_up` at the door: each event that was sent is validated, a duplicate, or a dead letter, as ingestion counts them."""

from collections.abc import Mapping

from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.marks import Marks
from penstock.invariants.roads import letter_of
from penstock.invariants.seen import TICK, Handler, Seen, Standing, Stood
from penstock.parking import parking_of

READ, VALIDATED, TICKED, REJECTED, COMMAND = 1, 2, 4, 8, 16
ENDS = {VALIDATED: "validated", TICKED: "ticks", REJECTED: "rejected", COMMAND: "commands", 0: "duplicates"}


class Ingested:
    """What became of each record of events.<stream>. A duplicate leaves nothing, so it is what left no trace."""

    def __init__(self, unit: str, events: str, validated: str, letters: str, standing: Standing, generation: int = 1) -> None:
        self._unit = unit
        self._events, self._validated, self._letters = events, validated, letters
        self._standing = standing
        self._generation = generation
        self._marks = Marks()
        self._read_from: dict[int, int] = {}
        self._began_ms: dict[int, int] = {}
        self._letters_from: dict[int, int] = {}
        self._breaks = Breaks("counts_add_up")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._events: self._event, self._letters: self._letter, self._validated: self._output}

    def _event(self, seen: Seen) -> None:
        record = seen.record
        self._read_from.setdefault(record.partition, record.offset)
        self._began_ms.setdefault(record.partition, record.timestamp)
        self._marks.add(record.partition, record.offset, READ if parking_of(record) is None else READ | COMMAND)

    def _letter(self, seen: Seen) -> None:
        self._letters_from.setdefault(seen.record.partition, seen.record.offset)
        place = letter_of(seen.record)
        if place is not None and place[0] == self._events:
            _, partition, offset = place
            if seen.record.timestamp >= self._began_ms.get(partition, 0):  # an older one is of a topic that was there before this one
                self._marks.add(partition, offset, REJECTED)

    def _output(self, seen: Seen) -> None:
        origin = seen.origin
        if origin is not None and (origin["topic"], origin["generation"]) == (self._events, self._generation):
            self._marks.add(origin["partition"], origin["offset"], TICKED if seen.name == TICK else VALIDATED)

    def finding(self) -> Finding:
        """Compare what is in the log with what each fold has counted."""
        for partition, stood in self._standing.of(self._unit).items():
            self._compare(partition, stood)
        return self._breaks.finding()

    def _compare(self, partition: int, stood: Stood) -> None:
        end, start = stood.next_offsets.get(self._events, 0), self._read_from.get(partition, 0)
        counted = self._marks.count(partition, start, end)
        self._breaks.checked += counted.total()
        for flags in counted.keys() - {READ | end_flag for end_flag in ENDS}:
            offset = next(self._marks.find(partition, flags, start, end))
            what = "has outputs, but is not there" if not flags & READ else "has more than one end"
            self._breaks.add(f"{self._events}[{partition}]:{offset} {what}")
        if stood.counts is not None:
            found = {name: counted[READ | flag] for flag, name in ENDS.items()}
            self._compare_counts(partition, self._with_purged(found, stood.counts), stood.counts, start, end)

    def _with_purged(self, found: Mapping[str, int], counts: Mapping[str, int]) -> Mapping[str, int]:
        """Where letters were deleted, what left no trace is a duplicate or was rejected: only both together can be told."""
        if not any(self._letters_from.values()):
            return found
        purged = max(0, counts.get("rejected", 0) - found["rejected"])
        return {**found, "rejected": found["rejected"] + purged, "duplicates": found["duplicates"] - purged}

    def _compare_counts(self, partition: int, found: Mapping[str, int], counts: Mapping[str, int], start: int, end: int) -> None:
        """Of a log that no longer begins at 0 the counts say more than it shows, never less."""
        place = f"{self._events}[{partition}]"
        for name, number in found.items():
            known = counts.get(name, 0)
            if number != known if start == 0 else number > known:
                lost = next(self._marks.find(partition, READ, start, end), None) if name == "duplicates" and number > known else None
                more = f"; the first that left no trace is {place}:{lost}" if lost is not None else ""
                self._breaks.add(f"{place}: {number:,} {name} below offset {end}, {self._unit} has counted {known:,}{more}")
