"""The Schema Registry REST API (Confluent's, as far as serializers use it) over the registry's schemas."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock import postgres
from penstock_registry.compatibility import InvalidSchema
from penstock_registry.schemas import (
    EVERY_SUBJECT,
    Incompatible,
    Registered,
    Schemas,
    UnknownSchema,
    UnknownSubject,
    UnknownVersion,
)

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
BODY_BYTES_MAX = 1024 * 1024
LATEST = ("latest", "-1")
GLOBAL_LEVEL = "BACKWARD"

Handler = Callable[[Request], Awaitable[Response]]


class _SchemaBody(BaseModel):
    model_config = ConfigDict(extra="ignore")  # clients send what newer servers know

    text: str = Field(alias="schema")
    type: str = Field("AVRO", alias="schemaType")
    references: list[Any] = []


class _LevelBody(BaseModel):
    compatibility: str


def schema_registry(schemas: Schemas) -> Starlette:
    """The application; errors are {"error_code", "message"} with Confluent's codes."""
    api = _Api(schemas)
    subject = "/subjects/{subject:path}"
    routes = [
        Route("/", api.root),
        Route("/schemas/types", api.types),
        Route("/schemas/ids/{id}", api.schema),
        Route("/subjects", api.subjects),
        Route("/compatibility" + subject + "/versions/{version}", api.compatible, methods=["POST"]),
        Route(subject + "/versions", api.versions, methods=["GET"]),
        Route(subject + "/versions", api.register, methods=["POST"]),
        Route(subject + "/versions/{version}", api.version),
        Route(subject, api.find, methods=["POST"]),
        Route("/config", api.config, methods=["GET"]),
        Route("/config", api.set_config, methods=["PUT"]),
        Route("/config/{subject:path}", api.config, methods=["GET"]),
        Route("/config/{subject:path}", api.set_config, methods=["PUT"]),
    ]
    weather = dict.fromkeys(postgres.WEATHER, _away)
    return Starlette(routes=routes, exception_handlers={HTTPException: _refused, **_HANDLERS, **weather})


class _Api:
    """One method for each request."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    async def root(self, _: Request) -> Response:
        return _json({})

    async def types(self, _: Request) -> Response:
        return _json(["AVRO"])

    async def schema(self, request: Request) -> Response:
        text = request.path_params["id"]
        if not (text.isascii() and text.isdigit()) or int(text) >= 2**31:
            raise UnknownSchema(f"no schema has the id {text[:40]}")
        return _json({"schema": await self._schemas.by_id(int(text))})

    async def subjects(self, _: Request) -> Response:
        return _json(await self._schemas.subjects())

    async def versions(self, request: Request) -> Response:
        subject = request.path_params["subject"]
        versions = await self._schemas.versions(subject)
        if not versions:
            raise UnknownSubject(f"there is no subject {subject}")
        return _json([one.version for one in versions])

    async def version(self, request: Request) -> Response:
        subject = request.path_params["subject"]
        return _json(_described(subject, await self._schemas.version(subject, _number(request.path_params["version"]))))

    async def register(self, request: Request) -> Response:
        body = await _schema_body(request)
        return _json({"id": await self._schemas.register(request.path_params["subject"], body)})

    async def find(self, request: Request) -> Response:
        subject = request.path_params["subject"]
        return _json(_described(subject, await self._schemas.find(subject, await _schema_body(request))))

    async def compatible(self, request: Request) -> Response:
        subject, body = request.path_params["subject"], await _schema_body(request)
        against = await self._schemas.version(subject, _number(request.path_params["version"]))
        found = await self._schemas.problems(subject, body, [against])
        return _json({"is_compatible": not found, "messages": found})

    async def config(self, request: Request) -> Response:
        subject = request.path_params.get("subject", EVERY_SUBJECT)
        level = await self._schemas.own_level(subject)
        if level is None and subject != EVERY_SUBJECT:
            if request.query_params.get("defaultToGlobal") != "true":
                return _error(404, 40408, f"{subject} has no compatibility level of its own")
            level = await self._schemas.level(subject)
        return _json({"compatibilityLevel": level or GLOBAL_LEVEL})

    async def set_config(self, request: Request) -> Response:
        try:
            level = _LevelBody.model_validate_json(await _body(request)).compatibility
            await self._schemas.set_level(request.path_params.get("subject", EVERY_SUBJECT), level)
        except ValueError as error:
            return _error(422, 42203, f"invalid compatibility level: {error}")
        return _json({"compatibility": level})


async def _body(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            raise HTTPException(413, f"the body is longer than {BODY_BYTES_MAX} bytes")
    return body


async def _schema_body(request: Request) -> str:
    try:
        body = _SchemaBody.model_validate_json(await _body(request))
    except ValidationError as error:
        reason = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors())
        raise InvalidSchema(f"the body is not a schema request: {reason}") from error
    if body.type != "AVRO" or body.references:
        raise InvalidSchema("only schemaType AVRO without references is served")
    return body.text


def _number(text: str) -> int:
    if text in LATEST:
        return -1
    if text.isascii() and text.isdigit() and 0 < int(text) < 2**31:
        return int(text)
    raise HTTPException(42202, f'"{text[:40]}" is not a version: a number from 1, or latest')


def _described(subject: str, one: Registered) -> dict[str, Any]:
    return {"subject": subject, "version": one.version, "id": one.id, "schema": one.schema}


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, media_type=MEDIA_TYPE)


def _error(status: int, code: int, message: str) -> Response:
    return _json({"error_code": code, "message": message}, status)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = error.status_code
    return _error(code if code < 1000 else code // 100, code, error.detail)


async def _away(_: Request, error: Exception) -> Response:
    return _error(503, 50003, f"the database is away: {type(error).__name__}. Try: again in a moment")


def _handler(status: int, code: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(_: Request, error: Exception) -> Response:
        return _error(status, code, str(error))

    return handle


_HANDLERS = {
    UnknownSubject: _handler(404, 40401),
    UnknownVersion: _handler(404, 40402),
    UnknownSchema: _handler(404, 40403),
    InvalidSchema: _handler(422, 42201),
    Incompatible: _handler(409, 409),
}
