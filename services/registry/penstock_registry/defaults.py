"""Whether the defaults of a schema are of their fields' types: Avro's own parser does not ask, and a reader would get them as they are."""

from typing import Any

INT_MAX, LONG_MAX = 2**31, 2**63


def wrong_defaults(schema: Any) -> list[str]:
    """The fields whose default is not of their type; `schema` is valid, with every name in full (see penstock.records.avsc).

    In a union the default may be of any branch. Source: Avro 1.12, complex types, records.

    >>> wrong_defaults({"type": "record", "name": "R", "fields": [{"name": "x", "type": "int", "default": "none"}]})
    ['R.x']
    """
    named: dict[str, Any] = {}
    _collect(schema, named)
    return [
        f"{name}.{field['name']}"
        for name, record in named.items()
        for field in record.get("fields", ())
        if "default" in field and not _fits(field["default"], field["type"], named)
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


def _fits(value: Any, schema: Any, named: dict[str, Any]) -> bool:
    match schema:
        case list():
            return any(_fits(value, branch, named) for branch in schema)
        case str():
            return _fits(value, named[schema], named) if schema in named else _fits_primitive(value, schema)
        case {"type": "record" | "error", "fields": fields}:
            return isinstance(value, dict) and all(_fits_field(value, field, named) for field in fields)
        case {"type": "enum", "symbols": symbols}:
            return value in symbols
        case {"type": "fixed", "size": size}:
            return _fits_primitive(value, "bytes") and len(value) == size
        case {"type": "array", "items": items}:
            return isinstance(value, list) and all(_fits(each, items, named) for each in value)
        case {"type": "map", "values": values}:
            return isinstance(value, dict) and all(_fits(each, values, named) for each in value.values())
    return _fits(value, schema["type"], named)


def _fits_field(value: dict[str, Any], field: dict[str, Any], named: dict[str, Any]) -> bool:
    return _fits(value[field["name"]], field["type"], named) if field["name"] in value else "default" in field


def _fits_primitive(value: Any, type: str) -> bool:
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
