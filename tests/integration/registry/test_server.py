import asyncio

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]

from penstock.errors import PenstockError
from penstock.registry_client import RegistryClient, RegistryUnavailable
from penstock.rpc.registry.v1 import registry_pb2 as pb, registry_pb2_grpc
from penstock.rpc.server import Service, serve_grpc
from tests.integration.registry.running import Running
from tests.waiting import until

NAME = "penstock.registry.v1.Registry"


async def test_health_knows_the_process_and_the_service(registry: Running) -> None:
    async with grpc.aio.insecure_channel(registry.settings.registry) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        for name in ("", NAME):
            answer = await stub.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_reflection_lists_the_service(registry: Running) -> None:
    async with grpc.aio.insecure_channel(registry.settings.registry) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        answers = [answer async for answer in call]
        assert NAME in [service.name for service in answers[0].list_services_response.service]


class Hanging(registry_pb2_grpc.RegistryServicer):
    """Answers nothing in time."""

    def __init__(self, ended: asyncio.Event) -> None:
        self.ended = ended

    async def GetServing(self, request: pb.GetServingRequest, context: object) -> pb.Serving:  # noqa: N802
        try:
            await asyncio.Event().wait()
        finally:
            self.ended.set()
        return pb.Serving()

    async def ListSpecs(self, request: pb.ListSpecsRequest, context: object) -> pb.ListSpecsResponse:  # noqa: N802
        raise ConnectionRefusedError("the database is away")

    async def ListAliases(self, request: pb.ListAliasesRequest, context: object) -> pb.ListAliasesResponse:  # noqa: N802
        raise KeyError("a bug of the registry")


def hanging(ended: asyncio.Event | None = None) -> Service:
    servicer = Hanging(ended or asyncio.Event())  # type: ignore[abstract]  # what it does not answer is UNIMPLEMENTED
    return Service(pb.DESCRIPTOR.services_by_name["Registry"], registry_pb2_grpc.add_RegistryServicer_to_server, servicer)


async def test_a_handler_ends_when_its_caller_waits_no_longer() -> None:
    ended = asyncio.Event()
    async with serve_grpc([hanging(ended)], "127.0.0.1", 0) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: registry_pb2_grpc.RegistryAsyncStub = registry_pb2_grpc.RegistryStub(channel)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.GetServing(pb.GetServingRequest(model="late"), timeout=0.3)
        assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        await until(ended.is_set)


async def test_weather_behind_a_handler_is_unavailable_and_not_a_crash() -> None:
    async with serve_grpc([hanging()], "127.0.0.1", 0) as port, RegistryClient(f"127.0.0.1:{port}") as client:
        with pytest.raises(RegistryUnavailable, match=r"^(?!.*UNKNOWN).*the database is away"):
            await client.specs()


async def test_a_fault_of_the_registry_does_not_end_those_who_ask_it() -> None:
    async with serve_grpc([hanging()], "127.0.0.1", 0) as port, RegistryClient(f"127.0.0.1:{port}") as client:
        with pytest.raises(RegistryUnavailable, match=r"failed: UNKNOWN.*a bug of the registry"):
            await client.aliases("any")


async def test_a_registry_that_is_away_is_said_to_be() -> None:
    async with RegistryClient("127.0.0.1:1") as client:
        with pytest.raises(RegistryUnavailable, match=r"127\.0\.0\.1:1 does not answer.*Try: penstock status"):
            await client.specs()


async def test_a_port_that_is_taken_is_an_error_that_says_so() -> None:
    async with serve_grpc([hanging()], "127.0.0.1", 0) as port:
        with pytest.raises(PenstockError, match="the port is taken"):
            async with serve_grpc([], "127.0.0.1", port):
                pass
