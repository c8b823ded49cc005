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
    _walk(spelled(schema), (), {}, 0)


def _walk(schema: Any, open_names: tuple[str, ...], known: dict[str, Any], depth: int) -> None:
    if depth > DEPTH_MAX:
        raise UnsafeSchema(f"the schema is nested deeper than {DEPTH_MAX} levels")
    match schema:
        case str() if schema in open_names:
            raise UnsafeSchema(f"{schema} contains itself: recursive schemas are refused, a decoder can be crashed through them")
        case list():
            for branch in schema:
                _walk(branch, open_names, known, depth + 1)
        case {"type": "record" | "error", "name": str(name), "fields": list(fields)}:
            known[name] = schema
            for field in fields:
                _walk(field["type"], (*open_names, name), known, depth + 1)
        case {"type": "fixed", "name": str(name)}:
            known[name] = schema
        case {"type": "array", "items": items}:
            _walk(items, open_names, known, depth + 1)
            if _takes_no_bytes(items, known):
                raise UnsafeSchema("an array whose items take no bytes is refused: a few bytes could become millions of items")
        case {"type": "map", "values": values}:
            _walk(values, open_names, known, depth + 1)
        case {"type": (dict() | list() | str()) as inner}:
            _walk(inner, open_names, known, depth + 1)


def _takes_no_bytes(schema: Any, known: dict[str, Any]) -> bool:
    match schema:
        case "null" | {"type": "null"} | {"type": "fixed", "size": 0}:
            return True
        case str() if schema in known:
            return _takes_no_bytes(known[schema], known)
        case {"type": "record" | "error", "fields": list(fields)}:
            return all(_takes_no_bytes(field["type"], known) for field in fields)
        case {"type": (dict() | str()) as inner} if inner not in ("array", "map", "enum", "fixed"):
            return _takes_no_bytes(inner, known)
    return False
