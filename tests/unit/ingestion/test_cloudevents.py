"""CloudEvents over HTTP, and keys that make a repetition harmless."""

import base64
import json
from typing import Any

import pytest

from penstock.framing.cloudevents import JSON, STRUCTURED
from penstock_ingestion.refused import Refused
from penstock_ingestion.requests import BATCH_EVENTS_MAX, JSON_LINES, STRUCTURED_BATCH, Sent, read_events


def event(**changes: Any) -> dict[str, Any]:
    return {"specversion": "1.0", "id": "a", "source": "/hall", "type": "org.flights", "data": {"x": 1}} | changes


def structured(**changes: Any) -> Sent:
    (sent,) = read_events(json.dumps(event(**changes)).encode(), STRUCTURED, {})
    return sent


def test_a_structured_event_is_its_data_and_the_headers_of_the_kafka_binding() -> None:
    sent = structured(time="2026-01-01T00:00:00Z", subject="é", traceparent="00-1-2-01", other=7)
    assert (sent.fields, sent.type, sent.problems) == ({"x": 1}, "org.flights", ())
    assert dict(sent.headers) == {
        "ce_specversion": b"1.0",
        "ce_id": b"a",
        "ce_source": b"/hall",
        "ce_type": b"org.flights",
        "ce_time": b"2026-01-01T00:00:00Z",
        "ce_subject": "é".encode(),
        "traceparent": b"00-1-2-01",
    }


def test_data_may_be_json_in_base64() -> None:
    packed = base64.b64encode(b'{"x": 2}').decode()
    assert structured(data_base64=packed).fields == {"x": 2}


def test_a_trace_that_no_header_can_carry_is_left_out() -> None:
    assert "traceparent" not in dict(structured(traceparent="\ud800").headers)
    assert "traceparent" not in dict(structured(traceparent="0" * 2_000).headers)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"specversion": "0.3"}, "specversion", "bad_header"),
        ({"id": ""}, "id", "bad_header"),
        ({"source": None}, "source", "bad_header"),
        ({"type": 7}, "type", "bad_header"),
        ({"id": "x" * 2_000}, "id", "bad_header"),
        ({"id": "\ud800"}, "id", "bad_header"),
        ({"time": "noon"}, "time", "bad_header"),
        ({"type": "penstock.tick"}, "type", "bad_tick"),
        ({"data_base64": "?"}, "data", "undecodable"),
        ({"data_base64": 7}, "data", "undecodable"),
        ({"data_base64": "eA=="}, "data", "undecodable"),
    ],
)
def test_what_is_no_cloud_event_is_told_by_field(changes: dict[str, Any], field: str, code: str) -> None:
    assert [(problem.field, problem.code) for problem in structured(**changes).problems] == [(field, code)]


def test_a_batch_has_problems_by_number() -> None:
    body = json.dumps([event(), 7, event(id="b", source="")]).encode()
    first, second, third = read_events(body, STRUCTURED_BATCH, {})
    assert (first.fields, first.problems) == ({"x": 1}, ())
    assert [(each.event, each.field) for each in (*second.problems, *third.problems)] == [(1, ""), (2, "source")]


def test_binary_headers_are_percent_encoded_and_the_trace_goes_on() -> None:
    headers = {"ce-id": "%C3%A9%201", "ce-type": "flights", "traceparent": "00-1-2-01", "ce-other": "?"}
    (sent,) = read_events(b'{"x": 1}', JSON, headers)
    assert sent.headers == (("ce_id", "é 1".encode()), ("ce_type", b"flights"), ("traceparent", b"00-1-2-01"))
    with pytest.raises(Refused, match="not a batch"):
        read_events(b"[{}, {}]", JSON, headers)


def test_a_key_is_the_id_of_what_has_none() -> None:
    key = {"idempotency-key": "k7"}
    (one,) = read_events(b"{}", JSON, key)
    assert one.headers == (("ce_id", b"k7"),)
    many = read_events(b"{}\n{}\n", JSON_LINES[0], key)
    assert [each.headers for each in many] == [(("ce_id", b"k7:0"),), (("ce_id", b"k7:1"),)]
    (own,) = read_events(b"{}", JSON, key | {"ce-id": "mine"})
    assert own.headers == (("ce_id", b"mine"),)
    (cloud,) = read_events(json.dumps(event()).encode(), STRUCTURED, key)
    assert dict(cloud.headers)["ce_id"] == b"a"
    with pytest.raises(Refused, match="Idempotency-Key"):
        read_events(b"{}", JSON, {"idempotency-key": "é" * 509})
    longest = read_events(b"[" + b",".join([b"{}"] * BATCH_EVENTS_MAX) + b"]", JSON, {"idempotency-key": "é" * 508})
    assert max(len(value or b"") for each in longest for _, value in each.headers) <= 1_024


@pytest.mark.parametrize(("body", "status"), [(b"[]", 400), (b"[" + b",".join([b"{}"] * (BATCH_EVENTS_MAX + 1)) + b"]", 413), (b"{", 400)])
def test_a_batch_is_bounded(body: bytes, status: int) -> None:
    with pytest.raises(Refused) as refused:
        read_events(body, STRUCTURED_BATCH, {})
    assert refused.value.status == status
