"""What a schema registry keeps: many clients at once, deletion, look-ups from a schema's id, levels."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from penstock_registry.ledger import Ledger
from tests.integration.registry.rest import SUBJECT, WIND, body, field, put, record, serving_rest

CLIENTS = 64


@pytest.fixture
async def http(ledger: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    async with serving_rest(ledger) as url, httpx.AsyncClient(base_url=url, timeout=60) as client:
        yield client


async def test_many_connections_that_register_at_once_get_one_id_for_one_schema_and_versions_without_gaps(
    ledger: Ledger, http: httpx.AsyncClient
) -> None:
    """Each client registers, in its own order, ten schemas that are compatible with each other in any order."""
    schemas = [record(field("a"), {**WIND, "doc": str(number)}) for number in range(10)]

    async def register(client: int) -> list[tuple[int, int]]:
        async with httpx.AsyncClient(base_url=http.base_url, timeout=60) as own:
            order = [(client + step) % 10 for step in range(10)]
            return [(number, await put(own, "orders-value", schemas[number])) for number in order]

    found = await asyncio.gather(*(register(client) for client in range(CLIENTS)))
    ids = dict(found[0])
    assert all(dict(each) == ids for each in found)
    assert len(set(ids.values())) == 10
    assert (await http.get("/subjects/orders-value/versions")).json() == list(range(1, 11))
    assert await ledger.broken_at() is None


async def test_many_that_register_what_excludes_each_other_leave_one(http: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(
        *(http.post(f"/subjects/{SUBJECT}/versions", json=body(record(field(f"f{number}")))) for number in range(CLIENTS))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (CLIENTS - 1)
    assert (await http.get(f"/subjects/{SUBJECT}/versions")).json() == [1]


async def test_the_same_schema_has_one_id_however_it_is_spelled(http: httpx.AsyncClient) -> None:
    plain = await put(http, "a-value", {"type": "record", "name": "x.R", "fields": [field("s", "string")]})
    spelled = {"fields": [{"type": {"type": "string"}, "name": "s", "order": "ascending"}], "namespace": "x", "name": "R", "type": "record"}
    assert await put(http, "a-value", spelled) == await put(http, "b-value", spelled) == plain
    found = await http.post("/subjects/a-value?normalize=true", json=body(spelled))
    assert (found.json()["id"], found.json()["version"]) == (plain, 1)


async def test_normalize_keeps_the_canonical_text_and_without_it_the_text_as_it_came(http: httpx.AsyncClient) -> None:
    text = '{"type": "array",  "items": {"type": "int"}}'
    for subject, query in (("a-value", "?normalize=true"), ("b-value", "")):
        sent = text if not query else text.replace("int", "long")
        await http.post(f"/subjects/{subject}/versions{query}", json={"schema": sent})
    assert (await http.get("/subjects/a-value/versions/1/schema")).text == '{"items":"long","type":"array"}'
    assert (await http.get("/subjects/b-value/versions/1/schema")).text == text


async def test_a_deleted_version_is_out_of_sight_until_asked_for_and_its_number_stays_taken(http: httpx.AsyncClient) -> None:
    first, second = await put(http, SUBJECT, record(field("a"))), await put(http, SUBJECT, record(field("a"), WIND))
    assert (await http.delete(f"/subjects/{SUBJECT}/versions/latest")).json() == 2
    assert (await http.get(f"/subjects/{SUBJECT}/versions")).json() == [1]
    assert (await http.get(f"/subjects/{SUBJECT}/versions?deleted=true")).json() == [1, 2]
    assert (await http.get(f"/subjects/{SUBJECT}/versions?deletedOnly=true")).json() == [2]
    assert (await http.get(f"/subjects/{SUBJECT}/versions/2")).json()["error_code"] == 40402
    assert (await http.get(f"/subjects/{SUBJECT}/versions/2?deleted=true")).json()["deleted"] is True
    assert (await http.delete(f"/subjects/{SUBJECT}/versions/2")).json()["error_code"] == 40406
    assert await put(http, SUBJECT, record(field("a"), WIND)) == second != first
    assert (await http.get(f"/subjects/{SUBJECT}/versions")).json() == [1, 3]


async def test_what_was_deleted_is_compared_with_no_more(http: httpx.AsyncClient) -> None:
    await put(http, SUBJECT, record(field("a")))
    other = body(record(field("b", "string")))
    assert (await http.post(f"/subjects/{SUBJECT}/versions", json=other)).status_code == httpx.codes.CONFLICT
    await http.delete(f"/subjects/{SUBJECT}")
    assert (await http.post(f"/subjects/{SUBJECT}/versions", json=other)).status_code == httpx.codes.OK


async def test_a_subject_is_deleted_with_its_level_then_for_good_and_its_ids_answer_for_ever(http: httpx.AsyncClient) -> None:
    ids = [await put(http, "a-value", record(field("a"))), await put(http, "a-value", record(field("a"), WIND))]
    await http.put("/config/a-value", json={"compatibility": "FULL"})
    assert (await http.delete("/subjects/a-value")).json() == [1, 2]
    assert (await http.get("/config/a-value")).json()["error_code"] == 40408
    assert (await http.get("/subjects")).json() == []
    assert (await http.get("/subjects?deletedOnly=true")).json() == ["a-value"]
    assert (await http.delete("/subjects/a-value")).json()["error_code"] == 40404
    assert (await http.delete("/subjects/a-value?permanent=true")).json() == [1, 2]
    assert (await http.get("/subjects?deleted=true")).json() == []
    assert [(await http.get(f"/schemas/ids/{id}")).status_code for id in ids] == [httpx.codes.OK] * 2
    assert await put(http, "a-value", record(field("a"))) == ids[0]
    assert (await http.get("/subjects/a-value/versions")).json() == [1]


async def test_a_schema_tells_where_it_is_used(http: httpx.AsyncClient) -> None:
    id = await put(http, "b-value", record(WIND))
    await put(http, "a-value", record(field("a")))
    await put(http, "a-value", record(field("a"), WIND))
    assert await put(http, "a-value", record(WIND)) == id
    assert (await http.get(f"/schemas/ids/{id}/subjects")).json() == ["a-value", "b-value"]
    assert (await http.get(f"/schemas/ids/{id}/versions")).json() == [
        {"subject": "a-value", "version": 3},
        {"subject": "b-value", "version": 1},
    ]
    assert json.loads((await http.get(f"/schemas/ids/{id}/schema")).text) == record(WIND)
    assert (await http.get("/schemas/ids/999/subjects")).json()["error_code"] == 40403


async def test_every_schema_can_be_listed_by_prefix_newest_alone_and_page_by_page(http: httpx.AsyncClient) -> None:
    for subject in ("a-value", "b-value", "c-value"):
        await put(http, subject, record(field("a")))
        await put(http, subject, record(field("a"), WIND))

    async def listed(query: str) -> list[tuple[str, int]]:
        return [(one["subject"], one["version"]) for one in (await http.get(f"/schemas{query}")).json()]

    assert await listed("?subjectPrefix=b") == [("b-value", 1), ("b-value", 2)]
    assert await listed("?latestOnly=true&offset=1&limit=1") == [("b-value", 2)]
    assert (await http.get("/subjects?subjectPrefix=c")).json() == ["c-value"]
    assert (await http.get("/subjects?limit=2")).json() == ["a-value", "b-value"]


async def test_compatibility_is_asked_of_one_version_or_of_all(http: httpx.AsyncClient) -> None:
    await http.put("/config/a-value", json={"compatibility": "NONE"})
    await put(http, "a-value", record(field("x", "string")))
    await put(http, "a-value", record(WIND))
    await http.put("/config/a-value", json={"compatibility": "BACKWARD_TRANSITIVE"})
    asked = body(record(WIND, field("x", "long", default=0)))

    async def compatible(path: str) -> Any:
        return (await http.post(f"/compatibility/subjects/{path}", json=asked)).json()["is_compatible"]

    assert await compatible("a-value/versions/latest") is True
    assert await compatible("a-value/versions/1") is False
    assert await compatible("a-value/versions") is False
    assert await compatible("nobody/versions/latest") is True


async def test_a_level_can_be_taken_back(http: httpx.AsyncClient) -> None:
    await http.put("/config", json={"compatibility": "FULL"})
    await http.put("/config/a-value", json={"compatibility": "NONE"})
    assert (await http.delete("/config/a-value")).json() == {"compatibilityLevel": "NONE"}
    assert (await http.get("/config/a-value?defaultToGlobal=true")).json() == {"compatibilityLevel": "FULL"}
    assert (await http.delete("/config")).json() == {"compatibilityLevel": "FULL"}
    assert (await http.get("/config")).json() == {"compatibilityLevel": "BACKWARD"}


async def test_what_clients_ask_first_is_answered(http: httpx.AsyncClient) -> None:
    await put(http, "a-value", "int")
    for path, answer in {
        "/": {},
        "/contexts": ["."],
        "/schemas/types": ["AVRO"],
        "/mode": {"mode": "READWRITE"},
        "/mode/a-value?defaultToGlobal=true": {"mode": "READWRITE"},
        "/subjects/a-value/versions/1/referencedby": [],
    }.items():
        assert (await http.get(path)).json() == answer


@pytest.mark.parametrize(
    ("accepted", "given"),
    [
        ("application/vnd.schemaregistry.v1+json, application/vnd.schemaregistry+json, application/json", "vnd.schemaregistry.v1+json"),
        ("application/json", "json"),
        ("*/*", "vnd.schemaregistry.v1+json"),
    ],
)
async def test_the_media_type_is_the_one_that_is_asked_for(http: httpx.AsyncClient, accepted: str, given: str) -> None:
    assert (await http.get("/subjects", headers={"Accept": accepted})).headers["content-type"] == f"application/{given}"


async def test_a_subject_may_hold_what_a_path_may_not(http: httpx.AsyncClient) -> None:
    subject = "team/a b:über-value"
    encoded = "team%2Fa%20b%3A%C3%BCber-value"
    await put(http, encoded, "int")
    assert (await http.get("/subjects")).json() == [subject]
    assert (await http.get(f"/subjects/{encoded}/versions/1")).json()["subject"] == subject


async def test_a_database_that_is_away_is_told_as_such_and_any_other_failure_too(ledger: Ledger, http: httpx.AsyncClient) -> None:
    await ledger.pool.execute("ALTER TABLE schemas RENAME TO gone")
    failed = await http.get("/schemas/ids/1")
    await ledger.pool.close()
    away = await http.get("/schemas/ids/1")
    assert [(answer.status_code, answer.json()["error_code"]) for answer in (failed, away)] == [(500, 50001), (503, 50001)]
