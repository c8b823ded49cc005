"""Law II: a reader takes each origin once, in order, and never mistakes one source for another."""

import pytest

from penstock.fold.origin import Origins
from penstock.records.generated import Origin

FIRST = Origin(topic="events.a", generation=1, partition=0, offset=7, index=1)


def test_what_is_not_higher_than_all_before_it_is_dropped() -> None:
    origins = Origins()
    assert origins.accept("validated.a", 0, FIRST)
    for offset, index in ((7, 1), (7, 0), (6, 9)):
        assert not origins.accept("validated.a", 0, Origin(topic="events.a", generation=1, partition=0, offset=offset, index=index))
    assert origins.accept("validated.a", 0, Origin(topic="events.a", generation=1, partition=0, offset=7, index=2))


@pytest.mark.parametrize(
    ("topic", "partition", "origin"),
    [
        ("validated.b", 0, FIRST),
        ("validated.a", 1, FIRST),
        ("validated.a", 0, Origin(topic="events.b", generation=1, partition=0, offset=7, index=1)),
        ("validated.a", 0, Origin(topic="events.a", generation=2, partition=0, offset=7, index=1)),
        ("validated.a", 0, Origin(topic="events.a", generation=1, partition=1, offset=7, index=1)),
    ],
    ids=["topic read", "partition read", "origin topic", "generation", "origin partition"],
)
def test_the_highest_is_kept_apart_for_each_source(topic: str, partition: int, origin: Origin) -> None:
    origins = Origins()
    assert origins.accept("validated.a", 0, FIRST)
    assert origins.accept(topic, partition, origin)
    assert not origins.accept(topic, partition, origin)


def test_what_was_accepted_is_known_after_a_restore() -> None:
    before, after = Origins(), Origins()
    before.accept("validated.a", 0, FIRST)
    after.load(before.dump())
    assert not after.accept("validated.a", 0, FIRST)
    assert after.dump() == before.dump()
