"""Which schemas a subject may take: checked for safety, then against what stands there, before one is accepted."""

import json
import warnings
from collections.abc import Sequence
from typing import Literal, get_args

import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType
from avro.errors import AvroException

from penstock.errors import PenstockError
from penstock.kafka.topics import RETENTION_MS
from penstock.records.avsc import UnsafeSchema, refuse_unsafe, spelled
from penstock.records.generated import SCHEMAS
from penstock_registry.defaults import named_types, wrong_defaults

Level = Literal["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"]
LEVELS: tuple[Level, ...] = get_args(Level)
SCHEMA_BYTES_MAX = 256 * 1024
FIELDS_MAX = 1_000  # the time of the checker grows with their square: about a second for so many
STREAM_FAMILIES = ("events", "validated")
OF_A_VIEW = frozenset({"FeatureVector", "Prediction"})
"""Their features are the view's, and a view may change: every feature is nullable with default null, so that adding and removing one
is compatible both ways. BACKWARD, not transitive: a feature may be taken out, and later come back under another type."""


class InvalidSchema(PenstockError):
    """A schema that is malformed, or that the platform must not decode."""


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
    """The schema as one text: equal texts are the same schema, however it was spelled. Raises: InvalidSchema if it is malformed."""
    if len(text.encode()) > SCHEMA_BYTES_MAX:
        raise InvalidSchema(f"the schema is longer than {SCHEMA_BYTES_MAX} bytes")
    try:
        schema = json.loads(text)
        _parse(text)
        return json.dumps(spelled(schema), sort_keys=True, separators=(",", ":"))
    except (ValueError, RecursionError, AvroException) as error:
        raise InvalidSchema(f"not an Avro schema: {error}") from error


def check_new(subject: str, text: str, topic_prefix: str = "") -> None:
    """What is asked of a schema before its subject takes it. Raises: InvalidSchema.

    Its defaults are of their types, it is no larger than the checker can compare in seconds, and under the subjects of the platform's own
    topics it cannot crash those who decode it.
    """
    schema = json.loads(canonical(text))
    try:
        named = named_types(schema)
        if sum(len(one.get("fields", ())) for one in named.values()) > FIELDS_MAX:
            raise InvalidSchema(f"the schema has more than {FIELDS_MAX:,} fields")
        if wrong := wrong_defaults(named):
            raise InvalidSchema(f"the default is not of the field's type: {', '.join(wrong[:20])}")
        if _is_ours(subject.removeprefix(topic_prefix)):
            refuse_unsafe(schema)
    except (UnsafeSchema, RecursionError) as error:
        raise InvalidSchema(f"{subject}: {error}") from error


def _is_ours(subject: str) -> bool:
    return subject.startswith(tuple(kind + mark for kind in RETENTION_MS for mark in ".-"))


def problems(new: str, earlier: Sequence[str], level: Level) -> list[str]:
    """Why `new` may not follow the schemas in `earlier` (oldest first); empty when it may.

    BACKWARD: the new one reads what the last one wrote; FORWARD: the last one reads what the new one writes; TRANSITIVE: all, not the last.
    """
    against = earlier if level.endswith("_TRANSITIVE") else earlier[-1:]
    this, found = _in_full(new), list[str]()
    for old in map(_in_full, reversed(against)):
        if level.startswith(("BACKWARD", "FULL")):
            found += [f"it cannot read what was written before: {reason}" for reason in _unreadable(reader=this, writer=old)]
        if level.startswith(("FORWARD", "FULL")):
            found += [f"what it writes cannot be read with an earlier schema: {reason}" for reason in _unreadable(reader=old, writer=this)]
    return list(dict.fromkeys(found))


def _unreadable(reader: avro.schema.Schema, writer: avro.schema.Schema) -> list[str]:
    result = ReaderWriterCompatibilityChecker().get_compatibility(reader, writer)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    where = ", ".join(sorted(result.locations))
    return [f"{message} (at {where})" for message in sorted(result.messages)] or [f"incompatible at {where}"]


def _in_full(text: str) -> avro.schema.Schema:
    """Avro's checker takes an alias literally, so it gets names in full."""
    return _parse(canonical(text))


def _parse(text: str) -> avro.schema.Schema:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # logical types that avro does not know are plain types, as its specification says
        return avro.schema.parse(text)
