"""Which revision of a stream a producer follows, and under which id its records are known."""

import json
from typing import Any

import pytest

from penstock.producer import UnknownStream
from penstock.producer.streams import Streams
from penstock.records import platform_schema
from penstock.spec import Field, Stream, part_from_json
from penstock.spec.avro import producer_schema
from penstock.spec.stream import stream_body
from tests.unit.ingestion.streams import FLIGHT_FIELDS, fields, flights

ENTRY_ID = 1
FIRST = flights()
SECOND = flights(fields=FLIGHT_FIELDS | fields(Field("gate", "string", nullable=True)))
WIDER = flights(fields=FLIGHT_FIELDS | fields(Field("distance", "double", minimum=1, maximum=9_000)))


class Topic:
    """What stands on the registry's topic, as a producer reads it, and a clock."""

    def __init__(self, entry_id: int = ENTRY_ID) -> None:
        self.now_s = 0.0
        self.entry_id = entry_id
        self.streams = Streams(follow_after_s=10, clock=lambda: self.now_s)
        self.tell("schema", "1", {"id": 1, "schema": json.dumps(platform_schema("RegistryEntry"))})

    def tell(self, kind: str, name: str, body: Any, revision: int = 1) -> bool:
        return self.streams.take(self.entry_id, kind, name, revision, json.dumps(body))

    def tell_schema(self, id: int, stream: Stream) -> None:
        """Ingestion registers what it reads on the topic, where the fields have lost their order."""
        read = part_from_json("stream", "flights", json.dumps(stream_body(stream)))
        assert isinstance(read, Stream)
        self.tell("schema", str(id), {"id": id, "schema": json.dumps(producer_schema(read), indent=1, sort_keys=True)})

    def tell_stream(self, stream: Stream, revision: int) -> bool:
        return self.tell("stream", "flights", stream_body(stream), revision)

    def found(self) -> tuple[int, int | None]:
        known = self.streams.find("flights")
        assert known is not None
        return known.revision, known.schema_id


def test_a_stream_has_the_id_of_its_producers_schema_however_that_is_spelled() -> None:
    topic = Topic()
    topic.tell_stream(FIRST, 1)
    assert topic.found() == (1, None)
    topic.tell_schema(4, FIRST)
    assert topic.found() == (1, 4)
    assert topic.streams.find("flights") is topic.streams.find("flights")


def test_a_change_is_followed_when_its_schema_is_told_or_its_time_is_over() -> None:
    for schema_is_told in (True, False):
        topic = Topic()
        topic.tell_stream(FIRST, 1)
        topic.tell_schema(4, FIRST)
        assert topic.found() == (1, 4)
        topic.tell_stream(SECOND, 2)
        topic.now_s = 9
        assert topic.found() == (1, 4), "ingestion may still judge by the first"
        if schema_is_told:
            topic.tell_schema(5, SECOND)
        else:
            topic.now_s = 10
        assert topic.found() == (2, 5 if schema_is_told else None)


def test_a_change_of_rules_alone_is_followed_at_once() -> None:
    topic = Topic()
    topic.tell_stream(FIRST, 1)
    topic.tell_schema(4, FIRST)
    assert topic.found() == (1, 4)
    topic.tell_stream(WIDER, 2)
    assert topic.found() == (2, 4)


def test_an_older_revision_changes_nothing() -> None:
    topic = Topic()
    assert topic.tell_stream(SECOND, 2)
    assert not topic.tell_stream(FIRST, 1)
    assert not topic.tell_stream(FIRST, 2)
    assert topic.found() == (2, None)


def test_no_id_is_given_where_another_registry_numbers_the_schemas() -> None:
    topic = Topic(entry_id=77)
    topic.tell_stream(FIRST, 1)
    topic.tell_schema(4, FIRST)
    assert topic.found() == (1, None)


@pytest.mark.parametrize(
    ("name", "known", "told"),
    [
        ("order", ["orders", "payments"], "Did you mean orders?"),
        ("x", ["orders"], "Streams: orders"),
        ("x", [], "Streams: none. Try: penstock apply"),
    ],
)
def test_an_unknown_stream_is_told_with_the_nearest_name(name: str, known: list[str], told: str) -> None:
    assert Topic().streams.find(name) is None
    assert told in str(UnknownStream(name, known))
