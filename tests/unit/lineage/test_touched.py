"""A range followed down the logs, told by hand."""

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pytest

from penstock.fold.origin import Origins
from penstock.fold.protocol import LogRecord
from penstock.invariants.seen import Seen
from penstock.lineage.touched import Impact, Range, Touched, streams_of
from penstock.records import Origin
from penstock.spec import load
from tests.unit.invariants.logs import origin

SPEC = load("""
streams:
  rides: {key: city, time: at, fields: {city: string, ride: string, at: timestamp, miles: double}, id: ride}
  ends: {key: city, time: at, generation: 2, fields: {city: string, ride: string, at: timestamp, delay: double}}
  rain: {key: city, time: at, fields: {city: string, at: timestamp, depth: double}}
views:
  basic:
    from: rides
    select: [miles]
    compute: {late: {mean: ends.delay, window: 10s, default: 0}, wet: {last: rain.depth, default: 0}}
models:
  m:
    task: binary_classification
    view: basic
    label: {from: ends, id: ride, positive: "delay > 5", horizon: 1h}
    learners: {sgd: {linear_model.LogisticRegression: {optimizer: {optim.SGD: 0.1}}}}
    champion: sgd
""")
MODEL = SPEC.models["m"]


class Logs:
    """The logs of a small platform; `impact` follows a range through them."""

    def __init__(self) -> None:
        self.records: defaultdict[str, list[tuple[str, Mapping[str, Any], Origin | None]]] = defaultdict(list)

    def add(self, topic: str, name: str, value: Mapping[str, Any], origin: Origin | None = None) -> int:
        self.records[topic].append((name, value, origin))
        return len(self.records[topic]) - 1

    def event(self, stream: str, seconds: int, city: str = "Ulm", generation: int | None = None, **fields: Any) -> int:
        """An event came in, and was valid; its offset."""
        offset = self.add(f"events.{stream}", "", {})
        current = SPEC.streams[stream].generation if generation is None else generation
        value = {"event_time_ms": seconds * 1_000, "city": city, **fields}
        return self.add(f"validated.{stream}", stream, value, origin(f"events.{stream}", offset, generation=current))

    def asked(self, source: int, position: int = 0) -> None:
        """A ride was asked about, and answered by what had learned every offset below `position`."""
        vector = self.add("features.m", "FeatureVector", {}, origin("validated.rides", source, generation=0))
        self.add("learning.m", "Prediction", {"position": position}, origin("features.m", vector))

    def labelled(self, source: int) -> None:
        self.add("learning.m", "Label", {}, origin("validated.ends", source, generation=2))

    def impact(self, topic: str, start: int, end: int) -> Impact:
        touched = Touched(SPEC, MODEL, Range(topic, 0, start, end))
        for stage, handler in touched.stages:
            origins = Origins()
            for offset, (name, value, came_from) in enumerate(self.records[stage]):
                fresh = came_from is None or origins.accept(stage, 0, came_from)
                handler(Seen(LogRecord(stage, 0, offset, 0, b"k", b""), name, value, came_from, fresh))
        return touched.impact


def numbers(impact: Impact) -> tuple[int, ...]:
    return impact.events, impact.vectors, impact.predictions, impact.labels


def test_an_event_that_asks_touches_its_own_question_and_who_learns_after_it() -> None:
    logs = Logs()
    for number in range(3):
        logs.asked(logs.event("rides", number), position=number)
    for topic in ("events.rides", "validated.rides", "features.m", "learning.m"):
        impact = logs.impact(topic, 1, 2)
        assert (impact.vectors if topic != "learning.m" else 1, impact.predictions, impact.first, impact.ranges) == (1, 1, 1, [(1, 2)])
        assert (impact.answers_by_learned, impact.end) == (1, 3)


def test_an_event_reaches_questions_through_a_window_for_as_long_as_it_is_in_it() -> None:
    logs = Logs()
    logs.event("ends", 100, delay=9.0, ride="x")
    for seconds, city in ((99, "Ulm"), (100, "Ulm"), (110, "Ulm"), (111, "Ulm"), (105, "Köln")):
        logs.asked(logs.event("rides", seconds, city))
    impact = logs.impact("events.ends", 0, 1)
    assert (numbers(impact), impact.ranges) == ((1, 2, 2, 0), [(1, 3)])


def test_a_last_value_reaches_questions_until_another_takes_its_place() -> None:
    logs = Logs()
    logs.event("rain", 1, depth=1.0)
    logs.event("rain", 5, depth=2.0)
    for seconds in (0, 2, 4, 6):
        logs.asked(logs.event("rides", seconds))
    assert logs.impact("validated.rain", 0, 1).ranges == [(1, 3)]


def test_an_event_touches_the_label_that_it_is() -> None:
    logs = Logs()
    logs.asked(logs.event("rides", 0))
    logs.labelled(logs.event("ends", 50, delay=1.0, ride="r"))
    logs.labelled(logs.event("ends", 60, delay=1.0, ride="s"))
    impact = logs.impact("events.ends", 1, 2)
    assert (numbers(impact), impact.first, impact.end) == ((1, 0, 0, 1), 2, 3)


def test_what_came_of_a_topic_before_it_was_made_anew_is_something_else() -> None:
    logs = Logs()
    logs.event("ends", 100, generation=1, delay=9.0, ride="x")
    logs.asked(logs.event("rides", 101))
    assert numbers(logs.impact("events.ends", 0, 1)) == (0, 0, 0, 0)


def test_what_is_sent_again_after_a_crash_is_touched_once() -> None:
    logs = Logs()
    source = logs.event("rides", 0)
    logs.asked(source)
    logs.add("learning.m", "Prediction", {"position": 9}, origin("features.m", 0))
    impact = logs.impact("events.rides", 0, 1)
    assert (impact.predictions, impact.answers_by_learned, impact.ranges) == (1, 0, [(0, 1)])


def test_answers_of_what_had_not_learned_it_yet_are_not_touched() -> None:
    logs = Logs()
    rides = [logs.event("rides", number) for number in range(4)]
    for source, position in zip(rides, (0, 1, 2, 1), strict=True):
        logs.asked(source, position)
    assert logs.impact("learning.m", 1, 2).answers_by_learned == 1  # a checkpoint at 1 has learned what lies below 1
    assert logs.impact("learning.m", 2, 3).answers_by_learned == 0


def test_a_range_that_nothing_came_of_has_no_first() -> None:
    logs = Logs()
    logs.event("rain", 1, depth=1.0)
    impact = logs.impact("events.rain", 0, 1)
    assert (impact.events, impact.first, impact.ranges) == (1, None, [])


@pytest.mark.parametrize("stream", ["rides", "ends", "rain"])
def test_every_stream_of_the_view_and_the_labels_leads_to_the_model(stream: str) -> None:
    assert stream in streams_of(SPEC, MODEL)
