"""What the harness says of clients that send too much, too little, something else, or to the wrong place."""

from dataclasses import replace
from typing import Any

import pytest

from penstock.kafka.partition import partition_of
from penstock.spec.avro import EVENT_ID, EVENT_TIME_MS, ORIGIN
from tests.interop.readings import PARTITIONS, READINGS, SIGNALS, Came, Sent, Validated, expected, framing_of, framings, wrong

COUNT = 5


def came(stream: str = READINGS) -> Came:
    """What should come of a client called c."""
    sent, validated = [], []
    for offset, (id, (time_ms, fields)) in enumerate(expected("c", stream, COUNT).items()):
        key = fields["station"].encode()
        place = partition_of(key, PARTITIONS)
        origin = {"topic": f"events.{stream}", "generation": 0, "partition": place, "offset": offset, "index": 0}
        sent.append(Sent(place, offset, "JSON"))
        validated.append(Validated(place, key, {EVENT_TIME_MS: time_ms, ORIGIN: origin, EVENT_ID: id, **fields}))
    return Came(sent, validated, [])


def changed(event: Validated, **fields: Any) -> Validated:
    return replace(event, fields={**event.fields, **fields})


def test_every_event_validated_once_as_it_was_sent_is_right() -> None:
    assert wrong("c", READINGS, COUNT, came()) == []
    assert wrong("c", SIGNALS, COUNT, came(SIGNALS)) == []


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"celsius": 0.25}, "c-0: celsius is 0.25, not -0.25"),
        ({"weather": "schÃ¶n"}, "c-0: weather is 'schÃ¶n', not 'schön 🌦'"),
        ({"visibility": 0.0}, "c-0: visibility is 0.0, not None"),
        ({"counter": 410065408}, "c-0: counter is 410065408, not 9000000000"),
        ({"at": 1_709_208_000}, "c-0: at is 1709208000, not 1709208000000"),
        ({EVENT_TIME_MS: 7}, "c-0: time is 7, not 1709208000000"),
        ({"more": 1}, "c-0: more is 1, not 'undeclared'"),
    ],
)
def test_a_value_that_was_not_sent_is_named_with_what_was(fields: dict[str, Any], problem: str) -> None:
    right = came()
    assert wrong("c", READINGS, COUNT, replace(right, validated=[changed(right.validated[0], **fields), *right.validated[1:]])) == [problem]


def test_a_null_is_not_the_same_as_no_field() -> None:
    right = came()
    without = replace(right.validated[0], fields={name: value for name, value in right.validated[0].fields.items() if name != "visibility"})
    assert wrong("c", READINGS, COUNT, replace(right, validated=[without, *right.validated[1:]])) == [
        "c-0: visibility is 'absent', not None"
    ]


def test_an_event_that_is_missing_doubled_or_of_nobody_is_named() -> None:
    right = came()
    first, *rest = right.validated
    assert wrong("c", READINGS, COUNT, replace(right, validated=rest)) == ["c-0 was validated 0 times, not 1"]
    assert wrong("c", READINGS, COUNT, replace(right, validated=[first, first, *rest])) == ["c-0 was validated 2 times, not 1"]
    foreign = [*right.validated, changed(first, **{EVENT_ID: "d-0"})]
    assert wrong("c", READINGS, COUNT, replace(right, validated=foreign)) == ["d-0 was validated 1 times, not 0"]


def test_a_record_too_many_on_the_way_in_is_seen_though_it_was_a_duplicate() -> None:
    right = came()
    twice = replace(right, sent=[*right.sent, Sent(0, 99, "JSON")])
    assert wrong("c", READINGS, COUNT, twice) == ["6 records were sent, not 5"]


def test_a_dead_letter_is_told_with_its_reason() -> None:
    assert wrong("c", READINGS, COUNT, replace(came(), letters=["undecodable: not JSON"])) == ["a dead letter: undecodable: not JSON"]


def test_another_partitioner_another_key_and_another_origin_are_seen() -> None:
    right = came()
    first, *rest = right.validated
    elsewhere = (first.partition + 1) % PARTITIONS
    origin = {**first.fields[ORIGIN], "partition": elsewhere}
    moved = replace(right, sent=[Sent(elsewhere, 0, "JSON"), *right.sent[1:]], validated=[changed(first, **{ORIGIN: origin}), *rest])
    assert wrong("c", READINGS, COUNT, moved) == [f"c-0: partition at its producer is {elsewhere}, not {first.partition}"]
    assert wrong("c", READINGS, COUNT, replace(right, validated=[replace(first, partition=elsewhere), *rest])) == [
        f"c-0: partition is {elsewhere}, not {first.partition}"
    ]
    assert wrong("c", READINGS, COUNT, replace(right, validated=[replace(first, key=None), *rest])) == [
        "c-0: key is None, not b'Z\\xc3\\xbcrich-0'"
    ]
    foreign = changed(first, **{ORIGIN: {**first.fields[ORIGIN], "offset": 99}})
    assert wrong("c", READINGS, COUNT, replace(right, validated=[foreign, *rest])) == ["c-0 has the origin of another record"]


def test_only_the_first_problems_are_told_in_full() -> None:
    assert wrong("c", READINGS, COUNT, Came([], [], [])) == [
        "0 records were sent, not 5",
        "c-0 was validated 0 times, not 1",
        "c-1 was validated 0 times, not 1",
        "and 3 more",
    ]


@pytest.mark.parametrize(
    ("value", "headers", "name"),
    [
        (b'{"a": 1}', [], "JSON"),
        (b'{"a": 1}', [("traceparent", b"x"), ("ce_id", b"1")], "JSON as CloudEvents"),
        (b"\x00\x00\x00\x00\x01x", [], "Avro"),
        (b"", [], "neither JSON nor Avro"),
        (None, [], "neither JSON nor Avro"),
    ],
)
def test_a_record_is_named_by_its_first_byte_and_its_headers(value: bytes | None, headers: list[tuple[str, bytes]], name: str) -> None:
    assert framing_of(value, headers) == name


def test_the_formats_of_a_client_are_told_once_each() -> None:
    assert framings(Came([Sent(0, 0, "JSON"), Sent(0, 1, "JSON"), Sent(1, 0, "Avro")], [], [])) == "Avro, JSON"
