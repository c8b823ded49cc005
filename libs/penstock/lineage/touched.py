"""What a range of records has touched of one model: its questions, answers and labels, and from where on what it has learned."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeGuard

from penstock.invariants.flow import TopicName, plain
from penstock.invariants.marks import Marks
from penstock.invariants.seen import TICK, Handler, Seen
from penstock.lineage.reach import reaches
from penstock.records import Origin
from penstock.spec import Model, Spec, View
from penstock.spec.avro import EVENT_TIME_MS

TOUCHED = 1


class Range(NamedTuple):
    """Offsets `start` … `end` − 1 of one partition of a topic."""

    topic: str
    partition: int
    start: int
    end: int

    def holds(self, topic: str, partition: int, offset: int) -> bool:
        """Whether a record is in it."""
        return (topic, partition) == (self.topic, self.partition) and self.start <= offset < self.end


@dataclass(slots=True)
class Impact:
    """What was touched, in numbers; positions are offsets of the learning log.

    `first` is the first touched record there; `ranges` are all of them (start, end), joined where they follow one another.
    `answers_by_learned` are predictions of others that were answered by what had learned from touched ones.
    """

    events: int = 0
    vectors: int = 0
    predictions: int = 0
    labels: int = 0
    answers_by_learned: int = 0
    first: int | None = None
    end: int = 0
    ranges: list[tuple[int, int]] = field(default_factory=list)


class Touched:
    """Follows a range of any topic of one model, stage by stage; each stage is a topic, read from its beginning, in log order.

    The first stage finds the events of the range, the second the questions that show them through a feature over time, then come vectors
    and the learning log. Conservative: what may have been touched is said to be.
    """

    def __init__(self, spec: Spec, model: Model, wanted: Range, topic: TopicName = plain) -> None:
        self.impact = Impact()
        self._model, self._wanted = model, wanted
        self._features, self._learning = topic("features", model.name), topic("learning", model.name)
        self._source = topic("validated", spec.views[model.view].source)
        self._stream = self._stream_of(spec, topic)
        self._validated = topic("validated", self._stream) if self._stream else ""
        self._reaches = reaches(spec.views[model.view].compute, spec.streams[self._stream]) if self._stream else []
        self._events, self._asked, self._vectors = Marks(), Marks(), Marks()
        streams = [(topic(family, name), spec.streams[name].generation) for name in spec.streams for family in ("events", "validated")]
        self._generations = dict(streams)

    @property
    def stages(self) -> Sequence[tuple[str, Handler]]:
        """The topics to read, in this order, and who takes their records."""
        stages: list[tuple[str, Handler]] = [(self._validated, self._event)] if self._stream else []
        asks = self._validated == self._source or self._reaches
        return [
            *stages,
            *([(self._source, self._question)] if asks else []),
            (self._features, self._vector),
            (self._learning, self._learned),
        ]

    def _stream_of(self, spec: Spec, topic: TopicName) -> str:
        """The stream that the range is of; empty for a topic of the model."""
        families = ("events", "validated")
        return next(
            (name for name in streams_of(spec, self._model) for family in families if topic(family, name) == self._wanted.topic), ""
        )

    def _event(self, seen: Seen) -> None:
        if not _is_event(seen):
            return
        if not self._is_wanted(seen):
            for reach in self._reaches:
                reach.untouched(seen.value, seen.value[EVENT_TIME_MS])
            return
        self.impact.events += 1
        self._events.add(seen.record.partition, seen.record.offset, TOUCHED)
        for reach in self._reaches:
            reach.touched(seen.value, seen.value[EVENT_TIME_MS])

    def _question(self, seen: Seen) -> None:
        if not _is_event(seen):
            return
        partition, offset, time_ms = seen.record.partition, seen.record.offset, seen.value[EVENT_TIME_MS]
        is_touched = self._validated == self._source and self._events.get(partition, offset)
        if is_touched or any(reach.shows(seen.value, time_ms) for reach in self._reaches):
            self._asked.add(partition, offset, TOUCHED)

    def _vector(self, seen: Seen) -> None:
        if seen.name == "FeatureVector" and seen.fresh and (self._is_wanted(seen) or self._is_from(seen, self._source, self._asked)):
            self.impact.vectors += 1
            self._vectors.add(seen.record.partition, seen.record.offset, TOUCHED)

    def _learned(self, seen: Seen) -> None:
        self.impact.end = seen.record.offset + 1
        if not seen.fresh:
            return
        if seen.name == "Prediction":
            if self._is_wanted(seen) or self._is_from(seen, self._features, self._vectors):
                self.impact.predictions += 1
                self._note(seen.record.offset)
            elif self.impact.first is not None and seen.value["position"] > self.impact.first:
                self.impact.answers_by_learned += 1
        elif seen.name == "Label" and (self._is_wanted(seen) or self._is_from(seen, self._validated, self._events)):
            self.impact.labels += 1
            self._note(seen.record.offset)

    def _note(self, offset: int) -> None:
        ranges = self.impact.ranges
        if self.impact.first is None:
            self.impact.first = offset
        if ranges and ranges[-1][1] == offset:
            ranges[-1] = (ranges[-1][0], offset + 1)
        else:
            ranges.append((offset, offset + 1))

    def _is_wanted(self, seen: Seen) -> bool:
        """Whether a record is in the range, or comes from a record that is."""
        record, origin = seen.record, seen.origin
        if self._wanted.holds(record.topic, record.partition, record.offset):
            return True
        return self._is_of_now(origin) and self._wanted.holds(origin["topic"], origin["partition"], origin["offset"])

    def _is_from(self, seen: Seen, topic: str, marks: Marks) -> bool:
        origin = seen.origin
        return self._is_of_now(origin) and origin["topic"] == topic and bool(marks.get(origin["partition"], origin["offset"]))

    def _is_of_now(self, origin: Origin | None) -> TypeGuard[Origin]:
        """Whether an origin names the topic as it is now; offsets of one that was made anew mean other records."""
        return origin is not None and origin["generation"] == self._generations.get(origin["topic"], 1)


def streams_of(spec: Spec, model: Model) -> list[str]:
    """The streams that a model's questions, features and labels come from."""
    view: View = spec.views[model.view]
    joined = [stream for stream in (getattr(each, "stream", None) for each in view.compute.values()) if stream]
    return list(dict.fromkeys([view.source, *joined, model.label.stream]))


def _is_event(seen: Seen) -> bool:
    return seen.fresh and seen.name not in ("", TICK)
