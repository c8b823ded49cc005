import pytest

from penstock.invariants.counted import Counted, Monitored
from tests.unit.invariants.logs import FAR, Feed, letter, origin, stood

UNIT, SOURCE, LETTERS = "feature_store/v", "validated.s", "dlq.validated.s"
OUTPUTS = {"features.a": SOURCE, "features.b": SOURCE}


def feed(counted: int, below: int = FAR) -> Feed:
    return Feed(Counted(UNIT, "vectors", "FeatureVector", OUTPUTS, LETTERS, stood(UNIT, SOURCE, below, vectors=counted)))


def vector(log: Feed, topic: str, offset: int) -> None:
    log.add(topic, "FeatureVector", origin=origin(SOURCE, offset))


@pytest.mark.parametrize(("counted", "holds"), [(4, True), (3, False), (5, False)])
def test_a_view_has_counted_the_vectors_of_all_its_models(counted: int, holds: bool) -> None:
    log = feed(counted)
    for topic in OUTPUTS:
        for offset in range(2):
            vector(log, topic, offset)
    assert log.finding().holds is holds
    assert holds or log.finding().broken == (
        f"features.a, features.b: 4 FeatureVector from partition 0, {UNIT} has counted {counted} vectors",
    )


def test_repeats_ticks_and_what_is_under_way_are_not_counted() -> None:
    log = feed(1, below=1)
    vector(log, "features.a", 0)
    vector(log, "features.a", 0)
    log.add("features.a", "Tick", origin=origin(SOURCE, 1))
    vector(log, "features.a", 2)
    assert log.finding().holds


@pytest.mark.parametrize(("counted", "holds"), [(2, True), (9, True), (1, False)])
def test_of_an_input_whose_beginning_aged_out_only_what_is_left_is_compared(counted: int, holds: bool) -> None:
    """The fold may have begun anew behind what aged out, as docs/operations.md says, or have counted all of it."""
    log = feed(counted)
    log.add(SOURCE, offset=5)
    for offset in (3, 4, 5, 6):
        vector(log, "features.a", offset)
    assert log.finding().holds is holds


def test_what_was_refused_for_its_size_had_been_counted() -> None:
    log = feed(2)
    assert not log.finding().holds
    log.add(LETTERS, headers=letter(SOURCE, 0))
    assert log.finding().holds


def test_the_monitor_has_counted_apart_what_a_rewind_has_revised() -> None:
    for labelled, revised, holds in ((1, 1, True), (2, 0, False)):
        log = Feed(Monitored("monitor/m", "outcomes.m", stood("monitor/m", "outcomes.m", labelled=labelled, revised=revised)))
        for offset, revision in enumerate((0, 1)):
            log.add("outcomes.m", "Outcome", {"kind": "labelled", "revision": revision}, origin("learning.m", offset))
        assert log.finding().holds is holds


@pytest.mark.parametrize(("labelled", "holds"), [(2, True), (1, False), (3, False)])
def test_the_monitor_has_counted_every_outcome(labelled: int, holds: bool) -> None:
    log = Feed(Monitored("monitor/m", "outcomes.m", stood("monitor/m", "outcomes.m", 3, labelled=labelled, expired=1)))
    for offset, kind in enumerate(("labelled", "labelled", "expired", "labelled")):
        log.add("outcomes.m", "Outcome", {"kind": kind}, origin("learning.m", offset))
    assert log.finding().holds is holds
