"""What clients of the schema registry send, checked at the border: bodies, versions, ids and flags."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request

from penstock_registry.compatibility import InvalidSchema
from penstock_registry.schemas import LATEST, UnknownSchema

BODY_BYTES_MAX = 1024 * 1024
ID_MAX = 2**31 - 1


class _SchemaBody(BaseModel):
    model_config = ConfigDict(extra="ignore")  # clients send what newer servers know

    text: str = Field(alias="schema")
    type: str | None = Field("AVRO", alias="schemaType")
    references: list[Any] | None = None
    metadata: dict[str, Any] | None = None
    rules: dict[str, Any] | None = Field(None, alias="ruleSet")
    id: int | None = None
    version: int | None = None


class _LevelBody(BaseModel):
    model_config = ConfigDict(extra="allow")

    compatibility: str


async def schema_of(request: Request) -> str:
    """The schema in a request's body. Raises: InvalidSchema, with what of it is not served."""
    try:
        body = _SchemaBody.model_validate_json(await _body(request))
    except ValidationError as error:
        raise InvalidSchema(f"the body is not a schema request: {_reasons(error)}") from error
    if body.type not in ("AVRO", None):
        raise InvalidSchema(f"schemaType {body.type[:40]} is not served, only AVRO")
    if body.references:
        raise InvalidSchema("references are not served: write the schemas that it refers to into the schema itself, at their first use")
    if body.metadata or body.rules:
        raise InvalidSchema("metadata and ruleSet are not served: nothing here would follow them")
    if (body.id or -1) > 0 or (body.version or -1) > 0:
        raise HTTPException(42205, "ids and versions are given by the registry: it is never in mode IMPORT")
    return body.text


async def level_of(request: Request) -> str:
    """The compatibility level in a request's body. Raises: ValueError."""
    try:
        body = _LevelBody.model_validate_json(await _body(request))
    except ValidationError as error:
        raise ValueError(_reasons(error)) from error
    if others := sorted(name for name, value in (body.model_extra or {}).items() if value not in (None, False)):
        raise ValueError(f"{', '.join(others)[:200]}: only compatibility can be set")
    return body.compatibility


def version_of(request: Request) -> int:
    """The version in a request's path; -1 is the latest."""
    text = request.path_params["version"]
    if text in ("latest", str(LATEST)):
        return LATEST
    if text.isascii() and text.isdigit() and 0 < int(text[:20]) <= ID_MAX:
        return int(text)
    raise HTTPException(42202, f'"{text[:40]}" is not a version: a number from 1, or latest')


def id_of(request: Request) -> int:
    """The schema id in a request's path. Raises: UnknownSchema."""
    text = request.path_params["id"]
    if not (text.isascii() and text.isdigit()) or int(text[:20]) > ID_MAX:
        raise UnknownSchema(f"no schema has the id {text[:40]}")
    return int(text)


def flag(request: Request, name: str) -> bool:
    """Whether a flag of the query is set."""
    return request.query_params.get(name, "").lower() == "true"


def page(request: Request, found: list[Any]) -> list[Any]:
    """The part of a list that the query asks for with offset and limit; all of it without."""
    offset, limit = (_count(request.query_params.get(name, default)) for name, default in (("offset", "0"), ("limit", "-1")))
    return found[max(offset, 0) :][: None if limit < 0 else limit]


def _count(text: str) -> int:
    try:
        return max(int(text[:20]), -1)
    except ValueError:
        raise HTTPException(422, f'"{text[:40]}" is no number') from None


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413, f"the body is longer than {BODY_BYTES_MAX} bytes")
    return body


def _reasons(error: ValidationError) -> str:
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
