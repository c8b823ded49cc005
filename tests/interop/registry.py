"""What every client must see of the schema registry: three versions of a record, of which the third breaks its readers."""

import json
from collections.abc import Mapping
from typing import Any

NULLABLE = {"name": "note", "type": ["null", "string"], "default": None}


def _record(*more: Mapping[str, Any]) -> dict[str, Any]:
    fields = [{"name": "id", "type": "string"}, {"name": "delay", "type": "double"}, *more]
    return {"type": "record", "name": "Arrival", "namespace": "interop", "fields": fields}


FIRST, SECOND = _record(), _record(NULLABLE)
BROKEN = _record(NULLABLE, {"name": "gate", "type": "int"})
CONFLICT = 409
ALWAYS = frozenset({"client", "runtime", "first_id", "first_id_again", "second_id", "broken_code", "latest_id"})
"""What every client can say; the rest is asked of those whose client has the call."""


def environment(url: str, client: str) -> dict[str, str]:
    """What a program is told: where the registry is, its own subject, the schemas."""
    schemas = {"FIRST": FIRST, "SECOND": SECOND, "BROKEN": BROKEN}
    return {
        "PENSTOCK_SCHEMA_REGISTRY_URL": url,
        "INTEROP_SUBJECT": f"interop-{client}-value",
        **{f"INTEROP_SCHEMA_{name}": json.dumps(schema) for name, schema in schemas.items()},
    }


def wrong(saw: Mapping[str, Any]) -> list[str]:
    """What a client says that is not so, or should have said.

    >>> wrong({"first_id": 1})[-1]
    'said nothing of second_id'
    """
    expected = {
        "first_id_again": saw.get("first_id"),
        "second_fits": True,
        "broken_fits": False,
        "broken_problems": 1,
        "broken_code": CONFLICT,
        "looked_up_id": saw.get("first_id"),
        "looked_up_version": 1,
        "latest_id": saw.get("second_id"),
        "versions": [1, 2],
        "read": SECOND,
        "framed_id": saw.get("second_id"),
        "record": {"id": "a", "delay": 1.5, "note": "fog"},
    }
    other = [f"{name} is {saw[name]!r}, not {value!r}" for name, value in expected.items() if name in saw and saw[name] != value]
    same = ["two schemas have one id"] if saw.get("first_id") == saw.get("second_id") else []
    return other + same + [f"said nothing of {name}" for name in sorted(ALWAYS - set(saw))]
