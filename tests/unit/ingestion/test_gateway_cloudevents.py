"""The gateway's other doors: CloudEvents at the root, packed bodies, its own description, and many requests before a slow broker."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from starlette.types import Message as AsgiMessage

from penstock.framing.cloudevents import STRUCTURED
from penstock_ingestion.admission import Admission
from penstock_ingestion.gateway import BODY_BYTES_MAX, Gateway
from penstock_ingestion.requests import STRUCTURED_BATCH
from tests.unit.ingestion.streams import flight, flights, house, record
from tests.unit.ingestion.test_gateway import REQUESTS_MAX, Log, codes


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
async def gateway(log: Log) -> Gateway:
    gateway = Gateway(lambda stream: f"events.{stream}", log.send, (await house()).trial().judge, Admission(REQUESTS_MAX))
    gateway.open({"flights": flights(), "places": flights(name="places", id=None)})
    return gateway


@pytest.fixture
async def http(gateway: Gateway) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as client:
        yield client


def cloud_event(type: str = "org.example.flights", **changes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "c1", "source": "/hall", "type": type, "data": flight()} | changes


async def test_a_structured_event_goes_to_the_stream_that_its_type_names(http: httpx.AsyncClient, log: Log) -> None:
    for type in ("flights", "org.example.flights"):
        answer = await http.post("/", content=json.dumps(cloud_event(type)), headers={"content-type": STRUCTURED + "; charset=utf-8"})
        assert (answer.status_code, answer.json()["id"], answer.json()["topic"]) == (202, "AA1", "events.flights")
    assert json.loads(log.sent[0][1].value) == flight()
    assert dict(log.sent[0][1].headers)["ce_source"] == b"/hall"


async def test_a_binary_event_at_the_root_needs_its_type(http: httpx.AsyncClient, log: Log) -> None:
    headers = {"ce-specversion": "1.0", "ce-id": "c1", "ce-source": "/", "ce-type": "places"}
    answer = await http.post("/", json=flight(), headers=headers)
    assert (answer.status_code, answer.json()["id"]) == (202, "c1")
    refused = await http.post("/", json=flight())
    assert (refused.status_code, codes(refused)) == (422, [(0, "type", "unknown_stream")])
    assert len(log.sent) == 1


async def test_a_batch_may_be_for_several_streams_and_is_taken_as_a_whole_or_not_at_all(http: httpx.AsyncClient, log: Log) -> None:
    events = [cloud_event("places", id="one"), cloud_event("flights"), cloud_event("places", id="two")]
    answer = await http.post("/", content=json.dumps(events), headers={"content-type": STRUCTURED_BATCH})
    receipts = answer.json()["accepted"]
    assert [(receipt["topic"], receipt["id"]) for receipt in receipts] == [
        ("events.places", "one"),
        ("events.flights", "AA1"),
        ("events.places", "two"),
    ]
    assert [log.sent[receipt["offset"]][0] for receipt in receipts] == [receipt["topic"] for receipt in receipts]
    log.sent.clear()
    broken = [*events, cloud_event("trains"), cloud_event("flights", data={}), cloud_event(id="")]
    refused = await http.post("/", content=json.dumps(broken), headers={"content-type": STRUCTURED_BATCH})
    assert codes(refused)[0] == (3, "type", "unknown_stream")
    assert {event for event, _, _ in codes(refused)} == {3, 4, 5}
    assert log.sent == []


async def test_a_packed_body_is_read_and_one_that_is_too_large_inside_is_not(http: httpx.AsyncClient, log: Log) -> None:
    headers = {"content-type": "application/json", "content-encoding": "gzip"}
    good = await http.post("/events/flights", content=gzip.compress(json.dumps(flight()).encode()), headers=headers)
    assert good.status_code == 202
    bomb = await http.post("/events/flights", content=gzip.compress(b" " * (BODY_BYTES_MAX + 1)), headers=headers)
    assert bomb.status_code == 413
    other = await http.post("/events/flights", content=b"{}", headers=headers | {"content-encoding": "br"})
    assert other.status_code == 415
    assert len(log.sent) == 1


async def test_a_key_makes_an_event_without_an_id_the_same_event_again(http: httpx.AsyncClient, log: Log) -> None:
    answers = [await http.post("/events/places", json=flight(), headers={"Idempotency-Key": "k"}) for _ in range(2)]
    assert [answer.json()["id"] for answer in answers] == ["k", "k"]
    assert (await http.post("/events/flights", json=flight(), headers={"Idempotency-Key": "k"})).json()["id"] == "AA1"
    home = await house(id=None)
    fold = home.fold()
    for offset, (_, message) in enumerate(log.sent[:2]):
        fold.step(record(message.value, offset, message.headers))
    assert (fold.counts["validated"], fold.counts["duplicates"]) == (1, 1)


async def test_who_comes_too_often_is_told_when_to_come_back(log: Log) -> None:
    gateway = Gateway(lambda stream: stream, log.send, (await house()).trial().judge, Admission(REQUESTS_MAX, 0.1, lambda: 0.0))
    gateway.open({"flights": flights()})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as http:
        assert (await http.post("/events/flights", json=flight())).status_code == 202
        crowded = await http.post("/events/flights", json=flight())
    assert (crowded.status_code, crowded.headers["retry-after"]) == (429, "10")
    assert crowded.headers["content-type"] == "application/problem+json"


async def test_before_a_slow_broker_only_so_many_bodies_are_in_memory(gateway: Gateway, log: Log) -> None:
    log.gate.clear()
    app, bodies, answers = gateway.app(), 0, list[int]()

    async def post() -> None:
        async def receive() -> AsgiMessage:
            nonlocal bodies
            bodies += 1
            return {"type": "http.request", "body": json.dumps(flight(flight_id=str(bodies))).encode(), "more_body": False}

        async def send(message: AsgiMessage) -> None:
            if message["type"] == "http.response.start":
                answers.append(message["status"])

        scope = {"type": "http", "method": "POST", "path": "/events/flights", "headers": [(b"content-type", b"application/json")]}
        await app({**scope, "query_string": b"", "root_path": ""}, receive, send)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(1_000):
            tasks.create_task(post())
        await log.full.wait()
        assert (bodies, log.waiting) == (REQUESTS_MAX, REQUESTS_MAX)
        log.gate.set()
    assert (answers.count(202), answers.count(429)) == (REQUESTS_MAX, 1_000 - REQUESTS_MAX)


async def test_the_gateway_describes_itself(http: httpx.AsyncClient) -> None:
    document = (await http.get("/openapi.json")).json()
    assert {"/events/flights", "/events/places"} <= document["paths"].keys()
    page = await http.get("/docs")
    assert (page.status_code, page.headers["content-security-policy"][:18]) == (200, "default-src 'none'")
    assert "http://gateway/events/flights" in page.text
