"""Which schemas a subject may take: checked for safety, then against what stands there, before one is accepted."""

import json
import warnings
from collections.abc import Sequence
from typing import Any, Literal, get_args

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException

from penstock.errors import PenstockError
from penstock.records.generated import SCHEMAS

Level = Literal["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"]
LEVELS: tuple[Level, ...] = get_args(Level)
SCHEMA_BYTES_MAX = 256 * 1024
DEPTH_MAX = 32
STREAM_FAMILIES = ("events", "validated")
OF_A_VIEW = frozenset({"FeatureVector", "Prediction"})
"""Their features are the view's, and a view may change: every feature is nullable with default null, so that adding and removing one
is compatible both ways. BACKWARD, not transitive: a feature may be taken out, and later come back under another type."""


class InvalidSchema(PenstockError):
    """A schema that is malformed, or unsafe to decode."""


def default_level(subject: str, topic_prefix: str = "") -> Level:
    """The level of a subject for which none is set: by what its topic and its record are.

    >>> default_level("learning.flights-late-penstock.Label")
    'FULL_TRANSITIVE'
    """
    family = subject.removeprefix(topic_prefix).partition(".")[0]
    _, is_platform, record = subject.rpartition("-penstock.")
    if is_platform and record in SCHEMAS:
        return "BACKWARD" if record in OF_A_VIEW else "FULL_TRANSITIVE"
    return "BACKWARD_TRANSITIVE" if family in STREAM_FAMILIES else "BACKWARD"


def canonical(text: str) -> str:
    """The schema as one text: equal texts are the same schema. Raises: InvalidSchema if it is malformed or unsafe."""
    if len(text.encode()) > SCHEMA_BYTES_MAX:
        raise InvalidSchema(f"the schema is longer than {SCHEMA_BYTES_MAX} bytes")
    try:
        schema = json.loads(text)
        refuse_unsafe(schema)
        _parse(text)
    except (ValueError, RecursionError, AvroException) as error:
        raise InvalidSchema(f"not an Avro schema: {error}") from error
    return json.dumps(schema, sort_keys=True, separators=(",", ":"))


def refuse_unsafe(schema: Any) -> None:
    """Raise InvalidSchema for what a decoder must never meet.

    Recursive records (fastavro crashes on deep nesting) and arrays whose items take no bytes (7 bytes can become 400 MB).
    """
    _walk(schema, (), {}, 0)


def problems(new: str, earlier: Sequence[str], level: Level) -> list[str]:
    """Why `new` may not follow the schemas in `earlier` (oldest first); empty when it may.

    BACKWARD: the new one reads what the last one wrote; FORWARD: the last one reads what the new one writes; TRANSITIVE: all, not the last.
    """
    against = earlier if level.endswith("_TRANSITIVE") else earlier[-1:]
    found: list[str] = []
    for old in reversed(against):
        if level.startswith(("BACKWARD", "FULL")):
            found += [f"it cannot read what was written before: {reason}" for reason in _unreadable(reader=new, writer=old)]
        if level.startswith(("FORWARD", "FULL")):
            found += [f"what it writes cannot be read with an earlier schema: {reason}" for reason in _unreadable(reader=old, writer=new)]
    return list(dict.fromkeys(found))


def _unreadable(reader: str, writer: str) -> list[str]:
    result = ReaderWriterCompatibilityChecker().get_compatibility(_parse(reader), _parse(writer))
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    where = ", ".join(sorted(result.locations))
    return [f"{message} (at {where})" for message in sorted(result.messages)] or [f"incompatible at {where}"]


def _parse(text: str) -> avro.schema.Schema:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logical types that avro does not know are plain types, as its specification says
        return avro.schema.parse(text)


def _walk(schema: Any, open_names: tuple[str, ...], known: dict[str, Any], depth: int) -> None:
    if depth > DEPTH_MAX:
        raise InvalidSchema(f"the schema is nested deeper than {DEPTH_MAX} levels")
    match schema:
        case str() if schema in open_names or any(name.rpartition(".")[2] == schema for name in open_names):
            raise InvalidSchema(f"{schema} contains itself: recursive schemas are refused, a decoder can be crashed through them")
        case list():
            for branch in schema:
                _walk(branch, open_names, known, depth + 1)
        case {"type": "record" | "error", "name": str(name), "fields": list(fields)}:
            full = _full_name(schema, open_names)
            known[full] = known[name] = schema
            for field in fields:
                _walk(field.get("type") if isinstance(field, dict) else field, (*open_names, full), known, depth + 1)
        case {"type": "array", "items": items}:
            _walk(items, open_names, known, depth + 1)
            if _takes_no_bytes(items, known):
                raise InvalidSchema("an array whose items take no bytes is refused: a few bytes could become millions of items")
        case {"type": "map", "values": values}:
            _walk(values, open_names, known, depth + 1)
        case {"type": (dict() | list()) as inner}:
            _walk(inner, open_names, known, depth + 1)
        case {"type": "fixed", "name": str(name)}:
            known[name] = known[_full_name(schema, open_names)] = schema
        case {"type": str(name)}:
            _walk(name, open_names, known, depth + 1)


def _full_name(schema: dict[str, Any], open_names: tuple[str, ...]) -> str:
    """A name without a namespace is in the namespace around it (Avro 1.12, names)."""
    name = str(schema["name"])
    if "." in name:
        return name
    around = open_names[-1].rpartition(".")[0] if open_names else ""
    namespace = str(schema.get("namespace", around))
    return f"{namespace}.{name}" if namespace else name


def _takes_no_bytes(schema: Any, known: dict[str, Any]) -> bool:
    match schema:
        case "null" | {"type": "null"}:
            return True
        case str() if schema in known:
            return _takes_no_bytes(known[schema], known)
        case {"type": "record" | "error", "fields": list(fields)}:
            return all(_takes_no_bytes(field["type"], known) for field in fields if isinstance(field, dict))
        case {"type": "fixed", "size": 0}:
            return True
        case {"type": (dict() | list() | str()) as inner} if inner not in ("array", "map", "enum", "fixed"):
            return _takes_no_bytes(inner, known)
    return False
