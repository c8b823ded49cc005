"""`counts_add_up` along the way: what views, deployers and monitors have counted is what stands in the logs."""

from collections import Counter
from collections.abc import Mapping

from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.roads import letter_of
from penstock.invariants.seen import Handler, Seen, Standing


class Counted:
    """Outputs of one unit, counted by the partition of their origin, against a count of its folds.

    `outputs`: the topics that hold them, each with the input topic that their origins name; `record`: the name of their records. What was
    refused for its size was counted before it was refused, so letters give that much room.
    """

    def __init__(self, unit: str, count: str, record: str, outputs: Mapping[str, str], letters: str, standing: Standing) -> None:
        self._unit, self._count, self._record = unit, count, record
        self._sources = outputs
        self._letters = letters
        self._standing = standing
        self._found: Counter[int] = Counter()
        self._refused: Counter[int] = Counter()
        self._starts: dict[tuple[str, int], int] = {}

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        sources: dict[str, Handler] = dict.fromkeys(self._sources.values(), self._source)
        return {**sources, **dict.fromkeys(self._sources, self._output), self._letters: self._letter}

    def _source(self, seen: Seen) -> None:
        self._starts.setdefault((seen.record.topic, seen.record.partition), seen.record.offset)

    def _output(self, seen: Seen) -> None:
        record, origin = seen.record, seen.origin
        self._starts.setdefault((record.topic, record.partition), record.offset)
        if not seen.fresh or origin is None or seen.name != self._record or origin["topic"] != self._sources[record.topic]:
            return
        start = self._starts.get((origin["topic"], origin["partition"]), 0)
        if start <= origin["offset"] < self._standing.next_offset(self._unit, origin["topic"], origin["partition"]):
            self._found[origin["partition"]] += 1

    def _letter(self, seen: Seen) -> None:
        place = letter_of(seen.record)
        if place is not None and place[0] in self._sources.values():
            self._refused[place[1]] += len(self._sources)

    def finding(self) -> Finding:
        """Compare; where a log no longer begins at 0, what was counted may be more, of what is gone."""
        breaks = Breaks("counts_add_up")
        aged = any(self._starts.values())
        for partition, stood in self._standing.of(self._unit).items():
            if stood.counts is None:
                continue
            found, counted = self._found[partition], stood.counts.get(self._count, 0)
            breaks.checked += found
            if found > counted or (not aged and found < counted - self._refused[partition]):
                topics = ", ".join(self._sources)
                breaks.add(
                    f"{topics}: {found:,} {self._record} from partition {partition}, {self._unit} has counted {counted:,} {self._count}"
                )
        return breaks.finding()


class Monitored:
    """Outcomes by kind, against the counts of the monitor; those that a rewind has revised are counted apart."""

    KINDS = ("labelled", "expired", "quarantined", "revised")

    def __init__(self, unit: str, outcomes: str, standing: Standing) -> None:
        self._unit, self._outcomes = unit, outcomes
        self._standing = standing
        self._found: Counter[tuple[int, str]] = Counter()
        self._aged = False

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._outcomes: self._outcome}

    def _outcome(self, seen: Seen) -> None:
        record = seen.record
        if not self._found and record.offset:
            self._aged = True
        if seen.name == "Outcome" and seen.fresh and record.offset < self._standing.next_offset(self._unit, record.topic, record.partition):
            kind = "revised" if seen.value.get("revision", 0) else seen.value["kind"]
            self._found[record.partition, kind] += 1

    def finding(self) -> Finding:
        """Compare."""
        breaks = Breaks("counts_add_up")
        for partition, stood in self._standing.of(self._unit).items():
            for kind in self.KINDS if stood.counts is not None else ():
                found, counted = self._found[partition, kind], (stood.counts or {}).get(kind, 0)
                breaks.checked += found
                if found > counted or (not self._aged and found < counted):
                    breaks.add(f"{self._outcomes}[{partition}]: {found:,} {kind}, {self._unit} has counted {counted:,}")
        return breaks.finding()
