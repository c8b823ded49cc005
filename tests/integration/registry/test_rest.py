import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from penstock.records.schemas import HttpSchemaRegistry, MemorySchemaRegistry, SchemaRegistryError, UnknownSchema
from penstock_registry.ledger import Ledger
from tests.integration.registry.rest import SUBJECT, WIND, body, field, record, serving_rest

MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"


@pytest.fixture
async def address(ledger: Ledger) -> AsyncIterator[str]:
    async with serving_rest(ledger) as url:
        yield url


@pytest.fixture
async def schemas(address: str) -> AsyncIterator[HttpSchemaRegistry]:
    async with contextlib.aclosing(HttpSchemaRegistry(address)) as client:
        yield client


@pytest.fixture
async def http(address: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=address) as client:
        yield client


async def test_the_same_schema_has_one_id_under_every_subject_however_many_come_at_once(schemas: HttpSchemaRegistry) -> None:
    subjects = [f"validated.s{number % 5}-penstock.streams.Flights" for number in range(40)]
    ids = await asyncio.gather(*(schemas.register(subject, record(WIND)) for subject in subjects))
    assert len(set(ids)) == 1
    assert await schemas.by_id(ids[0]) == record(WIND)


async def test_the_schemas_of_a_topic_are_those_under_its_subjects_here_and_in_the_twin(schemas: HttpSchemaRegistry) -> None:
    twin = MemorySchemaRegistry()
    for registry in (schemas, twin):
        mine = [await registry.register("events.flights-value", record(WIND)), await registry.register("events.flights-value", record())]
        other = await registry.register("events.flights2-value", record(field("x")))
        assert await registry.of_topic("events.flights") == {mine[0]: record(WIND), mine[1]: record()}
        assert await registry.of_topic("events.flights2") == {other: record(field("x"))}
        assert await registry.of_topic("events") == {}


async def test_an_id_that_nobody_gave_is_unknown(schemas: HttpSchemaRegistry) -> None:
    with pytest.raises(UnknownSchema):
        await schemas.by_id(4_000_000)


async def test_a_schema_that_breaks_readers_is_refused(schemas: HttpSchemaRegistry) -> None:
    await schemas.register(SUBJECT, record(field("distance")))
    with pytest.raises(SchemaRegistryError, match="BACKWARD_TRANSITIVE"):
        await schemas.register(SUBJECT, record(field("distance"), field("wind")))


async def test_versions_are_counted_and_found_again(http: httpx.AsyncClient) -> None:
    ids = [
        (await http.post(f"/subjects/{SUBJECT}/versions", json=body(schema))).json()["id"]
        for schema in (record(field("a")), record(field("a"), WIND), record(field("a")))
    ]
    assert ids[0] == ids[2] != ids[1]
    assert (await http.get(f"/subjects/{SUBJECT}/versions")).json() == [1, 2]
    for name in ("latest", "-1", "2"):
        latest = (await http.get(f"/subjects/{SUBJECT}/versions/{name}")).json()
        assert (latest["subject"], latest["version"], latest["id"]) == (SUBJECT, 2, ids[1])
    found = await http.post(f"/subjects/{SUBJECT}", json=body(record(field("a"))))
    assert (found.json()["version"], found.headers["content-type"]) == (1, MEDIA_TYPE)
    assert SUBJECT in (await http.get("/subjects")).json()


async def test_compatibility_can_be_asked_before(http: httpx.AsyncClient) -> None:
    await http.post(f"/subjects/{SUBJECT}/versions", json=body(record(field("a"))))
    url = f"/compatibility/subjects/{SUBJECT}/versions/latest"
    assert (await http.post(url, json=body(record(field("a"), WIND)))).json()["is_compatible"] is True
    refused = (await http.post(url, json=body(record(field("a"), field("b"))))).json()
    assert refused["is_compatible"] is False
    assert "b" in refused["messages"][0]


async def test_the_level_of_a_subject_can_be_set(http: httpx.AsyncClient) -> None:
    url = f"/config/{SUBJECT}"
    assert (await http.get("/config")).json() == {"compatibilityLevel": "BACKWARD"}
    assert (await http.get(f"{url}?defaultToGlobal=true")).json() == {"compatibilityLevel": "BACKWARD_TRANSITIVE"}
    assert (await http.put(url, json={"compatibility": "NONE"})).json() == {"compatibility": "NONE"}
    assert (await http.get(url)).json() == {"compatibilityLevel": "NONE"}
    for schema in (record(field("a")), record(field("b"))):
        assert (await http.post(f"/subjects/{SUBJECT}/versions", json=body(schema))).status_code == 200


@pytest.mark.parametrize(
    ("method", "url", "sent", "status", "code"),
    [
        ("GET", "/subjects/nobody/versions", None, 404, 40401),
        ("GET", "/subjects/nobody/versions/1", None, 404, 40401),
        ("POST", "/subjects/nobody", body("int"), 404, 40401),
        ("GET", "/subjects/known/versions/9", None, 404, 40402),
        ("GET", "/subjects/known/versions/first", None, 422, 42202),
        ("GET", "/schemas/ids/999999", None, 404, 40403),
        ("GET", "/schemas/ids/x", None, 404, 40403),
        ("POST", "/subjects/known", body("long"), 404, 40403),
        ("POST", "/subjects/known/versions", {"schema": "{"}, 422, 42201),
        ("POST", "/subjects/known/versions", {"schema": 7}, 422, 42201),
        ("POST", "/subjects/known/versions", {}, 422, 42201),
        ("POST", "/subjects/known/versions", [1], 422, 42201),
        ("POST", "/subjects/known/versions", {"schema": "{}", "schemaType": "JSON"}, 422, 42201),
        ("POST", "/subjects/events.known-value/versions", body({"type": "array", "items": "null"}), 422, 42201),
        ("POST", "/subjects/known/versions", body("string"), 409, 409),
        ("PUT", "/config/known", {"compatibility": "SOMETIMES"}, 422, 42203),
        ("GET", "/config/known", None, 404, 40408),
        ("POST", "/subjects/known/versions", {**body("int"), "references": [{"name": "a", "subject": "b", "version": 1}]}, 422, 42201),
        ("POST", "/subjects/known/versions", {**body("int"), "ruleSet": {"domainRules": [{}]}}, 422, 42201),
        ("POST", "/subjects/known/versions", {**body("int"), "id": 7}, 422, 42205),
        ("POST", "/subjects/known/versions", body({"type": "record", "name": "R", "fields": [field("x", "int", default="x")]}), 422, 42201),
        ("POST", "/compatibility/subjects/known/versions/9", body("int"), 404, 40402),
        ("DELETE", "/subjects/nobody", None, 404, 40401),
        ("DELETE", "/subjects/known?permanent=true", None, 404, 40405),
        ("DELETE", "/subjects/known/versions/9", None, 404, 40402),
        ("DELETE", "/subjects/known/versions/1?permanent=true", None, 404, 40407),
        ("DELETE", "/config/known", None, 404, 40401),
        ("PUT", "/config", {"compatibility": "NONE", "alias": "other"}, 422, 42203),
        ("GET", "/mode/known", None, 404, 40409),
        ("PUT", "/mode", {"mode": "IMPORT"}, 422, 42205),
        ("GET", "/subjects?offset=x", None, 422, 422),
        ("GET", "/associations/resources/-/flights", None, 404, 404),
        ("DELETE", "/subjects", None, 405, 405),
    ],
)
async def test_errors_have_the_codes_that_clients_know(
    http: httpx.AsyncClient, method: str, url: str, sent: Any, status: int, code: int
) -> None:
    await http.post("/subjects/known/versions", json=body("int"))
    answer = await http.request(method, url, json=sent)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.json()["message"]
