"""What should come of a run, said by a second, naive way of thinking that shares no code with the folds."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

from penstock.fold.protocol import LogRecord
from penstock.spec import Stream
from tests.simulation.shop import ANSWERS, BAD_BELOW, QUESTIONS
from tests.simulation.story import Sent

IDS = {QUESTIONS: "order_id", ANSWERS: "payment_id"}
Place = tuple[int, int]  # partition and offset on events.<stream>


@dataclass(slots=True)
class Judged:
    """What ingestion should make of one stream: the valid events and the poison by place, and the counts by partition."""

    stream: str
    window_ms: int
    valid: dict[Place, dict[str, Any]] = field(default_factory=dict)
    rejected: dict[Place, bytes] = field(default_factory=dict)
    counts: dict[int, Counter[str]] = field(default_factory=dict)
    _seen: dict[tuple[int, str], tuple[int, str]] = field(default_factory=dict)
    _clocks: dict[int, int] = field(default_factory=dict)

    def take(self, record: LogRecord, sent: Sent) -> None:
        """One record in the order of its log."""
        counts, place = self.counts.setdefault(record.partition, Counter()), (record.partition, record.offset)
        if sent.tick_ms is not None:
            counts["ticks"] += 1
            self._advance(record.partition, sent.tick_ms)
            return
        verdict = self._verdict(record.partition, sent.fields)
        counts["sent"] += 1
        counts[verdict] += 1
        if verdict == "rejected":
            self.rejected[place] = sent.value
        elif verdict == "validated" and sent.fields is not None:
            self.valid[place] = sent.fields

    def _verdict(self, partition: int, fields: dict[str, Any] | None) -> str:
        """The first event with an id in a partition is valid, the same again a duplicate, another one under its id poison.

        After the window of deduplication it is as if it had never come.
        """
        if fields is None:
            return "rejected"
        key = (partition, fields[IDS[self.stream]])
        text = json.dumps({name: value for name, value in fields.items() if value is not None}, sort_keys=True)
        arrived_ms, known = self._seen.get(key, (-(1 << 62), ""))
        if arrived_ms < self._clocks.get(partition, 0) - self.window_ms:
            self._seen[key] = (self._advance(partition, fields["at"]), text)
            return "validated"
        return "duplicates" if known == text else "rejected"

    def _advance(self, partition: int, time_ms: int) -> int:
        self._clocks[partition] = max(time_ms, self._clocks.get(partition, time_ms))
        return self._clocks[partition]


def judge_events(stream: Stream, sent: Iterable[tuple[LogRecord, Sent]]) -> Judged:
    """What ingestion should make of everything that was sent to one stream."""
    judged = Judged(stream.name, stream.dedup_window_ms)
    for record, each in sent:
        if record.topic == f"events.{stream.name}":
            judged.take(record, each)
    return judged


def answers(questions: Judged, payments: Judged) -> dict[str, bool | None]:
    """For every order its label, None where it gets none: of a world in which nothing expires before the end."""
    first: dict[str, bool] = {}
    for _, fields in sorted(payments.valid.items()):
        first.setdefault(fields["order_id"], fields["paid"] < BAD_BELOW)
    return {fields["order_id"]: first.get(fields["order_id"]) for fields in questions.valid.values()}


class Accepting:
    """Law II, said once more: what a reader has not taken yet from where it came from."""

    def __init__(self) -> None:
        self._highest: dict[tuple[Any, ...], tuple[int, int]] = {}

    def takes(self, origin: Mapping[str, Any], *reading: Any) -> bool:
        """Whether this is higher than all before it."""
        source = (*reading, origin["topic"], origin["generation"], origin["partition"])
        place = (origin["offset"], origin["index"])
        is_new = place > self._highest.get(source, (-1, -1))
        if is_new:
            self._highest[source] = place
        return is_new


@dataclass(slots=True)
class Question:
    """An order id as the learning log tells of it: open, labelled, expired, quarantined, or only its label is there (at `offset`)."""

    state: str
    time_ms: int
    label: bool | None = None
    offset: int = -1


def cuts_of(log: Sequence[tuple[int, str, Any]]) -> set[int]:
    """Every offset that some rewind cuts."""
    causes: set[str] = set()
    cut: set[int] = set()
    for offset, name, value in log:
        if name == "Rewound" and value["cause"] not in causes:
            causes.add(value["cause"])
            for each in value["cuts"] or [{"start": value["to"], "end": offset}]:
                cut |= set(range(each["start"], each["end"]))
    return cut


@dataclass(slots=True)
class LearningOracle:
    """The life of every label in a learning log, by looking at all of them at every move of the clock; what is cut is not learned."""

    horizon_ms: int
    born: Mapping[int, int]  # by version, the position after which it is known
    cut: Set[int] = frozenset()
    rewinds: Mapping[str, Any] = field(default_factory=dict)  # by cause, which versions the world knew, and which one served
    right: Mapping[int, bool] = field(default_factory=dict)  # by the offset of a prediction, its corrected label
    relearns: bool = False
    counts: Counter[str] = field(default_factory=Counter)
    known: dict[str, Question] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    labelled_at: list[int] = field(default_factory=list)
    champion: int = 0
    spec_version: int = 0
    clock_ms: int = -(1 << 62)
    _rank: tuple[int, int] = (-1, -1)
    _sources: int = 0
    _causes: set[str] = field(default_factory=set)
    _known_before: set[int] = field(default_factory=set)
    _heads: dict[tuple[str, int], int] = field(default_factory=dict)
    _accepting: Accepting = field(default_factory=Accepting)

    def take(self, offset: int, name: str, value: Any) -> None:
        """One record of the log."""
        match name:
            case "Prediction" | "Label" if not self._accepting.takes(value["origin"]):
                self.counts["echoes"] += 1
            case "Prediction":
                self._asked(offset, value)
            case "Label":
                self._answered(offset, value["event_id"], value["event_time_ms"], value["value"])
            case "Tick":
                self.counts["ticks"] += 1
                self._moved((value["source"], value["partition"]), value["event_time_ms"])
            case "Serve":
                self._served(offset, value)
            case _:
                self._commanded(name, value)
        if (corrections := self.rewinds.get(f"correction:{offset}")) is not None:
            self._rewound(corrections, "rewinds")

    def _asked(self, offset: int, value: Any) -> None:
        id, known = value["event_id"], self.known.get(value["event_id"])
        if known is not None and known.state != "early":
            self.counts["predictions.repeated"] += 1
            return
        self.counts["predictions"] += 1
        self.asked[id] += 1
        self.known[id] = Question("open", value["event_time_ms"], offset=offset)
        if offset in self.cut:
            self._quarantine(id)
        elif known is not None and known.label is not None:
            self._meet(offset, id, known.label, known.offset)
        origin = value["origin"]
        self._moved((origin["topic"], origin["partition"]), value["watermark_ms"])
        question = self.known.get(id)
        if self.spec_version > 0 and question is not None and question.time_ms + self.horizon_ms < self.clock_ms:
            self._ended(id, question)

    def _answered(self, offset: int, id: str, time_ms: int, label: bool) -> None:
        known = self.known.get(id)
        if known is None:
            is_orphan = self.spec_version > 0 and time_ms + self.horizon_ms < self.clock_ms
            self.counts["labels.orphan" if is_orphan else "labels.early"] += 1
            if not is_orphan:
                self.known[id] = Question("early", time_ms, label, offset)
        elif known.state == "open":
            self._meet(offset, id, label, offset)
        elif known.state in ("expired", "quarantined"):
            self.counts["labels.too_late" if known.state == "expired" else "labels.quarantined"] += 1
        else:
            self.counts["labels.duplicate" if known.label == label else "labels.conflicting"] += 1
            if self.relearns and known.state == "early" and known.label != label and offset not in self.cut:
                known.label, known.offset = label, offset

    def _meet(self, offset: int, id: str, label: bool, label_offset: int) -> None:
        if label_offset in self.cut:
            self.counts["labels.quarantined"] += 1
            self._quarantine(id)
        else:
            self._label(offset, id, label)

    def _quarantine(self, id: str) -> None:
        self.counts["quarantined"] += 1
        self.known[id] = Question("quarantined", self.known[id].time_ms)

    def _label(self, offset: int, id: str, label: bool) -> None:
        self.counts["labelled"] += 1
        self.labelled_at.append(offset)
        self.known[id] = Question("labelled", self.known[id].time_ms, self.right.get(self.known[id].offset, label))

    def _moved(self, source: tuple[str, int], time_ms: int) -> None:
        self._heads[source] = max(time_ms, self._heads.get(source, time_ms))
        self._tick()

    def _tick(self) -> None:
        if self.spec_version == 0 or len(self._heads) < self._sources:
            return
        self.clock_ms = max(self.clock_ms, min(self._heads.values()))
        for id, question in list(self.known.items()):
            if question.time_ms + self.horizon_ms < self.clock_ms:
                self._ended(id, question)

    def _ended(self, id: str, question: Question) -> None:
        if question.state == "open":
            self.counts["expired"] += 1
            self.known[id] = question = Question("expired", question.time_ms)
        if question.state == "early":
            self.counts["labels.orphan"] += 1
        if question.state == "early" or question.time_ms + 2 * self.horizon_ms < self.clock_ms:
            del self.known[id]

    def _served(self, offset: int, value: Any) -> None:
        rank, version = (value["revision"], value["position"]), value["version"]
        is_known = self.born.get(version, 1 << 62) <= offset or version in self._known_before
        if rank <= self._rank or not is_known:
            self.counts["serves.ignored"] += 1
            return
        self.counts["serves"] += 1
        self._rank, self.champion = rank, version

    def _commanded(self, name: str, value: Any) -> None:
        if value["cause"] in self._causes:
            self.counts["echoes"] += 1
            return
        self._causes.add(value["cause"])
        if name == "DriftDetected":
            self.counts["drift_events"] += 1
        elif name in ("Rewound", "Rebuilt"):
            self._rewound(self.rewinds[value["cause"]], "rewinds" if name == "Rewound" else "rebuilds")
        elif value["spec_version"] <= self.spec_version:
            self.counts["specs.ignored"] += 1
        else:
            self.spec_version, self._sources = value["spec_version"], value["partitions"]
            self._tick()

    def _rewound(self, rewind: Any, name: str) -> None:
        self.counts[name] += 1
        self._known_before |= set(rewind.versions)
        self.champion, self._rank = rewind.champion, rewind.serving


def serving_at(records: Sequence[tuple[int, str, Any]]) -> dict[int, Mapping[str, Any] | None]:
    """For the offset of every feature vector the Serve of the highest rank before it."""
    found: dict[int, Mapping[str, Any] | None] = {}
    best: Mapping[str, Any] | None = None
    for offset, name, value in records:
        if name == "Serve" and (best is None or (value["revision"], value["position"]) > (best["revision"], best["position"])):
            best = value
        elif name == "FeatureVector":
            found[offset] = best
    return found
