"""The gateway over HTTP, with Kafka's place taken by a list: what is accepted, what is refused, and how it says so."""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from aiokafka.partitioner import murmur2

from penstock.fold.weather import Weather
from penstock_ingestion import gateway as limits
from penstock_ingestion.admission import RETRY_AFTER_S, Admission
from penstock_ingestion.door import Message
from penstock_ingestion.gateway import Gateway
from penstock_ingestion.requests import BATCH_EVENTS_MAX
from tests.unit.ingestion.streams import NOON_MS, TOPIC, flight, flights, house, record

REQUESTS_MAX = 32


class Log:
    """The twin of the producer: keeps what was sent, and may be away or slow."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, Message]] = []
        self.away = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.waiting = 0
        self.full = asyncio.Event()

    async def send(self, topic: str, messages: Sequence[Message]) -> list[int]:
        if self.away:
            raise Weather("no broker answers")
        self.waiting += 1
        if self.waiting == REQUESTS_MAX:
            self.full.set()
        await self.gate.wait()
        first = len(self.sent)
        self.sent += [(topic, message) for message in messages]
        return list(range(first, len(self.sent)))


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def http(log: Log) -> AsyncIterator[httpx.AsyncClient]:
    gateway = Gateway(lambda stream: f"events.{stream}", log.send, (await house()).trial().judge, Admission(REQUESTS_MAX))
    gateway.open({"flights": flights(), "places": flights(name="places", id=None)})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as client:
        yield client


def codes(answer: httpx.Response) -> list[tuple[int, str, str]]:
    assert answer.headers["content-type"] == "application/problem+json"
    return [(error["event"], error["field"], error["code"]) for error in answer.json()["errors"]]


async def test_an_event_is_accepted_with_its_place_in_kafka(http: httpx.AsyncClient, log: Log) -> None:
    answer = await http.post("/events/flights", json=flight())
    partition = (murmur2(b"JFK") & 0x7FFFFFFF) % 3
    assert (answer.status_code, answer.json()) == (202, {"topic": TOPIC, "partition": partition, "offset": 0, "id": "AA1"})
    ((topic, message),) = log.sent
    assert (topic, message.key, message.partition, json.loads(message.value)) == (TOPIC, b"JFK", partition, flight())


async def test_what_the_gateway_accepts_the_fold_validates(http: httpx.AsyncClient, log: Log) -> None:
    home = await house()
    headers = {"ce-id": "a7", "ce-time": "2013-01-01T12:00:00Z"}
    await http.post("/events/flights", json=flight(scheduled_at="2013-01-01T07:00:00-05:00", note="é ✈"), headers=headers)
    ((_, message),) = log.sent
    (output,) = home.fold().step(record(message.value, headers=message.headers))
    assert (output.key, output.partition) == (message.key, message.partition)
    assert home.read(output)["scheduled_at"] == NOON_MS


async def test_without_an_id_the_place_is_the_id(http: httpx.AsyncClient) -> None:
    place = (await http.post("/events/places", json=flight())).json()
    assert place["id"] == f"events.places:{place['partition']}:{place['offset']}"
    assert (await http.post("/events/places", json=flight(), headers={"ce-id": "x"})).json()["id"] == "x"


@pytest.mark.parametrize("as_lines", [True, False])
async def test_a_batch_is_an_array_or_json_lines(http: httpx.AsyncClient, log: Log, as_lines: bool) -> None:
    events = [flight(flight_id=id) for id in "abc"]
    body = "\n".join(map(json.dumps, events)) + "\n" if as_lines else json.dumps(events)
    media_type = "application/x-ndjson" if as_lines else "application/json; charset=utf-8"
    answer = await http.post("/events/flights", content=body, headers={"content-type": media_type})
    assert [receipt["id"] for receipt in answer.json()["accepted"]] == ["a", "b", "c"]
    assert len(log.sent) == 3


async def test_a_broken_contract_is_told_field_by_field_and_nothing_is_sent(http: httpx.AsyncClient, log: Log) -> None:
    events = [flight(), flight(origin="SFO", distance="far"), flight(flight_id=""), {}, 7, flight(extra="\ud800")]
    answer = await http.post("/events/flights", content=json.dumps(events), headers={"content-type": "application/json"})
    assert answer.status_code == 422
    assert codes(answer) == [
        (1, "origin", "not_in_enum"),
        (1, "distance", "wrong_type"),
        (2, "flight_id", "no_id"),
        *[(3, name, "missing_field") for name in ("flight_id", "origin", "distance", "scheduled_at")],
        (4, "", "undecodable"),
        (5, "", "undecodable"),
    ]
    assert log.sent == []
    assert "SFO" not in answer.text


async def test_an_unknown_stream_is_not_found_and_the_known_ones_are_named(http: httpx.AsyncClient) -> None:
    answer = await http.post("/events/trains", json={})
    assert answer.status_code == 404
    assert answer.json()["detail"].endswith("flights, places")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"x": NaN}', 400),
        (b"", 400),
        (b"[]", 400),
        (b"[" + b",".join([b"{}"] * (BATCH_EVENTS_MAX + 1)) + b"]", 413),
        (b" " * (limits.BODY_BYTES_MAX + 1), 413),
        (json.dumps(flight(note="n" * 1_000_000)).encode(), 413),
    ],
)
async def test_what_is_no_json_or_too_much_is_refused(http: httpx.AsyncClient, log: Log, body: bytes, status: int) -> None:
    answer = await http.post("/events/flights", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, log.sent) == (status, [])


async def test_forms_of_other_sites_are_refused(http: httpx.AsyncClient) -> None:
    answer = await http.post("/events/flights", content=json.dumps(flight()), headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    assert "curl --json" in answer.json()["detail"]


@pytest.mark.parametrize("headers", [{"ce-time": "noon"}, {"ce-type": "penstock.tick"}, {"ce-id": "x" * 2_000}])
async def test_cloudevents_headers_are_checked(http: httpx.AsyncClient, headers: dict[str, str]) -> None:
    assert (await http.post("/events/flights", json=flight(), headers=headers)).status_code == 400


async def test_a_tick_goes_to_every_partition(http: httpx.AsyncClient, log: Log) -> None:
    answer = await http.post("/events/flights/ticks", json={"time": "2013-01-01T12:00:00Z"})
    assert answer.status_code == 202
    assert [message.partition for _, message in log.sent] == [0, 1, 2]
    assert len(list((await house()).fold().step(record(log.sent[0][1].value)))) == 3


@pytest.mark.parametrize("body", [{}, {"time": 7}, {"time": "2013-01-01"}, [1]])
async def test_a_tick_needs_a_time(http: httpx.AsyncClient, log: Log, body: Any) -> None:
    assert (await http.post("/events/flights/ticks", json=body)).status_code == 422
    assert (await http.post("/events/flights", json={"penstock.tick": "2013-01-01T12:00:00Z"})).status_code == 422
    assert log.sent == []


async def test_a_broker_that_is_away_is_503_with_retry_after(http: httpx.AsyncClient, log: Log) -> None:
    log.away = True
    answer = await http.post("/events/flights", json=flight())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, str(RETRY_AFTER_S))


async def test_too_many_requests_at_once_are_told_to_come_back(http: httpx.AsyncClient, log: Log) -> None:
    log.gate.clear()
    async with asyncio.TaskGroup() as tasks:
        answers = [tasks.create_task(http.post("/events/flights", json=flight(flight_id=str(id)))) for id in range(REQUESTS_MAX)]
        await log.full.wait()
        assert (await http.post("/events/flights", json=flight())).status_code == 429
        log.gate.set()
    assert {answer.result().status_code for answer in answers} == {202}
    assert (await http.post("/events/flights", json=flight())).status_code == 202


@pytest.mark.parametrize("path", ["/events/flights", "/events/flights/ticks", "/"])
async def test_who_has_just_started_does_not_say_that_a_stream_is_not_there(log: Log, path: str) -> None:
    gateway = Gateway(lambda stream: f"events.{stream}", log.send, (await house()).trial().judge, Admission(REQUESTS_MAX))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as http:
        answer = await http.post(path, json=flight())
        assert (answer.status_code, answer.headers["retry-after"]) == (503, str(RETRY_AFTER_S))
        assert (await http.get("/openapi.json")).status_code == 503
        gateway.open({})
        assert (await http.post("/events/flights", json=flight())).status_code == 404


async def test_streams_come_and_go(log: Log) -> None:
    gateway = Gateway(lambda stream: f"events.{stream}", log.send, (await house()).trial().judge, Admission(REQUESTS_MAX))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as http:
        gateway.open({})
        assert "penstock apply" in (await http.post("/events/flights", json=flight())).json()["detail"]
        gateway.open({"flights": flights()})
        assert (await http.post("/events/flights", json=flight())).status_code == 202
        gateway.open({"flights": flights(partitions=1)})
        assert (await http.post("/events/flights", json=flight(flight_id="b"))).json()["partition"] == 0
        gateway.open({})
        assert (await http.post("/events/flights", json=flight())).status_code == 404


def on_trial(*values: bytes | None, headers: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
    encoded = [None if value is None else b64encode(value).decode() for value in values]
    return {"records": [{"key": None, "value": value, "headers": list(headers)} for value in encoded]}


async def test_a_trial_tells_what_would_be_refused_and_sends_nothing(http: httpx.AsyncClient, log: Log) -> None:
    good = json.dumps(flight()).encode()
    too_far = json.dumps(flight(distance=7_000)).encode()
    body = on_trial(good, b"{", too_far, None, b"\x00\x00\x00\x00\x63a", good, json.dumps(flight(distance=3)).encode())
    answer = await http.post("/events/flights/trial", json=body)
    assert (answer.status_code, log.sent) == (200, [])
    problems = [(each["event"], each["code"]) for each in answer.json()["problems"]]
    assert problems == [(1, "undecodable"), (2, "out_of_range"), (3, "not_framed"), (4, "unknown_schema")], "each alone: no duplicates"


async def test_a_trial_reads_headers_too(http: httpx.AsyncClient) -> None:
    body = on_trial(json.dumps(flight()).encode(), headers=[("ce_time", b64encode(b"noon").decode())])
    (problem,) = (await http.post("/events/flights/trial", json=body)).json()["problems"]
    assert problem["code"] == "bad_header"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"{}", 400),
        (b'{"records": []}', 400),
        (b'{"records": [7]}', 422),
        (b'{"records": [{"value": "?"}]}', 422),
        (b'{"records": [{"headers": [["a"]]}]}', 422),
        (b'{"records": [{"headers": [[7, null]]}]}', 422),
    ],
)
async def test_a_trial_of_nonsense_is_refused(http: httpx.AsyncClient, body: bytes, status: int) -> None:
    assert (await http.post("/events/flights/trial", content=body)).status_code == status
