from collections import Counter

from hypothesis import given, strategies as st

from penstock.invariants.finding import Finding
from penstock.invariants.ingested import Ingested
from penstock.parking import Parking
from tests.unit.invariants.logs import FAR, Feed, letter, origin, stood

UNIT, EVENTS, VALIDATED, LETTERS = "ingestion/s", "events.s", "validated.s", "dlq.events.s"
ENDS = ("validated", "ticks", "rejected", "commands", "duplicates")
COMMAND = Parking("gate/7", parked=True).records("events.s", 1)[0].headers


def feed(counts: dict[str, int], below: int = FAR) -> Feed:
    return Feed(Ingested(UNIT, EVENTS, VALIDATED, LETTERS, stood(UNIT, EVENTS, below, **counts)))


def write(log: Feed, ends: list[str], lost: int | None = None) -> None:
    """An event for each end, and what it leaves; that of `lost` is not written."""
    for end in ends:
        is_command = end == "commands"
        log.add(EVENTS, headers=COMMAND if is_command else (), data=None if is_command else b"{}", timestamp=10)
    for offset, end in enumerate(ends):
        if offset == lost:
            continue
        if end == "rejected":
            log.add(LETTERS, headers=letter(EVENTS, offset), timestamp=10)
        elif end not in ("duplicates", "commands"):
            log.add(VALIDATED, "Tick" if end == "ticks" else "s", origin=origin(EVENTS, offset))


def found(ends: list[str], counts: dict[str, int], below: int = FAR, lost: int | None = None) -> Finding:
    log = feed(counts, below)
    write(log, ends, lost)
    return log.finding()


@given(st.lists(st.sampled_from(ENDS), max_size=20))
def test_each_event_with_one_end_adds_up(ends: list[str]) -> None:
    finding = found(ends, Counter(ends))
    assert finding.holds, finding.broken
    assert finding.checked == len(ends)


@given(st.lists(st.sampled_from(ENDS[:3]), min_size=1, max_size=20), st.data())
def test_an_event_that_left_nothing_and_was_no_duplicate_is_named(ends: list[str], data: st.DataObject) -> None:
    lost = data.draw(st.integers(0, len(ends) - 1))
    finding = found(ends, Counter(ends), lost=lost)
    assert finding.breaks == 2
    assert any(where.endswith(f"the first that left no trace is {EVENTS}[0]:{lost}") for where in finding.broken)


@given(st.sampled_from(ENDS))
def test_a_count_that_the_log_does_not_hold_is_named(end: str) -> None:
    ends = list(ENDS)
    finding = found(ends, Counter([*ends, end]))
    assert finding.broken == (f"{EVENTS}[0]: 1 {end} below offset {FAR}, {UNIT} has counted 2",)


def test_what_came_after_the_snapshot_is_not_compared() -> None:
    assert found(["validated", "validated"], {"validated": 1}, below=1).holds


def test_an_event_with_two_ends_is_named() -> None:
    log = feed({"validated": 1})
    write(log, ["validated"])
    log.add(LETTERS, headers=letter(EVENTS, 0), timestamp=10)
    assert f"{EVENTS}[0]:0 has more than one end" in log.finding().broken


def test_what_is_sent_again_after_a_crash_is_one_end() -> None:
    log = feed({"validated": 1, "rejected": 1})
    write(log, ["validated", "rejected"])
    log.add(VALIDATED, "s", origin=origin(EVENTS, 0))
    log.add(LETTERS, headers=letter(EVENTS, 1), timestamp=11)
    assert log.finding().holds


def test_of_a_log_whose_beginning_aged_out_more_may_be_counted_never_less() -> None:
    for counted, holds in ((1, True), (5, True), (0, False)):
        log = feed({"validated": counted})
        log.add(EVENTS, offset=100)
        log.add(VALIDATED, "s", origin=origin(EVENTS, 100))
        assert log.finding().holds is holds


def test_letters_of_a_log_that_was_there_before_are_not_those_of_this_one() -> None:
    log = feed({"validated": 1})
    log.add(EVENTS, timestamp=10)
    log.add(LETTERS, headers=letter(EVENTS, 0), timestamp=9)
    log.add(VALIDATED, "s", origin=origin(EVENTS, 0))
    assert log.finding().holds


def purged(ends: list[str], letters_left: int, counts: dict[str, int]) -> Finding:
    """A log whose oldest dead letters were deleted."""
    log = feed(counts)
    rejected = [offset for offset, end in enumerate(ends) if end == "rejected"]
    for _ in ends:
        log.add(EVENTS, timestamp=10)
    for at, offset in list(enumerate(rejected))[len(rejected) - letters_left :]:
        log.add(LETTERS, headers=letter(EVENTS, offset), timestamp=10, offset=at)
    log.add(LETTERS, timestamp=10, offset=len(rejected))  # the note that a purge leaves
    return log.finding()


def test_letters_that_were_deleted_are_no_break_but_an_event_too_many_is() -> None:
    ends = ["rejected", "rejected", "duplicates", "rejected"]
    for left in range(4):
        assert purged(ends, left, Counter(ends)).holds
        assert purged(ends, left, Counter(["duplicates", "rejected", "rejected"])).breaks
