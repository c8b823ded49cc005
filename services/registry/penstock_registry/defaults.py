"""Whether the defaults of a schema are of their fields' types: Avro's own parser does not ask, and a reader would get them as they are."""

from collections.abc import Mapping
from typing import Any

INT_MAX, LONG_MAX = 2**31, 2**63


def named_types(schema: Any) -> dict[str, Any]:
    """Every record, enum and fixed of a schema, by its name."""
    named: dict[str, Any] = {}
    _collect(schema, named)
    return named


def wrong_defaults(named: Mapping[str, Any]) -> list[str]:
    """The fields whose default is not of their type, in the named types of a valid schema with every name in full.

    In a union the default may be of any branch. Source: Avro 1.12, complex types, records. See penstock.records.avsc.

    >>> wrong_defaults(named_types({"type": "record", "name": "R", "fields": [{"name": "x", "type": "int", "default": "none"}]}))
    ['R.x']
    """
    fits = _Fits(named)
    return [
        f"{name}.{field['name']}"
        for name, record in named.items()
        for field in record.get("fields", ())
        if "default" in field and not fits(field["default"], field["type"])
    ]


def _collect(schema: Any, named: dict[str, Any]) -> None:
    match schema:
        case list():
            for branch in schema:
                _collect(branch, named)
        case {"type": "array", "items": inner} | {"type": "map", "values": inner}:
            _collect(inner, named)
        case {"name": str(name)}:
            named[name] = schema
            for field in schema.get("fields", ()):
                _collect(field["type"], named)
        case {"type": (dict() | list()) as inner}:
            _collect(inner, named)


class _Fits:
    """Whether a value is of a type. Each pair is looked at once: unions of records in each other have endless ways to fail."""

    def __init__(self, named: Mapping[str, Any]) -> None:
        self._named = named
        self._seen: dict[tuple[int, int], bool] = {}

    def __call__(self, value: Any, schema: Any) -> bool:
        pair = id(value), id(schema)
        if pair not in self._seen:
            self._seen[pair] = self._look(value, schema)
        return self._seen[pair]

    def _look(self, value: Any, schema: Any) -> bool:
        match schema:
            case list():
                return any(self(value, branch) for branch in schema)
            case str():
                return self(value, self._named[schema]) if schema in self._named else _is_primitive(value, schema)
            case {"type": "record" | "error", "fields": fields}:
                return isinstance(value, dict) and all(self._has_field(value, field) for field in fields)
            case {"type": "enum", "symbols": symbols}:
                return value in symbols
            case {"type": "fixed", "size": size}:
                return _is_primitive(value, "bytes") and len(value) == size
            case {"type": "array", "items": items}:
                return isinstance(value, list) and all(self(each, items) for each in value)
            case {"type": "map", "values": values}:
                return isinstance(value, dict) and all(self(each, values) for each in value.values())
        return self(value, schema["type"])

    def _has_field(self, value: dict[str, Any], field: dict[str, Any]) -> bool:
        return self(value[field["name"]], field["type"]) if field["name"] in value else "default" in field


def _is_primitive(value: Any, type: str) -> bool:
    match type:
        case "null":
            return value is None
        case "boolean":
            return isinstance(value, bool)
        case "int" | "long":
            limit = INT_MAX if type == "int" else LONG_MAX
            return isinstance(value, int) and not isinstance(value, bool) and -limit <= value < limit
        case "float" | "double":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "bytes":
            return isinstance(value, str) and all(ord(letter) < 256 for letter in value)  # one byte a letter
    return isinstance(value, str)
