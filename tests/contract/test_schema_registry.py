"""The client of a Confluent-compatible schema registry: what it refuses for good, and what it may do later."""

from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from penstock.fold.weather import Weather
from penstock.process import serve_http
from penstock.records.schemas import HttpSchemaRegistry, SchemaRegistryError, UnknownSchema


@asynccontextmanager
async def answering(status: int, **answer_with: object) -> AsyncIterator[HttpSchemaRegistry]:
    """A client of a schema registry that answers everything with this status."""

    async def answer(_: Request) -> Response:
        if "html" in answer_with:
            return HTMLResponse(answer_with["html"], status)
        return JSONResponse(answer_with or {"error_code": status, "message": "no"}, status)

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
    async with serve_http(app, "127.0.0.1", 0) as port, aclosing(HttpSchemaRegistry(f"http://127.0.0.1:{port}")) as client:
        yield client


@pytest.mark.parametrize("status", [409, 422])
async def test_a_schema_that_is_refused_is_no_weather(status: int) -> None:
    async with answering(status) as client:
        with pytest.raises(SchemaRegistryError) as refused:
            await client.register("a-A", {"type": "string"})
    assert not isinstance(refused.value, Weather)


@pytest.mark.parametrize("status", [401, 404, 429, 500, 503])
async def test_any_other_answer_is_weather(status: int) -> None:
    async with answering(status) as client:
        with pytest.raises(Weather):
            await client.register("a-A", {"type": "string"})


async def test_an_id_that_no_schema_has_is_unknown_and_any_other_failure_is_weather() -> None:
    async with answering(404) as client:
        with pytest.raises(UnknownSchema):
            await client.by_id(7)
    async with answering(422) as client:
        with pytest.raises(Weather):
            await client.by_id(7)


@pytest.mark.parametrize("more", [{"schemaType": "PROTOBUF"}, {"schemaType": "JSON"}, {"references": [{"name": "a"}]}])
async def test_a_schema_of_another_kind_or_one_in_pieces_is_one_that_cannot_be_read(more: dict[str, object]) -> None:
    async with answering(200, schema='syntax = "proto3";', **more) as client:
        with pytest.raises(UnknownSchema, match="whole Avro schemas"):
            await client.by_id(7)


async def test_an_answer_that_is_no_json_such_as_a_proxys_page_is_weather() -> None:
    async with answering(200, html="<html>") as client:
        for asked in (client.by_id(7), client.of_topic("a"), client.register("a-A", {"type": "string"})):
            with pytest.raises(Weather, match="html"):
                await asked


async def test_a_subject_is_sent_as_one_part_of_the_path() -> None:
    seen = []

    async def answer(request: Request) -> Response:
        seen.append(request.scope["raw_path"])
        return JSONResponse({"id": 1})

    app = Starlette(routes=[Route("/{path:path}", answer, methods=["POST"])])
    async with serve_http(app, "127.0.0.1", 0) as port, aclosing(HttpSchemaRegistry(f"http://127.0.0.1:{port}")) as client:
        assert await client.register("a/b?c-value", {"type": "string"}) == 1
    assert seen == [b"/subjects/a%2Fb%3Fc-value/versions"]
