"""The schema registry's REST API alone, and schemas to send to it."""

import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx

from penstock.process import serve_http
from penstock_registry.ledger import Ledger
from penstock_registry.rest import schema_registry
from penstock_registry.schemas import Schemas

SUBJECT = "validated.flights-penstock.streams.Flights"


def record(*fields: dict[str, Any]) -> dict[str, Any]:
    """A record with these fields."""
    return {"type": "record", "name": "Flights", "namespace": "penstock.streams", "fields": list(fields)}


def field(name: str, type: Any = "double", **more: Any) -> dict[str, Any]:
    """A field."""
    return {"name": name, "type": type, **more}


WIND = field("wind", ["null", "double"], default=None)


def body(schema: Any) -> dict[str, str]:
    """A request to register, find or compare a schema."""
    return {"schema": json.dumps(schema)}


@contextlib.asynccontextmanager
async def serving_rest(ledger: Ledger) -> AsyncIterator[str]:
    """Its URL; it needs no Kafka."""
    async with serve_http(schema_registry(Schemas(ledger)), "127.0.0.1", 0) as port:
        yield f"http://127.0.0.1:{port}"


async def put(http: httpx.AsyncClient, subject: str, schema: Any) -> int:
    """Register a schema; its id."""
    answer = await http.post(f"/subjects/{subject}/versions", json=body(schema))
    assert answer.status_code == httpx.codes.OK, answer.text
    return int(answer.json()["id"])
