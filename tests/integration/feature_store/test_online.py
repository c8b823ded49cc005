"""Online values on real PostgreSQL, written by effects and read over gRPC."""

import contextlib
import uuid
from collections.abc import AsyncIterator

import grpc
import pytest

from penstock.local.stack import Addresses
from penstock.postgres import connect
from penstock.records import Features
from penstock.rpc.features.v1 import features_pb2, features_pb2_grpc
from penstock.rpc.features.v1.features_pb2 import GetOnlineRequest, GetOnlineResponse
from penstock.rpc.server import Service, serve_grpc
from penstock_feature_store.online import OnlineStore
from penstock_feature_store.service import ENTITIES_MAX, OnlineFeatures
from penstock_feature_store.value import OnlineValue


@contextlib.asynccontextmanager
async def store_of(stack: Addresses) -> AsyncIterator[OnlineStore]:
    schema = f"t{uuid.uuid4().hex[:10]}"
    async with connect(stack.dsn, schema, "penstock_feature_store") as pool:
        try:
            yield OnlineStore(pool)
        finally:
            await pool.execute(f"DROP SCHEMA {schema} CASCADE")


async def ask(store: OnlineStore, request: GetOnlineRequest) -> GetOnlineResponse:
    service = Service(
        features_pb2.DESCRIPTOR.services_by_name["Features"], features_pb2_grpc.add_FeaturesServicer_to_server, OnlineFeatures(store)
    )
    async with serve_grpc([service], "127.0.0.1", 0) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: features_pb2_grpc.FeaturesAsyncStub = features_pb2_grpc.FeaturesStub(channel)
        return await stub.GetOnline(request, timeout=20)


async def test_the_newest_event_time_wins_whatever_the_order_of_writes(stack: Addresses) -> None:
    async with store_of(stack) as store:
        await store.write([OnlineValue("v", "a", 20, {"x": 2.0}), OnlineValue("v", "b", 5, {"x": 5.0})])
        await store.write([OnlineValue("v", "a", 10, {"x": 1.0}), OnlineValue("w", "a", 1, {"x": 9.0})])
        assert await store.read("v", ["a", "b", "c"]) == {"a": (20, {"x": 2.0}), "b": (5, {"x": 5.0})}
        await store.write([OnlineValue("v", "a", 20, {"x": 3.0})])  # the same event once more, after a crash
        assert await store.read("v", ["a"]) == {"a": (20, {"x": 3.0})}


async def test_many_entities_are_written_at_once(stack: Addresses) -> None:
    async with store_of(stack) as store:
        await store.write([])
        await store.write([OnlineValue("v", f"e{number}", number, {"x": float(number)}) for number in range(5_000)])
        assert (await store.read("v", ["e4999"]))["e4999"] == (4_999, {"x": 4_999.0})


async def test_rows_come_in_the_order_asked_with_the_types_they_had(stack: Addresses) -> None:
    features: Features = {"flag": True, "large": 1e22, "whole": 3.0, "hour": 7, "city": "Köln", "none": None}
    async with store_of(stack) as store:
        await store.write([OnlineValue("v", "a", 20, features)])
        response = await ask(store, GetOnlineRequest(view="v", entities=["nobody", "a"]))
    nobody, known = response.rows
    assert (nobody.entity, nobody.found) == ("nobody", False)
    assert (known.entity, known.found, known.event_time_ms) == ("a", True, 20)
    kinds = {name: value.WhichOneof("kind") for name, value in known.values.items()}
    assert kinds == {"flag": "flag", "large": "number", "whole": "number", "hour": "integer", "city": "text", "none": None}
    assert (known.values["large"].number, known.values["city"].text) == (1e22, "Köln")


async def test_too_many_entities_are_refused(stack: Addresses) -> None:
    async with store_of(stack) as store:
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask(store, GetOnlineRequest(view="v", entities=[str(number) for number in range(ENTITIES_MAX + 1)]))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
