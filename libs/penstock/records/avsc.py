"""An Avro schema as data: its names and types spelled in one way, and what a decoder must never meet."""

from typing import Any

from penstock.errors import PenstockError

PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})
NAMED = frozenset({"record", "error", "enum", "fixed"})
DEPTH_MAX = 32


class UnsafeSchema(PenstockError):
    """A schema with which a few bytes could crash or fill a decoder."""


def spelled(schema: Any, namespace: str = "") -> Any:
    """The same schema with every name in full and every type in its shortest form: what Avro reads as equal, becomes equal.

    Documentation, defaults, aliases and other attributes stay: they are part of what was registered. A malformed schema gives another
    malformed one. Source: Avro 1.12, names; parsing canonical form.

    >>> spelled({"type": "array", "items": {"type": "fixed", "namespace": "a", "name": "F", "size": 8}})
    {'type': 'array', 'items': {'type': 'fixed', 'name': 'a.F', 'size': 8}}
    >>> spelled({"type": "string"})
    'string'
    """
    match schema:
        case str() if schema in PRIMITIVES:
            return schema
        case str():
            return _full(schema, namespace)
        case list():
            return [spelled(branch, namespace) for branch in schema]
        case {"type": str(type), "name": str(name)} if type in NAMED:
            return _spelled_named(schema, _full(name, schema.get("namespace", namespace)))
        case {"type": "array", "items": items}:
            return {**schema, "items": spelled(items, namespace)}
        case {"type": "map", "values": values}:
            return {**schema, "values": spelled(values, namespace)}
        case {"type": inner}:
            return spelled(inner, namespace) if len(schema) == 1 else {**schema, "type": spelled(inner, namespace)}
    return schema


def _spelled_named(schema: dict[str, Any], name: str) -> dict[str, Any]:
    named = {key: value for key, value in schema.items() if key != "namespace"} | {"name": name}
    if isinstance(aliases := schema.get("aliases"), list):
        named["aliases"] = [_full(alias, name.rpartition(".")[0]) if isinstance(alias, str) else alias for alias in aliases]
    if isinstance(fields := schema.get("fields"), list):
        named["fields"] = [_spelled_field(field, name.rpartition(".")[0]) for field in fields]
    return named


def _spelled_field(field: Any, namespace: str) -> Any:
    if not isinstance(field, dict) or "type" not in field:
        return field
    plain = {key: value for key, value in field.items() if (key, value) != ("order", "ascending")}
    return {**plain, "type": spelled(field["type"], namespace)}


def _full(name: str, namespace: object) -> str:
    """A name without a dot is in the namespace around it."""
    return f"{namespace}.{name}" if "." not in name and namespace else name


def refuse_unsafe(schema: Any) -> None:
    """Raise UnsafeSchema for what a decoder must never meet; `schema` is valid Avro.

    Records that contain themselves (fastavro crashes on deep nesting), arrays whose items take no bytes (7 bytes can become 400 MB), and
    schemas nested deeper than any of ours.
    """
    _takes_no_bytes(spelled(schema), (), set(), 0)


def _takes_no_bytes(schema: Any, open_names: tuple[str, ...], empty: set[str], depth: int) -> bool:
    """Look at a schema once, and say whether its values take no bytes; `empty` are the named types that take none."""
    if depth > DEPTH_MAX:
        raise UnsafeSchema(f"the schema is nested deeper than {DEPTH_MAX} levels")
    match schema:
        case str() if schema in open_names:
            raise UnsafeSchema(f"{schema} contains itself: recursive schemas are refused, a decoder can be crashed through them")
        case str():
            return schema == "null" or schema in empty
        case list():
            return not [_takes_no_bytes(branch, open_names, empty, depth + 1) for branch in schema]
        case {"type": "record" | "error", "name": str(name), "fields": list(fields)}:
            if all([_takes_no_bytes(field["type"], (*open_names, name), empty, depth + 1) for field in fields]):  # noqa: C419 (all are looked at)
                empty.add(name)
            return name in empty
        case {"type": "fixed", "name": str(name), "size": 0}:
            empty.add(name)
            return True
        case {"type": "array", "items": items}:
            if _takes_no_bytes(items, open_names, empty, depth + 1):
                raise UnsafeSchema("an array whose items take no bytes is refused: a few bytes could become millions of items")
            return False
        case {"type": "map", "values": values}:
            _takes_no_bytes(values, open_names, empty, depth + 1)
            return False
        case {"type": (dict() | list() | str()) as inner} if inner not in ("enum", "fixed"):
            return _takes_no_bytes(inner, open_names, empty, depth + 1)
    return False
