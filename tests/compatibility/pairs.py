"""Pairs of schemas from a seed: one, and what became of it by a few of the changes that people make."""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Schema = Any

PRIMITIVES = ("null", "boolean", "int", "long", "float", "double", "bytes", "string")
LOGICAL = (("int", "date"), ("long", "timestamp-millis"), ("long", "timestamp-micros"), ("string", "uuid"))
SYMBOLS = ("EWR", "JFK", "LGA", "BOS")
DEFAULTS = {"null": None, "boolean": True, "int": 1, "long": 2, "float": 0.5, "double": 1.5, "bytes": "\u00ff", "string": "none"}
DEPTH_MAX = 3


@dataclass(slots=True)
class Names:
    """Gives every named type of a schema a name of its own."""

    count: int = 0
    given: list[str] = field(default_factory=list)

    def next(self, kind: str) -> str:
        """A name that was not given before."""
        self.count += 1
        self.given.append(f"{kind}{self.count}")
        return self.given[-1]


def pair(seed: int) -> tuple[Schema, Schema]:
    """A writer's schema and a reader's: a record, and the same after up to three changes."""
    random = Random(seed)
    writer = _record(random, Names(), 0)
    reader = copy.deepcopy(writer)
    for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
        random.choice(CHANGES)(random, reader)
    _mend_defaults(reader)
    return (writer, reader) if random.random() < 0.5 else (reader, writer)


def default_of(schema: Schema) -> Any:
    """A default that a field of this type may have."""
    match schema:
        case [first, *_]:
            return default_of(first)
        case str():
            return DEFAULTS[schema]
        case {"type": "record", "fields": fields}:
            return {each["name"]: default_of(each["type"]) for each in fields}
        case {"type": "enum", "symbols": symbols}:
            return symbols[0]
        case {"type": "fixed", "size": size}:
            return "\u00ff" * size
        case {"type": "array"}:
            return []
        case {"type": "map"}:
            return {}
    return DEFAULTS[schema["type"]]


def _schema(random: Random, names: Names, depth: int) -> Schema:
    if depth >= DEPTH_MAX or random.random() < 0.5:
        return random.choice(PRIMITIVES)
    made: Callable[[Random, Names, int], Schema] = random.choice((_record, _enum, _fixed, _array, _map, _union, _union, _logical))
    return made(random, names, depth)


def _record(random: Random, names: Names, depth: int) -> Schema:
    name = names.next("R")
    fields = [_field(random, names, depth, index) for index in range(random.randint(1, 4))]
    return {"type": "record", "name": name, "fields": fields} | ({"namespace": "a"} if random.random() < 0.2 else {})


def _field(random: Random, names: Names, depth: int, index: int) -> Schema:
    made = {"name": f"f{index}", "type": _schema(random, names, depth + 1)}
    return made | ({"default": default_of(made["type"])} if random.random() < 0.4 else {})


def _enum(random: Random, names: Names, depth: int) -> Schema:
    symbols = random.sample(SYMBOLS, random.randint(1, 3))
    return {"type": "enum", "name": names.next("E"), "symbols": symbols} | ({"default": symbols[0]} if random.random() < 0.4 else {})


def _fixed(random: Random, names: Names, depth: int) -> Schema:
    return {"type": "fixed", "name": names.next("F"), "size": random.choice((2, 4))}


def _array(random: Random, names: Names, depth: int) -> Schema:
    return {"type": "array", "items": _schema(random, names, depth + 1)}


def _map(random: Random, names: Names, depth: int) -> Schema:
    return {"type": "map", "values": _schema(random, names, depth + 1)}


def _logical(random: Random, names: Names, depth: int) -> Schema:
    type, logical = random.choice(LOGICAL)
    return {"type": type, "logicalType": logical}


def _union(random: Random, names: Names, depth: int) -> Schema:
    """Each unnamed type at most once; no union right inside (Avro 1.12, unions)."""
    branches: dict[str, Schema] = {}
    for _ in range(random.randint(1, 3)):
        made = _schema(random, names, depth + 1)
        if not isinstance(made, list):
            branches.setdefault(_kind(made), made)
    return list(branches.values()) or ["null", "string"]


def _kind(schema: Schema) -> str:
    kind = schema if isinstance(schema, str) else schema["type"]
    return str(schema["name"]) if kind in ("record", "enum", "fixed") else str(kind)


def _nodes(schema: Schema) -> list[Schema]:
    """Every schema inside a schema that is not a bare name, itself first."""
    match schema:
        case list():
            return [node for branch in schema for node in _nodes(branch)]
        case {"type": "record", "fields": fields}:
            return [schema, *(node for each in fields for node in _nodes(each["type"]))]
        case {"type": "array", "items": inner} | {"type": "map", "values": inner}:
            return [schema, *_nodes(inner)]
        case dict():
            return [schema]
    return []


def _of(random: Random, schema: Schema, kind: str) -> Schema:
    """One of the schemas of a kind inside a schema, or None."""
    found = [node for node in _nodes(schema) if node["type"] == kind]
    return random.choice(found) if found else None


def _some_field(random: Random, schema: Schema) -> Schema:
    return random.choice(_of(random, schema, "record")["fields"])


def _retyped(each: Schema, type: Schema) -> None:
    each["type"] = type


def _add_field(random: Random, schema: Schema) -> None:
    record = _of(random, schema, "record")
    names = Names(100 * random.randint(1, 10_000))
    made = _field(random, names, DEPTH_MAX - 2, 0) | {"name": names.next("g")}
    record["fields"].insert(random.randint(0, len(record["fields"])), made)


def _drop_field(random: Random, schema: Schema) -> None:
    fields = _of(random, schema, "record")["fields"]
    if len(fields) > 1:
        fields.pop(random.randrange(len(fields)))


def _rename_field(random: Random, schema: Schema) -> None:
    each = _some_field(random, schema)
    each |= {"name": f"{each['name']}_new"} | ({"aliases": [each["name"]]} if random.random() < 0.6 else {})


def _move_fields(random: Random, schema: Schema) -> None:
    random.shuffle(_of(random, schema, "record")["fields"])


def _toggle_default(random: Random, schema: Schema) -> None:
    each = _some_field(random, schema)
    if "default" in each:
        del each["default"]
    else:
        each["default"] = default_of(each["type"])


def _other_primitive(random: Random, schema: Schema) -> None:
    each = _some_field(random, schema)
    if isinstance(each["type"], str):
        _retyped(each, random.choice(PRIMITIVES))


def _other_items(random: Random, schema: Schema) -> None:
    for kind, place in (("array", "items"), ("map", "values")):
        node = _of(random, schema, kind)
        if node is not None and isinstance(node[place], str):
            node[place] = random.choice(PRIMITIVES)


def _nullable(random: Random, schema: Schema) -> None:
    each = _some_field(random, schema)
    match each["type"]:
        case [*branches]:
            _retyped(each, branches[1:] or branches)
        case type if _kind(type) != "null":
            _retyped(each, ["null", type] if random.random() < 0.5 else [type, "null"])


def _other_branches(random: Random, schema: Schema) -> None:
    each = _some_field(random, schema)
    if isinstance(each["type"], list):
        branches = {_kind(branch): branch for branch in each["type"]}
        added = random.choice(PRIMITIVES)
        chosen = list((branches | {added: added}).values())
        random.shuffle(chosen)
        _retyped(each, chosen)


def _symbols(random: Random, schema: Schema) -> None:
    node = _of(random, schema, "enum")
    if node is not None:
        node["symbols"] = random.sample(SYMBOLS, random.randint(1, 4))
        if "default" in node:
            node["default"] = random.choice(node["symbols"])


def _size(random: Random, schema: Schema) -> None:
    node = _of(random, schema, "fixed")
    if node is not None:
        node["size"] = random.choice((2, 4, 8))


def _mend_defaults(schema: Schema) -> None:
    for node in _nodes(schema):
        for each in node.get("fields", ()):
            if "default" in each:
                each["default"] = default_of(each["type"])


def _rename_type(random: Random, schema: Schema) -> None:
    named = [node for node in _nodes(schema) if node["type"] in ("record", "enum", "fixed")]
    node = random.choice(named)
    old = node["name"]
    node |= {"name": f"{old}New"} | ({"aliases": [old]} if random.random() < 0.6 else {})


def _other_namespace(random: Random, schema: Schema) -> None:
    _of(random, schema, "record")["namespace"] = random.choice(("a", "b"))


CHANGES: tuple[Callable[[Random, Schema], None], ...] = (
    _add_field, _add_field, _drop_field, _rename_field, _move_fields, _toggle_default, _other_primitive, _other_primitive, _other_items,
    _nullable, _nullable, _other_branches, _symbols, _symbols, _size, _rename_type, _other_namespace,
)  # fmt: skip
