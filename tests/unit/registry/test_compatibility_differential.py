"""The short form of `python -m tests.compatibility`."""

import json
from typing import Any

import pytest

from penstock_registry.compatibility import canonical
from tests.compatibility.judge import Why, judge
from tests.compatibility.pairs import pair

PAIRS = 500


def record(*fields: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "record", "name": "R", "fields": list(fields), **more}


def field(name: str, type: Any, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": type, **more}


@pytest.mark.parametrize("first", range(0, PAIRS, 100))
def test_what_we_say_is_what_avro_says_and_what_fastavro_does_or_the_reason_is_known(first: int) -> None:
    verdicts = {seed: judge(*pair(seed)) for seed in range(first, first + 100)}
    assert {seed: verdict for seed, verdict in verdicts.items() if None in verdict.why} == {}
    assert {verdict.ours for verdict in verdicts.values()} == {True, False}


STAMP = {"type": "long", "logicalType": "timestamp-millis"}


@pytest.mark.parametrize(
    ("why", "writer", "reader", "answers"),
    [
        ({Why.ALIAS}, record(namespace="a"), record(namespace="a") | {"name": "New", "aliases": ["R"]}, (True, False, True)),
        ({Why.ALIAS, Why.NAMESPACE}, record(), record(namespace="a") | {"name": "New", "aliases": ["R"]}, (False, True, True)),
        ({Why.NOT_TEXT}, record(field("x", "bytes")), record(field("x", "string")), (True, True, False)),
        ({Why.DEFAULT_BYTES}, record(), record(field("x", "bytes", default="\u00ff")), (True, True, False)),
        ({Why.LOGICAL}, record(field("x", [STAMP, "double"])), record(field("x", ["double"])), (True, True, False)),
    ],
)
def test_every_reason_is_one_that_can_be_seen(
    why: set[Why], writer: dict[str, Any], reader: dict[str, Any], answers: tuple[bool, bool, bool]
) -> None:
    verdict = judge(writer, reader)
    assert ((verdict.ours, verdict.avro, verdict.fastavro), set(verdict.why)) == (answers, why)


def test_pairs_are_the_same_for_the_same_seed_and_are_valid() -> None:
    assert pair(7) == pair(7)
    for seed in range(100):
        assert all(canonical(json.dumps(schema)) for schema in pair(seed))
