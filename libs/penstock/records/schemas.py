"""Schemas by name and by id: the platform's own, those made from a spec, and the registry that numbers them."""

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

from penstock.errors import PenstockError
from penstock.fold.weather import Weather
from penstock.records.generated import SCHEMAS

if TYPE_CHECKING:
    import httpx

Schema = dict[str, Any]
REQUEST_TIMEOUT_S = 10.0
SCHEMAS_OF_TOPIC_MAX = 100
MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
REFUSED = (HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)  # incompatible, invalid (Confluent's API): for good


class UnknownSchema(PenstockError):
    """No schema has this id."""


class SchemaRegistryError(PenstockError):
    """The schema registry refused a schema, and will refuse it again."""


class SchemaRegistryUnavailable(SchemaRegistryError, Weather):
    """The schema registry did not do what was asked, but may do it later."""


class SchemaRegistry(Protocol):
    """Gives every schema one id, for ever (Confluent Schema Registry REST API, /subjects and /schemas/ids).

    `of_topic` gives the schemas that stand under the subjects of a topic, those named `<topic>-…`.
    """

    async def register(self, subject: str, schema: Schema) -> int: ...
    async def by_id(self, id: int) -> Schema: ...
    async def of_topic(self, topic: str) -> dict[int, Schema]: ...


class HttpSchemaRegistry:
    """The schema registry at a URL: ours, or Confluent's, Karapace, Apicurio.

    Raises: UnknownSchema for an id that is not there, or not of a whole Avro schema; SchemaRegistryError for a schema that it refuses;
    SchemaRegistryUnavailable for any other answer; httpx.TransportError when it is away.
    """

    def __init__(self, url: str) -> None:
        import httpx  # noqa: PLC0415  # producers need no HTTP, and it brings the command line's libraries along

        self._client = httpx.AsyncClient(base_url=url, timeout=REQUEST_TIMEOUT_S, headers={"Accept": MEDIA_TYPE})

    async def register(self, subject: str, schema: Schema) -> int:
        """The id of `schema`, registered under `subject` if it is new."""
        response = await self._client.post(f"/subjects/{quote(subject, safe='')}/versions", json={"schema": json.dumps(schema)})
        if response.is_error:
            kind = SchemaRegistryError if response.status_code in REFUSED else SchemaRegistryUnavailable
            raise kind(f"schema for {subject} was refused: {response.text[:300]}")
        return int(_json(response, f"the id of {subject}")["id"])

    async def by_id(self, id: int) -> Schema:
        """The schema with this id."""
        response = await self._client.get(f"/schemas/ids/{id}")
        if response.status_code == HTTPStatus.NOT_FOUND:
            raise UnknownSchema(f"no schema has id {id}")
        if response.is_error:
            raise SchemaRegistryUnavailable(f"schema {id} could not be read: {response.text[:300]}")
        answer = _json(response, f"schema {id}")
        if (kind := answer.get("schemaType", "AVRO")) != "AVRO" or answer.get("references"):
            raise UnknownSchema(f"schema {id} is {kind}, or refers to others; whole Avro schemas are read")
        schema: Schema = json.loads(answer["schema"])
        return schema

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def of_topic(self, topic: str) -> dict[int, Schema]:
        """Every Avro schema under the subjects of a topic, by id, the newest SCHEMAS_OF_TOPIC_MAX of each subject."""
        found: dict[int, Schema] = {}
        for subject in await self._read("/subjects"):
            if subject.startswith(f"{topic}-"):
                place = f"/subjects/{quote(subject, safe='')}/versions"
                for version in (await self._read(place))[-SCHEMAS_OF_TOPIC_MAX:]:
                    one = await self._read(f"{place}/{version}")
                    if one.get("schemaType", "AVRO") == "AVRO" and not one.get("references"):
                        found[one["id"]] = json.loads(one["schema"])
        return found

    async def _read(self, path: str) -> Any:
        response = await self._client.get(path)
        if response.is_error:
            raise SchemaRegistryUnavailable(f"{path} could not be read: {response.text[:300]}")
        return _json(response, path)


def _json(response: "httpx.Response", what: str) -> Any:
    try:
        return response.json()
    except ValueError as error:  # a proxy's page, say: what a registry answers is JSON
        raise SchemaRegistryUnavailable(f"{what} could not be read: {response.text[:300]}") from error


class MemorySchemaRegistry:
    """The schema registry's twin in memory, for tests and offline folds; `known` schemas have their ids, new ones get higher ones."""

    def __init__(self, known: Mapping[int, Schema] | None = None) -> None:
        self._schemas = dict(known or {})
        self._ids = {_text(schema): id for id, schema in sorted(self._schemas.items(), reverse=True)}
        self._subjects: dict[str, dict[int, Schema]] = {}

    async def register(self, subject: str, schema: Schema) -> int:
        """The id of `schema`; the same schema has the same id under every subject."""
        id = self._ids.setdefault(_text(schema), max(self._schemas, default=0) + 1)
        self._schemas[id] = self._subjects.setdefault(subject, {})[id] = schema
        return id

    async def by_id(self, id: int) -> Schema:
        """The schema with this id."""
        if id not in self._schemas:
            raise UnknownSchema(f"no schema has id {id}")
        return self._schemas[id]

    async def of_topic(self, topic: str) -> dict[int, Schema]:
        """Every schema under the subjects of a topic, by id."""
        subjects = [schemas for subject, schemas in self._subjects.items() if subject.startswith(f"{topic}-")]
        return {id: schema for schemas in subjects for id, schema in schemas.items()}

    def ids(self) -> list[int]:
        """Every id that has been given."""
        return sorted(self._schemas)

    async def aclose(self) -> None:
        """Nothing to close."""


def _text(schema: Schema) -> str:
    return json.dumps(schema, sort_keys=True)


def platform_schema(name: str) -> Schema:
    """The schema of a platform record, such as "Label", complete in itself: what it refers to is written out at its first use."""
    schema: Schema = _inline(SCHEMAS[name], {}, set())
    return schema


def with_features(name: str, fields: list[Schema]) -> Schema:
    """The schema of "FeatureVector" or "Prediction" for one model: `fields` are the Avro fields of its features."""
    features = {**SCHEMAS["Features"], "doc": "The features of this model's view.", "fields": fields}
    schema: Schema = _inline(SCHEMAS[name], {"penstock.Features": features}, set())
    return schema


def _inline(schema: Any, replaced: dict[str, Schema], seen: set[str]) -> Any:
    match schema:
        case str() if schema.startswith("penstock.") and schema not in seen:
            return _inline(replaced.get(schema, SCHEMAS[schema.removeprefix("penstock.")]), replaced, seen)
        case {"type": "record", "name": name, "fields": fields}:
            seen.add(f"penstock.{name}")
            return {**schema, "fields": [{**field, "type": _inline(field["type"], replaced, seen)} for field in fields]}
        case {"type": "array", "items": items}:
            return {**schema, "items": _inline(items, replaced, seen)}
        case list():
            return [_inline(branch, replaced, seen) for branch in schema]
    return schema
