"""The Schema Registry REST API (Confluent's, as its clients use it) over the registry's schemas."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from penstock import postgres
from penstock_registry.compatibility import InvalidSchema
from penstock_registry.requests import flag, id_of, level_of, page, schema_of, version_of
from penstock_registry.schemas import (
    EVERY_SUBJECT,
    Incompatible,
    Registered,
    Schemas,
    SubjectDeleted,
    SubjectNotDeleted,
    UnknownSchema,
    UnknownSubject,
    UnknownVersion,
    VersionDeleted,
    VersionNotDeleted,
)

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
PLAIN_MEDIA_TYPE = "application/json"
GLOBAL_LEVEL = "BACKWARD"
MODE = "READWRITE"

Handler = Callable[[Request], Awaitable[Response]]


def schema_registry(schemas: Schemas) -> Starlette:
    """The application; errors are {"error_code", "message"} with Confluent's codes."""
    weather = dict.fromkeys(postgres.WEATHER, _away)
    handlers: dict[Any, Any] = {HTTPException: _refused, **_HANDLERS, **weather, Exception: _failed}
    return Starlette(routes=_routes(_Api(schemas)), exception_handlers=handlers)


def _routes(api: "_Api") -> list[Route]:
    """The longest paths first: a subject may hold slashes."""
    subject = "/subjects/{subject:path}"
    version = subject + "/versions/{version}"
    return [
        Route("/", api.root),
        Route("/contexts", api.contexts),
        Route("/schemas", api.schemas),
        Route("/schemas/types", api.types),
        Route("/schemas/ids/{id}", api.schema),
        Route("/schemas/ids/{id}/schema", api.schema_text),
        Route("/schemas/ids/{id}/subjects", api.schema_subjects),
        Route("/schemas/ids/{id}/versions", api.schema_versions),
        Route("/subjects", api.subjects),
        Route("/compatibility" + version, api.compatible, methods=["POST"]),
        Route("/compatibility" + subject + "/versions", api.compatible_with_all, methods=["POST"]),
        Route(version + "/schema", api.version_text),
        Route(version + "/referencedby", api.referenced_by),
        Route(version, api.version),
        Route(version, api.delete_version, methods=["DELETE"]),
        Route(subject + "/versions", api.versions),
        Route(subject + "/versions", api.register, methods=["POST"]),
        Route(subject, api.find, methods=["POST"]),
        Route(subject, api.delete_subject, methods=["DELETE"]),
        *(Route(f"/config{each}", api.config) for each in ("", "/{subject:path}")),
        *(Route(f"/config{each}", api.set_config, methods=["PUT"]) for each in ("", "/{subject:path}")),
        *(Route(f"/config{each}", api.delete_config, methods=["DELETE"]) for each in ("", "/{subject:path}")),
        *(Route(f"/mode{each}", api.mode) for each in ("", "/{subject:path}")),
        *(Route(f"/mode{each}", api.set_mode, methods=["PUT"]) for each in ("", "/{subject:path}")),
    ]


class _Api:
    """One method for each request."""

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    async def root(self, request: Request) -> Response:
        return _json(request, {})

    async def contexts(self, request: Request) -> Response:
        return _json(request, ["."])

    async def types(self, request: Request) -> Response:
        return _json(request, ["AVRO"])

    async def schemas(self, request: Request) -> Response:
        found = []
        for subject in await self._prefixed(request):
            versions = await self._schemas.versions(subject, deleted=flag(request, "deleted"))
            found += [_described(subject, one) for one in (versions[-1:] if flag(request, "latestOnly") else versions)]
        return _json(request, page(request, found))

    async def schema(self, request: Request) -> Response:
        return _json(request, {"schema": await self._schemas.by_id(id_of(request))})

    async def schema_text(self, request: Request) -> Response:
        return _text(request, await self._schemas.by_id(id_of(request)))

    async def schema_subjects(self, request: Request) -> Response:
        uses = await self._schemas.uses(id_of(request), deleted=flag(request, "deleted"))
        return _json(request, page(request, sorted({subject for subject, _ in uses})))

    async def schema_versions(self, request: Request) -> Response:
        uses = await self._schemas.uses(id_of(request), deleted=flag(request, "deleted"))
        return _json(request, page(request, [{"subject": subject, "version": version} for subject, version in uses]))

    async def subjects(self, request: Request) -> Response:
        return _json(request, page(request, await self._prefixed(request)))

    async def versions(self, request: Request) -> Response:
        subject, only = request.path_params["subject"], flag(request, "deletedOnly")
        found = await self._schemas.versions(subject, deleted=only or flag(request, "deleted"))
        if not found:
            raise UnknownSubject(f"there is no subject {subject}")
        return _json(request, page(request, [one.version for one in found if one.deleted or not only]))

    async def version(self, request: Request) -> Response:
        return _json(request, _described(request.path_params["subject"], await self._version(request)))

    async def version_text(self, request: Request) -> Response:
        return _text(request, (await self._version(request)).schema)

    async def referenced_by(self, request: Request) -> Response:
        await self._version(request)
        return _json(request, [])

    async def register(self, request: Request) -> Response:
        subject, schema = request.path_params["subject"], await schema_of(request)
        return _json(request, {"id": await self._schemas.register(subject, schema, normalize=flag(request, "normalize"))})

    async def find(self, request: Request) -> Response:
        subject, schema = request.path_params["subject"], await schema_of(request)
        return _json(request, _described(subject, await self._schemas.find(subject, schema, deleted=flag(request, "deleted"))))

    async def delete_subject(self, request: Request) -> Response:
        subject = request.path_params["subject"]
        return _json(request, await self._schemas.delete_subject(subject, permanent=flag(request, "permanent")))

    async def delete_version(self, request: Request) -> Response:
        subject, number = request.path_params["subject"], version_of(request)
        return _json(request, await self._schemas.delete_version(subject, number, permanent=flag(request, "permanent")))

    async def compatible(self, request: Request) -> Response:
        return await self._compatible(request, version_of(request))

    async def compatible_with_all(self, request: Request) -> Response:
        return await self._compatible(request, None)

    async def config(self, request: Request) -> Response:
        subject = request.path_params.get("subject", EVERY_SUBJECT)
        level = await self._schemas.own_level(subject)
        if level is None and subject != EVERY_SUBJECT:
            if not flag(request, "defaultToGlobal"):
                return _error(request, 404, 40408, f"{subject} has no compatibility level of its own")
            level = await self._schemas.level(subject)
        return _json(request, {"compatibilityLevel": level or GLOBAL_LEVEL})

    async def set_config(self, request: Request) -> Response:
        try:
            level = await level_of(request)
            await self._schemas.set_level(request.path_params.get("subject", EVERY_SUBJECT), level)
        except ValueError as error:
            return _error(request, 422, 42203, f"invalid compatibility level: {error}")
        return _json(request, {"compatibility": level})

    async def delete_config(self, request: Request) -> Response:
        subject = request.path_params.get("subject", EVERY_SUBJECT)
        level = await self._schemas.own_level(subject)
        if level is None and subject != EVERY_SUBJECT:
            raise UnknownSubject(f"{subject} has no compatibility level of its own")
        await self._schemas.set_level(subject, None)
        return _json(request, {"compatibilityLevel": level or GLOBAL_LEVEL})

    async def mode(self, request: Request) -> Response:
        if "subject" in request.path_params and not flag(request, "defaultToGlobal"):
            return _error(request, 404, 40409, f"{request.path_params['subject']} has no mode of its own")
        return _json(request, {"mode": MODE})

    async def set_mode(self, request: Request) -> Response:
        return _error(request, 422, 42205, f"the mode is {MODE}, and cannot be changed")

    async def _prefixed(self, request: Request) -> list[str]:
        only, prefix = flag(request, "deletedOnly"), request.query_params.get("subjectPrefix", "")
        every = await self._schemas.subjects(deleted=only or flag(request, "deleted"))
        live = await self._schemas.subjects() if only else []
        return [subject for subject in every if subject.startswith(prefix) and subject not in live]

    async def _version(self, request: Request) -> Registered:
        return await self._schemas.version(request.path_params["subject"], version_of(request), deleted=flag(request, "deleted"))

    async def _compatible(self, request: Request, number: int | None) -> Response:
        found = await self._schemas.problems(request.path_params["subject"], await schema_of(request), number)
        return _json(request, {"is_compatible": not found, "messages": found})


def _described(subject: str, one: Registered) -> dict[str, Any]:
    deleted = {"deleted": True} if one.deleted else {}
    return {"subject": subject, "version": one.version, "id": one.id, "schema": one.schema, **deleted}


def _json(request: Request, value: Any, status: int = 200) -> Response:
    return _text(request, json.dumps(value), status)


def _text(request: Request, text: str, status: int = 200) -> Response:
    """In the registry's own media type, unless plain JSON alone is asked for."""
    accepted = request.headers.get("accept", "")
    plain = PLAIN_MEDIA_TYPE in accepted and "schemaregistry" not in accepted
    return Response(text, status, media_type=PLAIN_MEDIA_TYPE if plain else MEDIA_TYPE)


def _error(request: Request, status: int, code: int, message: str) -> Response:
    return _json(request, {"error_code": code, "message": message}, status)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = error.status_code
    return _error(request, code if code < 1000 else code // 100, code, error.detail)


async def _away(request: Request, error: Exception) -> Response:
    return _error(request, 503, 50001, f"the database is away: {type(error).__name__}. Try: again in a moment")


async def _failed(request: Request, error: Exception) -> Response:
    return _error(request, 500, 50001, f"the registry failed: {type(error).__name__}. Try: penstock logs registry")


def _handler(status: int, code: int) -> Callable[[Request, Exception], Awaitable[Response]]:
    async def handle(request: Request, error: Exception) -> Response:
        return _error(request, status, code, str(error))

    return handle


_HANDLERS = {
    UnknownSubject: _handler(404, 40401),
    UnknownVersion: _handler(404, 40402),
    UnknownSchema: _handler(404, 40403),
    SubjectDeleted: _handler(404, 40404),
    SubjectNotDeleted: _handler(404, 40405),
    VersionDeleted: _handler(404, 40406),
    VersionNotDeleted: _handler(404, 40407),
    InvalidSchema: _handler(422, 42201),
    Incompatible: _handler(409, 409),
}
