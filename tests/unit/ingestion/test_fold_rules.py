"""The ingestion fold: policies are counted when an event is validated, unique values, and sources that are parked."""

import pytest

from penstock.fold.protocol import LogRecord, Poison
from penstock.parking import Parking
from penstock.spec import Field
from tests.unit.ingestion.streams import FLIGHT_FIELDS, HOUR_MS, NOON_MS, flight, house, record


async def test_what_the_contract_mended_is_counted_by_field_and_rule_when_the_event_is_validated() -> None:
    mended = {**FLIGHT_FIELDS, "distance": Field("distance", "double", minimum=1, maximum=6_000, on={"out_of_range": "clip"})}
    home = await house(fields=mended)
    fold = home.fold()
    (output,) = fold.step(record(flight(distance=9_999), 0))
    assert home.read(output)["distance"] == 6_000
    with pytest.raises(Poison, match="time_jump"):
        fold.step(record(flight(flight_id="b", distance=9_999, scheduled_at="2099-01-01T00:00:00Z"), 1))
    assert list(fold.step(record(flight(distance=9_999), 2))) == []
    assert fold.counts == {"sent": 3, "validated": 1, "duplicates": 1, "clipped.distance.out_of_range": 1}


async def test_a_unique_value_is_free_again_when_its_window_has_passed() -> None:
    home = await house(fields={**FLIGHT_FIELDS, "seats": Field("seats", "long", nullable=True, unique_ms=HOUR_MS)})
    fold, restored = home.fold(), home.fold()
    fold.step(record(flight(flight_id="a"), 0))
    restored.restore(fold.snapshot())
    for each in (fold, restored):
        with pytest.raises(Poison, match="not_unique: seats"):
            each.step(record(flight(flight_id="b", scheduled_at=NOON_MS + HOUR_MS), 1))
        assert len(list(each.step(record(flight(flight_id="c", seats=None), 2)))) == 1
        assert len(list(each.step(record(flight(flight_id="d", seats=None, scheduled_at=NOON_MS + HOUR_MS + 1), 3)))) == 1
        assert len(list(each.step(record(flight(flight_id="e", scheduled_at=NOON_MS + HOUR_MS), 4)))) == 1


async def test_a_value_that_is_not_unique_may_pass_with_a_warning_and_is_forgotten_with_its_first_event() -> None:
    fields = {**FLIGHT_FIELDS, "seats": Field("seats", "long", unique_ms=HOUR_MS, on={"not_unique": "warn"})}
    fold = (await house(fields=fields)).fold()
    for offset, hours in enumerate((0, 1, 1)):
        fold.step(record(flight(flight_id=str(offset), scheduled_at=NOON_MS + hours * HOUR_MS), offset))
    fold.step(record(flight(flight_id="3", scheduled_at=NOON_MS + HOUR_MS + 1, seats=1), 3))
    fold.step(record(flight(flight_id="4", scheduled_at=NOON_MS + HOUR_MS + 1), 4))
    assert (fold.counts["validated"], fold.counts["warned.seats.not_unique"]) == (5, 2)


# --- parked sources ------------------------------------------------------------------------------------------------------------------


def command(source: str, *, parked: bool, offset: int) -> LogRecord:
    (sent,) = Parking(source, parked).records("events.flights", 1)
    return record(None, offset, sent.headers)


async def test_the_events_of_a_parked_source_are_poison_until_it_is_released() -> None:
    home = await house()
    fold, restored = home.fold(), home.fold()
    gate = [("ce_source", b"gate/7")]
    assert list(fold.step(command("gate/7", parked=True, offset=0))) == []
    restored.restore(fold.snapshot())
    for each in (fold, restored):
        with pytest.raises(Poison, match="quarantined"):
            each.step(record(flight(flight_id="a"), 1, gate))
        assert len(list(each.step(record(flight(flight_id="b"), 2, [("ce_source", b"gate/8")])))) == 1
        assert len(list(each.step(record(flight(flight_id="c"), 3)))) == 1
        each.step(command("gate/7", parked=False, offset=4))
        assert len(list(each.step(record(flight(flight_id="a"), 5, gate)))) == 1
        assert each.counts == {"sent": 4, "validated": 3, "commands": 2}


async def test_an_event_is_never_taken_for_a_command() -> None:
    fold = (await house()).fold()
    (sent,) = Parking("gate/7", True).records("events.flights", 1)
    assert len(list(fold.step(record(flight(), 0, sent.headers)))) == 1
    for offset, headers in enumerate(
        [sent.headers[:1], [sent.headers[0], ("ce_subject", b"\xff")], [sent.headers[0], ("ce_subject", b"")]]
    ):
        with pytest.raises(Poison, match="not_framed"):
            fold.step(record(None, offset + 1, headers))
    assert fold.parked == set()
