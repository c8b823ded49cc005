"""The HTTP gateway: POST /events/<stream> answers 202 only when the events are in Kafka."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from penstock.fold.weather import Weather
from penstock.spec import Stream
from penstock_ingestion.door import JSON, JSON_LINES, Door, Message, Problem, Refused

BODY_BYTES_MAX = 4_000_000
REQUESTS_MAX = 32
BODY_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 10.0
RETRY_AFTER_S = 2

Send = Callable[[str, Sequence[Message]], Awaitable[list[int]]]
"""Appends messages to a topic; their offsets, once every replica that must has them. Raises: Weather."""

Judge = Callable[[Stream, str, bytes], Awaitable[list[Problem]]]
"""What would become of the records of a body, if they came to a stream's topic now. Raises: Refused, Weather."""


class Gateway:
    """Takes events over HTTP, checks them against the contract, and puts them where the ingestion fold reads them.

    Problems are RFC 9457 (application/problem+json). A 503 does not say that the events are lost: they may arrive later. Sending them again
    is safe for a stream with an id, whose duplicates are dropped.
    """

    def __init__(self, topic: Callable[[str], str], send: Send, judge: Judge) -> None:
        self._topic = topic
        self._send = send
        self._judge = judge
        self._doors: dict[str, Door] = {}
        self._requests = 0

    def open(self, streams: Mapping[str, Stream]) -> None:
        """Serve exactly these streams from now on."""
        self._doors = {name: self._door(name, stream) for name, stream in streams.items()}

    def app(self) -> Starlette:
        """The application to serve."""
        routes = [
            Route("/events/{stream}", self._events, methods=["POST"]),
            Route("/events/{stream}/ticks", self._ticks, methods=["POST"]),
            Route("/events/{stream}/trial", self._trial, methods=["POST"]),
        ]
        return Starlette(
            routes=routes, exception_handlers={HTTPException: _http_problem, Refused: _refused_problem, Weather: _away_problem}
        )

    async def _events(self, request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type not in (JSON, *JSON_LINES):
            raise HTTPException(415, f"content-type must be {JSON} (or {JSON_LINES[0]}). Try: curl --json '…'")
        door = self._find(request)
        async with self._slot():
            body = await _body(request)
            receipts = await self._append(door, door.messages(body, media_type, request.headers))
        is_batch = media_type != JSON or body.lstrip()[:1] == b"["
        return JSONResponse({"accepted": receipts} if is_batch else receipts[0], 202)

    async def _ticks(self, request: Request) -> Response:
        door = self._find(request)
        async with self._slot():
            receipts = await self._append(door, door.ticks(await _body(request)))
        return JSONResponse({"accepted": receipts}, 202)

    async def _trial(self, request: Request) -> Response:
        """Nothing is sent: `penstock dlq replay` asks what would be taken."""
        stream = self._find(request).stream
        async with self._slot():
            problems = await self._judge(stream, self._topic(stream.name), await _body(request))
        return JSONResponse({"problems": [asdict(problem) for problem in problems]})

    @contextlib.asynccontextmanager
    async def _slot(self) -> AsyncIterator[None]:
        if self._requests >= REQUESTS_MAX:
            raise HTTPException(429, f"{REQUESTS_MAX} requests are under way", {"Retry-After": str(RETRY_AFTER_S)})
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    async def _append(self, door: Door, messages: Sequence[Message]) -> list[dict[str, Any]]:
        topic = self._topic(door.stream.name)
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                offsets = await self._send(topic, messages)
        except TimeoutError as error:
            raise Weather(f"Kafka has not answered within {ANSWER_TIMEOUT_S:g} s") from error
        return [_receipt(topic, message, offset) for message, offset in zip(messages, offsets, strict=True)]

    def _door(self, name: str, stream: Stream) -> Door:
        door = self._doors.get(name)
        return door if door is not None and door.stream == stream else Door(stream)

    def _find(self, request: Request) -> Door:
        name = request.path_params["stream"]
        if name not in self._doors:
            raise HTTPException(
                404, f"there is no stream of this name. Streams: {', '.join(sorted(self._doors)) or 'none; try penstock apply'}"
            )
        return self._doors[name]


async def _body(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in request.stream():
                body += chunk
                if len(body) > BODY_BYTES_MAX:
                    raise HTTPException(413, f"the limit is {BODY_BYTES_MAX} bytes a request")
    except (ClientDisconnect, TimeoutError):
        raise HTTPException(408, f"the body did not arrive within {BODY_TIMEOUT_S:g} s") from None
    return bytes(body)


def _receipt(topic: str, message: Message, offset: int) -> dict[str, Any]:
    id = message.id or f"{topic}:{message.partition}:{offset}"
    return {"topic": topic, "partition": message.partition, "offset": offset, "id": id}


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, error.detail, headers=error.headers)


async def _refused_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _problem(error.status, error.title, errors=[asdict(problem) for problem in error.problems])


async def _away_problem(_: Request, error: Exception) -> Response:
    detail = f"{error}. The events may still arrive; send them again: duplicates by id are dropped"
    return _problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    content = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(content, status, headers=headers, media_type="application/problem+json")
