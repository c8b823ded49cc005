import pytest

from penstock.inspection.declared import Declared
from penstock.inspection.topics import kept
from penstock.invariants.finding import Finding
from penstock.invariants.seen import Standing
from penstock.kafka.ports import Bounds, TopicPartition
from penstock.spec import Spec
from tests.unit.invariants.logs import stood

DAY_MS = 86_400_000


def found(topic: str, start: int, age_days: float, standing: Standing | None = None, prefix: str = "") -> Finding:
    declared = Declared(Spec({}, {}, {}), {("model", "m"): 0, ("stream", "s"): 0}, frozenset())
    return kept({TopicPartition(prefix + topic, 0): Bounds(start, 10)}, prefix, declared, standing or Standing(), int(age_days * DAY_MS))


@pytest.mark.parametrize(
    "topic", ["validated.s", "features.m", "predictions.m", "learning.m", "outcomes.m", "dlq.events.s", "dlq.features.m"]
)
def test_a_log_that_begins_at_its_beginning_holds(topic: str) -> None:
    assert found(topic, 0, 1).holds
    assert not found(topic, 3, 1).holds


@pytest.mark.parametrize(("topic", "days"), [("features.m", 7), ("validated.s", 30), ("predictions.m", 30), ("outcomes.m", 30)])
def test_what_is_older_than_it_is_kept_may_be_gone(topic: str, days: int) -> None:
    assert found(topic, 3, days).holds
    assert found(topic, 3, days - 0.01).broken == (f"{topic}[0] begins at offset 3: 3 records are lost that are kept for {days} days",)


def test_a_learning_log_is_kept_for_ever() -> None:
    assert found("learning.m", 3, 5_000).broken == ("learning.m[0] begins at offset 3: 3 records are lost that are kept for ever",)


def test_a_prefix_stands_before_the_family() -> None:
    assert not found("learning.m", 3, 5_000, prefix="a.").holds


@pytest.mark.parametrize(("sent", "holds"), [(5, True), (6, False)])
def test_a_producers_topic_may_be_older_than_its_stream_but_what_was_folded_must_be_there(sent: int, holds: bool) -> None:
    standing = stood("ingestion/s", "events.s", 8, sent=sent - 1, ticks=1)
    assert found("events.s", 3, 1, standing).holds is holds
