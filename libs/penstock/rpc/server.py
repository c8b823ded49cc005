"""One way for every service to serve gRPC: health, reflection, limits, deadlines, and errors as status codes."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

from penstock.errors import PenstockError, UsageError
from penstock.fold.weather import Weather
from penstock.rpc import NotFound, Unavailable

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
CALLS_MAX = 500  # one aio channel cancels calls above about 1,800 in flight (measured)
HANDLER_TIMEOUT_S = 60.0  # of one answer, when the caller gives no deadline, or a longer one
STREAM_TIMEOUT_S = 3_600.0  # of a stream of answers: a proof folds a whole log
STOP_GRACE_S = 3.0
KEEPALIVE_MS = 30_000
CONNECTION_AGE_MAX_MS = 3_600_000
OPTIONS = (
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.http2.min_recv_ping_interval_without_data_ms", KEEPALIVE_MS // 2),
    ("grpc.max_connection_age_ms", CONNECTION_AGE_MAX_MS),
    ("grpc.max_connection_age_grace_ms", int(HANDLER_TIMEOUT_S * 1000)),
    ("grpc.so_reuseport", 0),  # a port that is taken is an error, not a shared port
)
UNGUARDED = ("/grpc.health.", "/grpc.reflection.")  # Watch lives as long as its caller

Errors = tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True)
class Service:
    """A service to serve: its descriptor, the generated `add_…_to_server`, and the object that answers."""

    descriptor: ServiceDescriptor
    add: Callable[[Any, grpc.aio.Server], None]
    servicer: Any


@contextlib.asynccontextmanager
async def serve_grpc(services: Sequence[Service], host: str, port: int, weather: Errors = (OSError,)) -> AsyncIterator[int]:
    """Serve gRPC while inside; yields the port. `weather` lists what a handler raises when something behind it is away (UNAVAILABLE).

    Health: "" says that the process lives, a service's full name that it serves (gRPC health checking protocol).

    Raises: PenstockError when the port cannot be had.
    """
    server = grpc.aio.server(options=OPTIONS, maximum_concurrent_rpcs=CALLS_MAX, interceptors=[_Guard(weather)])
    names = [service.descriptor.full_name for service in services]
    for service in services:
        service.add(service.servicer, server)
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    state = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(state, server)
    bound = _bind(server, host, port)
    await server.start()
    for name in (health.OVERALL_HEALTH, *names):
        await state.set(name, health_pb2.HealthCheckResponse.SERVING)
    try:
        yield bound
    finally:
        await state.enter_graceful_shutdown()
        await server.stop(STOP_GRACE_S)


def _bind(server: grpc.aio.Server, host: str, port: int) -> int:
    try:
        return server.add_insecure_port(f"{host}:{port}")
    except RuntimeError as error:
        raise PenstockError(f"cannot listen on {host}:{port}: the port is taken. Try: penstock doctor") from error


def status_of(error: PenstockError) -> grpc.StatusCode:
    """The status code that stands for an error.

    >>> status_of(NotFound("no such model")).name
    'NOT_FOUND'
    """
    match error:
        case NotFound():
            return grpc.StatusCode.NOT_FOUND
        case UsageError():
            return grpc.StatusCode.INVALID_ARGUMENT
        case Unavailable() | Weather():
            return grpc.StatusCode.UNAVAILABLE
        case _:
            return grpc.StatusCode.FAILED_PRECONDITION


class _Guard(grpc.aio.ServerInterceptor):
    """Gives every handler a deadline and turns what it raises into a status."""

    def __init__(self, weather: Errors) -> None:
        self._weather = weather

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], handler_call_details: grpc.HandlerCallDetails
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or handler_call_details.method.startswith(UNGUARDED):
            return handler
        return self._streamed(handler) if handler.response_streaming else self._single(handler)

    def _single(self, handler: Any) -> Any:
        inner = handler.stream_unary or handler.unary_unary
        make = grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler

        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            async with self._guarded(context, HANDLER_TIMEOUT_S):
                return await inner(request, context)

        return make(answer, handler.request_deserializer, handler.response_serializer)

    def _streamed(self, handler: Any) -> Any:
        inner = handler.stream_stream or handler.unary_stream
        make = grpc.stream_stream_rpc_method_handler if handler.request_streaming else grpc.unary_stream_rpc_method_handler

        async def answer(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> AsyncIterator[Any]:
            async with self._guarded(context, STREAM_TIMEOUT_S):
                async for message in inner(request, context):
                    yield message

        return make(answer, handler.request_deserializer, handler.response_serializer)

    @contextlib.asynccontextmanager
    async def _guarded(self, context: grpc.aio.ServicerContext[Any, Any], limit_s: float) -> AsyncIterator[None]:
        remaining_s = context.time_remaining()
        timeout_s = limit_s if remaining_s is None else min(remaining_s, limit_s)
        try:
            async with asyncio.timeout(timeout_s):
                yield
        except TimeoutError:
            await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, f"no answer within {timeout_s:.1f} s")
        except PenstockError as error:
            await context.abort(status_of(error), str(error))
        except self._weather as error:
            await context.abort(grpc.StatusCode.UNAVAILABLE, f"{type(error).__name__}: {error}")
