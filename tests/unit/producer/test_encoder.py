"""What a producer sends of an event, and what it is told instead: the verdict is the server's, value by value."""

import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from penstock.contract.contract import compile_contract
from penstock.contract.strict_json import parse_object
from penstock.errors import UsageError
from penstock.fold.protocol import Poison
from penstock.kafka.partition import partition_of
from penstock.producer import Invalid, TooLarge
from penstock.producer.encoder import Encoder, Format
from penstock.producer.streams import Known
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry
from penstock.records.wire import RECORD_BYTES_MAX
from penstock.spec import Field, Stream
from penstock.spec.avro import producer_schema
from tests.unit.contract.test_contract import NAMES, VALUES, declared_fields
from tests.unit.ingestion.streams import FLIGHT_FIELDS, NOON_MS, fields, flight, flights, house, record

TOPIC = "events.flights"
ID = 7
KEY = Field("k", "string")


def encoder(stream: Stream | None = None, format: Format = "avro", **options: Any) -> Encoder:
    return Encoder(Known(1, stream or flights(), ID), TOPIC, format=format, **options)


def keyed(*declared: Field, **changes: Any) -> Stream:
    return flights(key="k", id=None, time=None, fields=fields(KEY, *declared), **changes)


async def read(stream: Stream, value: bytes) -> dict[str, Any]:
    """The fields as ingestion reads them."""
    if value.startswith(b"{"):
        return parse_object(value)
    wire = Wire(MemorySchemaRegistry({ID: producer_schema(stream)}))
    return (await wire.read_or_fetch(value))[1]


def codes(invalid: pytest.ExceptionInfo[Invalid]) -> list[tuple[str, str]]:
    return [(problem.field, problem.code) for problem in invalid.value.problems]


# --- verdicts ------------------------------------------------------------------------------------------------------------------------


TYPED: dict[str, st.SearchStrategy[Any]] = {
    "string": st.text("xyé", max_size=4),
    "double": st.sampled_from([-0.0, -9, 0.5, 3, 9.5, 1e300]),
    "long": st.sampled_from([-9, 0, 3.0, 9, 2**63]),
    "boolean": st.booleans(),
    "timestamp": st.sampled_from([NOON_MS, "2013-01-01T12:00:00Z", float(NOON_MS)]),
}


@st.composite
def declared_and_sent(draw: st.DrawFn) -> tuple[dict[str, Field], dict[str, Any]]:
    """Fields, and an event that mostly has values of their types, so that policies have something to mend."""
    declared = draw(declared_fields())
    sent = {name: draw(st.one_of(TYPED[field.type], TYPED[field.type], VALUES)) for name, field in declared.items()}
    return declared, sent | draw(st.one_of(st.just({}), st.dictionaries(st.sampled_from([*NAMES, "f"]), VALUES, max_size=2)))


@settings(deadline=None)
@given(drawn=declared_and_sent(), extra=st.sampled_from(["warn", "reject"]), format=st.sampled_from(["avro", "json"]))
async def test_the_verdict_is_the_servers(drawn: tuple[dict[str, Field], dict[str, Any]], extra: str, format: Format) -> None:
    declared, sent = drawn
    stream = keyed(*declared.values(), extra_fields=extra)
    event, contract = {"k": "x", **sent}, compile_contract(stream)
    try:
        message = encoder(stream, format).message(event, id="one")
    except Invalid as invalid:
        assert_refused(stream, event, {problem.code for problem in invalid.problems})
        return
    assert message.output.value is not None
    assert repr(contract(await read(stream, message.output.value))) == repr(contract(event)), "kept, and told, as the server would"


def assert_refused(stream: Stream, event: Mapping[str, Any], told: set[str]) -> None:
    """The contract refuses the event by one of these codes; or JSON cannot carry what some policy would have mended."""
    verdict = judged(stream, event)
    if isinstance(verdict, str):
        assert verdict in told
        return
    assert told == {"undecodable"}
    assert verdict or not event.keys() <= stream.fields.keys()
    with pytest.raises(ValueError, match="JSON compliant"):
        json.dumps(event, allow_nan=False)


def judged(stream: Stream, event: Mapping[str, Any]) -> tuple[str, ...] | str:
    """What the contract notes, or its code."""
    try:
        return compile_contract(stream)(event)[1]
    except Poison as poison:
        return poison.code


def test_every_problem_is_told_by_field_and_rule() -> None:
    with pytest.raises(Invalid, match="distance is outside") as caught:
        encoder().message(flight(distance=9_999, origin="ZRH", seats="many"), number=3)
    assert codes(caught) == [("origin", "not_in_enum"), ("distance", "out_of_range"), ("seats", "wrong_type")]
    assert {problem.event for problem in caught.value.problems} == {3}


@pytest.mark.parametrize(
    ("changes", "code"), [({"flight_id": ""}, "no_id"), ({"flight_id": "x" * 2_000}, "too_large"), ({"flight_id": "é" * 600}, "too_large")]
)
def test_an_id_that_is_none_is_refused(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as caught:
        encoder().message(flight(**changes))
    assert codes(caught) == [("flight_id", code)]


def test_an_entity_that_is_none_is_refused() -> None:
    with pytest.raises(Invalid) as caught:
        encoder(keyed()).message({"k": ""})
    assert codes(caught) == [("k", "no_key")]


@pytest.mark.parametrize(
    "event",
    [
        {"k": "a", "more": math.nan},
        {"k": "a", "more": b"bytes"},
        {"k": "a", 1: 2},
        {"k": "a", "more": {1: "twice", "1": "twice"}},
        {"k": "a", "penstock.tick": "2013-01-01T00:00:00Z"},
        ["k", "a"],
        None,
    ],
)
def test_what_no_reader_takes_is_not_sent(event: Any) -> None:
    with pytest.raises(Invalid) as caught:
        encoder(keyed()).message(event)
    assert codes(caught) == [("", "undecodable")]


# --- what is sent --------------------------------------------------------------------------------------------------------------------


async def test_a_whole_event_is_avro_and_what_the_contract_touches_is_json_as_it_was_given() -> None:
    stream = flights(fields=FLIGHT_FIELDS | fields(Field("wind", "double", minimum=0, default=1.0, on={"out_of_range": "clip"})))
    whole = encoder(stream).message(flight()).output.value or b""
    assert whole[:5] == b"\0" + ID.to_bytes(4, "big")
    assert await read(stream, whole) == {**flight(), "wind": 1.0}
    for changes in ({"wind": -3}, {"wind": -0.0}, {"gate": "B3"}):
        assert json.loads(encoder(stream).message(flight(**changes)).output.value or b"") == flight(**changes)


def test_json_is_sent_where_it_is_asked_for_and_where_no_schema_is_known() -> None:
    noon = datetime(2013, 1, 1, 12, tzinfo=UTC)
    for one in (encoder(format="json"), Encoder(Known(1, flights(), None), TOPIC)):
        assert json.loads(one.message(flight(scheduled_at=noon)).output.value or b"") == flight(scheduled_at=NOON_MS)


async def test_numbers_and_texts_of_other_libraries_are_taken_for_what_they_are() -> None:
    class Airport(str):
        __slots__ = ()

    sent = encoder().message(flight(origin=Airport("JFK"), distance=Fraction(3, 2))).output
    assert await read(flights(), sent.value or b"") == flight(distance=1.5)
    assert sent.key == b"JFK"


def test_the_key_is_the_entity_and_the_partition_is_the_platforms() -> None:
    for airport in ("EWR", "JFK", "LGA"):
        output = encoder().message(flight(origin=airport)).output
        assert (output.topic, output.key, output.partition) == (TOPIC, airport.encode(), partition_of(airport.encode(), 3))
    number = flights(key="seats", fields=FLIGHT_FIELDS | fields(Field("seats", "long")))
    assert encoder(number).message(flight(seats=150.0)).output.key == b"150"


async def test_what_is_sent_is_validated_with_the_id_that_was_told() -> None:
    home = await house()
    message = Encoder(Known(1, home.stream, None), TOPIC).message(flight())
    (output,) = await home.outputs(home.fold(), [record(message.output.value, headers=message.output.headers)])
    assert home.read(output)["event_id"] == message.event_id == "AA1"


def test_an_event_without_an_id_gets_one_of_its_own() -> None:
    first, second = (encoder(keyed()).message({"k": "a"}) for _ in range(2))
    assert first.event_id != second.event_id
    assert first.output.headers == (("ce_id", first.event_id.encode()),)
    assert encoder(keyed()).message({"k": "a"}, id="mine").output.headers == (("ce_id", b"mine"),)


@pytest.mark.parametrize("time", [datetime(2013, 1, 1, 12, tzinfo=UTC), NOON_MS, "2013-01-01T07:00:00-05:00"])
def test_time_source_and_headers_go_along(time: Any) -> None:
    trace = ("traceparent", b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    headers = encoder(keyed(), source="gate/7").message({"k": "a"}, id="1", time=time, headers=[trace]).output.headers
    assert headers == (("ce_id", b"1"), ("ce_time", b"2013-01-01T12:00:00.000+00:00"), ("ce_source", b"gate/7"), trace)


@pytest.mark.parametrize("options", [{"id": ""}, {"id": "\ud800"}, {"id": "x" * 2_000}, {"time": "noon"}, {"time": 10**20}])
def test_an_id_or_time_that_no_header_carries_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        encoder(keyed()).message({"k": "a"}, **options)
    assert codes(caught)[0][0] == f"ce_{next(iter(options))}"


@pytest.mark.parametrize(
    "options", [{"id": "other"}, {"time": 0}, {"headers": [("ce_id", b"x")]}, {"headers": [("__DLQ.replay.of", b"x")]}]
)
def test_what_would_be_overlooked_or_taken_for_the_platforms_own_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        encoder().message(flight(), **options)


def test_what_no_topic_takes_is_too_large() -> None:
    stream = keyed(Field("text", "string"))
    with pytest.raises(TooLarge, match="the limit is"):
        encoder(stream).message({"k": "a", "text": "x" * RECORD_BYTES_MAX})
    encoder(stream).message({"k": "a", "text": "x" * (RECORD_BYTES_MAX - 2_000)})


def test_without_validation_the_event_is_sent_as_it_is() -> None:
    sent = encoder(validate=False).message(flight(distance=-5, gate=1)).output
    assert (json.loads(sent.value or b""), sent.key) == (flight(distance=-5, gate=1), b"JFK")
    assert encoder(validate=False).message({}).output[1:4] == (0, None, b"{}")
    with pytest.raises(Invalid):
        encoder(validate=False).message({"k": math.nan})


def test_no_value_stands_in_a_message() -> None:
    with pytest.raises(Invalid) as caught:
        encoder().message(flight(origin="jane@example.org"))
    assert "jane" not in str(caught.value)
