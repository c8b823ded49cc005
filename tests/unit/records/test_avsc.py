import json
from typing import Any

import pytest

from penstock.fold.protocol import Poison
from penstock.records import Wire
from penstock.records.avsc import UnsafeSchema, refuse_unsafe
from penstock.records.schemas import MemorySchemaRegistry


def nested(levels: int) -> Any:
    schema: Any = "int"
    for _ in range(levels):
        schema = {"type": "array", "items": schema}
    return schema


def linked(name: str, type: Any) -> dict[str, Any]:
    return {"type": "record", "name": name, "fields": [{"name": "next", "type": type}]}


UNSAFE = [
    ("contains itself", linked("Node", ["null", "Node"])),
    ("contains itself", linked("a.Node", {"type": "array", "items": "a.Node"})),
    ("contains itself", {**linked("Node", {"type": "map", "values": "Node"}), "namespace": "a"}),
    ("contains itself", linked("a.Node", [{"type": "null"}, {"type": "Node"}])),
    ("take no bytes", {"type": "array", "items": "null"}),
    ("take no bytes", {"type": "array", "items": {"type": "record", "name": "Empty", "fields": []}}),
    ("take no bytes", linked("R", {"type": "array", "items": {"type": "null"}})),
    ("take no bytes", {"type": "array", "items": {"type": "fixed", "name": "F", "size": 0}}),
    ("nested deeper", nested(40)),
]


@pytest.mark.parametrize(("reason", "schema"), UNSAFE)
def test_a_schema_that_could_crash_a_decoder_is_refused_with_the_reason(reason: str, schema: Any) -> None:
    with pytest.raises(UnsafeSchema, match=reason):
        refuse_unsafe(schema)


def test_types_that_use_each_other_twice_are_looked_at_once() -> None:
    """Each of 60 records holds the one before it twice: written out there would be 2^60 of them."""
    fields: list[dict[str, Any]] = [{"name": "r", "type": {"type": "record", "name": "R0", "fields": []}}]
    for number in range(1, 60):
        pair = [{"name": name, "type": f"R{number - 1}"} for name in ("a", "b")]
        fields.append({"name": f"f{number}", "type": {"type": "record", "name": f"R{number}", "fields": pair}})
    whole = {"type": "record", "name": "Whole", "fields": fields}
    refuse_unsafe(whole)
    with pytest.raises(UnsafeSchema, match="take no bytes"):
        refuse_unsafe({**whole, "fields": [*fields, {"name": "all", "type": {"type": "array", "items": "R59"}}]})


@pytest.mark.parametrize("schema", [nested(20), {"type": "array", "items": ["null", "int"]}, linked("b.Node", "a.Node")])
def test_a_safe_schema_is_not(schema: Any) -> None:
    refuse_unsafe(schema)


@pytest.mark.parametrize(
    "schema",
    [
        *(linked("R", schema) for _, schema in UNSAFE),
        "string",
        {"type": "array", "items": "int"},
        linked("R", "nothing"),
        {"type": "record"},
    ],
)
async def test_no_record_is_read_with_a_schema_that_another_registry_took_and_ours_would_not(schema: Any) -> None:
    with pytest.raises(Poison) as refused:
        await Wire(MemorySchemaRegistry({7: json.loads(json.dumps(schema))})).fetch(7)
    assert refused.value.code == "unknown_schema"
