"""The books: which events must come by each stage of the way, which have, and what else stands in the topics. No I/O."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from penstock.fold.protocol import Record
from penstock.spec.avro import EVENT_ID, ORIGIN
from tests.faults.load import MODEL, PAYMENTS, VERDICTS, Place, Sent
from tests.faults.topics import Accepted, Read

EXAMPLES = 3
VALIDATED = tuple(f"validated.{stream}" for stream in (PAYMENTS, VERDICTS))
FEATURES, PREDICTIONS, LEARNING, OUTCOMES = (f"{family}.{MODEL}" for family in ("features", "predictions", "learning", "outcomes"))
LETTERS = tuple(f"dlq.events.{stream}" for stream in (PAYMENTS, VERDICTS))
REGISTRY = "registry"
TOPICS = (*VALIDATED, FEATURES, PREDICTIONS, LEARNING, OUTCOMES, *LETTERS, REGISTRY)
SAME_BYTES = (PREDICTIONS, LEARNING, OUTCOMES)  # of folds of one partition a repeat is the same to the last bit
STAGES = {
    PAYMENTS: ("validated payments", "features", "predictions", "logged predictions"),
    VERDICTS: ("validated verdicts", "logged labels", "labelled"),
}


@dataclass(slots=True)
class Verdict:
    """What was found: events that are missing somewhere on the way, events that are there twice, and what else is wrong.

    `repeats` are no fault: records that the fault made a service write again, which every reader drops by their origin.
    """

    lost: int = 0
    twice: int = 0
    repeats: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def passed(self) -> bool:
        return not (self.lost or self.twice or self.problems)

    def check(self, holds: bool, problem: str) -> None:
        """Note a problem unless something holds."""
        if not holds:
            self.problems.append(problem)


@dataclass(slots=True)
class Stage:
    """One stage of the way: `missing` were expected and have not come, `strays` have come and were not expected.

    Where not all `must` come by, none is missing.
    """

    name: str
    must: bool = True
    seen: set[str] = field(default_factory=set)
    expected: set[str] = field(default_factory=set)
    missing: set[str] = field(default_factory=set)
    strays: set[str] = field(default_factory=set)
    twice: set[str] = field(default_factory=set)

    def expect(self, event_ids: Iterable[str]) -> None:
        """These events must come by."""
        new = set(event_ids)
        self.expected |= new
        self.missing |= new - self.seen if self.must else set()
        self.strays -= new

    def saw(self, event_id: str) -> None:
        """One has come by."""
        (self.twice if event_id in self.seen else self.seen).add(event_id)
        self.missing.discard(event_id)
        if event_id not in self.expected:
            self.strays.add(event_id)

    def close(self, verdict: Verdict) -> tuple[set[str], set[str]]:
        """Tell what is wrong, once: what is missing and what was there twice."""
        wrong = {"missing": self.missing, "twice": self.twice, "never sent": self.strays}
        for what, events in wrong.items():
            verdict.check(not events, f"{self.name}: {len(events)} {what}, such as {sorted(events)[:EXAMPLES]}")
        self.missing, self.twice, self.strays = set(), set(), set()
        return wrong["missing"], wrong["twice"]


@dataclass(frozen=True, slots=True)
class Ended:
    """An outcome: when it was appended (ms since the epoch), of which event, and how it ended."""

    appended_ms: int
    event_id: str
    kind: str


class Books:
    """Takes every record of the topics in order, and every acknowledged event; what is wrong is told once."""

    def __init__(self) -> None:
        self.ended: list[Ended] = []
        self.outcomes: list[bytes | None] = []
        self.validated_from: Counter[str] = Counter()
        self.letters: set[Place] = set()
        self.entries: dict[tuple[str, str], tuple[int, dict[str, Any]]] = {}
        self.given_up: set[str] = set()
        """Labels that were reported as lost: the next fault is not to blame for them."""
        self._stages = {name: Stage(name) for names in STAGES.values() for name in names}
        self._once = Stage("ended", must=False)  # a payment without a verdict is pending for long
        self._accepted = Accepted()
        self._expected: Counter[str] = Counter()

    def expect(self, sent: Sent) -> None:
        """Everything that was acknowledged since the last time must come by."""
        for stream, events in ((PAYMENTS, sent.payments), (VERDICTS, sent.verdicts)):
            new = list(events)[self._expected[stream] :]
            self._expected[stream] = len(events)
            for name in STAGES[stream]:
                self._stages[name].expect(new)
            self._once.expect(new)

    def take(self, read: Read) -> str:
        """Take a record; returns what is wrong with it, if anything is."""
        topic = read.record.topic
        if topic in LETTERS:
            self.letters.add(source_of(read.record))
        elif topic == REGISTRY:
            self._take_entry(read.value)
        elif not read.name:
            return f"{topic}[{read.record.partition}]@{read.record.offset} cannot be decoded"
        else:
            self._take_event(read)
        return ""

    def close(self, verdict: Verdict) -> None:
        """Count what is lost and what is there twice, and begin a new account."""
        accounts = {stage.name: stage.close(verdict) for stage in (*self._stages.values(), self._once)}
        verdict.lost = len(set().union(*(missing for missing, _ in accounts.values())))
        verdict.twice = len(set().union(*(twice for _, twice in accounts.values())))
        self.given_up |= accounts["labelled"][0]
        verdict.repeats, gaps, changed = self._accepted.close()
        verdict.check(not gaps, f"{len(gaps)} gaps: {gaps[:EXAMPLES]}")
        unequal = {topic: count for topic, count in changed.items() if topic in SAME_BYTES}
        verdict.check(not unequal, f"repeats with other bytes than the first time: {unequal}")

    def _take_entry(self, entry: dict[str, Any]) -> None:
        key = (entry["kind"], entry["name"])
        if entry["revision"] >= self.entries.get(key, (0, {}))[0]:
            self.entries[key] = (entry["revision"], json.loads(entry["body"]))

    def _take_event(self, read: Read) -> None:
        topic, value = read.record.topic, read.value
        origin = value.get(ORIGIN if topic in VALIDATED else "origin")
        if read.name == "Tick" or origin is None or not self._accepted.take(read.record, origin):
            return
        if topic in VALIDATED:
            self.validated_from[origin["topic"]] += 1
            self._stages[f"validated {topic.partition('.')[2]}"].saw(value[EVENT_ID])
        elif topic == OUTCOMES:
            self._take_outcome(read)
        else:
            stage = {FEATURES: "features", PREDICTIONS: "predictions"}.get(topic) or f"logged {read.name.lower()}s"
            self._stages[stage].saw(value["event_id"])

    def _take_outcome(self, read: Read) -> None:
        event_id, kind = read.value["event_id"], read.value["kind"]
        self.outcomes.append(read.record.value)
        self.ended.append(Ended(read.record.timestamp, event_id, kind))
        self._once.saw(event_id)
        if kind == "labelled":
            self._stages["labelled"].saw(event_id)


def source_of(letter: Record) -> Place:
    """Where the record stands that a dead letter is of."""
    headers = {name: value or b"" for name, value in letter.headers}
    topic, partition, offset = (headers[f"__dlq.errors.{name}"].decode() for name in ("topic", "partition", "offset"))
    return Place(topic, int(partition), int(offset))
