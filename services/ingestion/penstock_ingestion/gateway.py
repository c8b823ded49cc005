"""The HTTP gateway: POST /events/<stream> answers 202 only when the events are in Kafka."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from penstock.contract.problems import Problem
from penstock.fold.weather import Weather
from penstock.framing.cloudevents import JSON, STRUCTURED, media_type
from penstock.spec import Stream
from penstock_ingestion.admission import RETRY_AFTER_S, Admission, Crowded
from penstock_ingestion.door import Door, Message
from penstock_ingestion.inflate import inflate
from penstock_ingestion.openapi import document, page
from penstock_ingestion.refused import Refused
from penstock_ingestion.requests import JSON_LINES, MEDIA_TYPES, STRUCTURED_BATCH, Sent, read_events

BODY_BYTES_MAX = 4_000_000
BODY_TIMEOUT_S = 10.0
ANSWER_TIMEOUT_S = 10.0
PAGE_HEADERS = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}

Send = Callable[[str, Sequence[Message]], Awaitable[list[int]]]
"""Appends messages to a topic; their offsets, once every replica that must has them. Raises: Weather."""

Judge = Callable[[Stream, str, bytes], Awaitable[list[Problem]]]
"""What would become of the records of a body, if they came to a stream's topic now. Raises: Refused, Weather."""


class Gateway:
    """Takes events over HTTP, checks them against the contract, and puts them where the ingestion fold reads them.

    Problems are RFC 9457 (application/problem+json). A 503 does not say that the events are lost: they may arrive later. Sending them again
    is safe for a stream with an id, whose duplicates are dropped. Memory: what `admission` lets in, and a body of BODY_BYTES_MAX each.
    """

    def __init__(self, topic: Callable[[str], str], send: Send, judge: Judge, admission: Admission) -> None:
        self._topic = topic
        self._send = send
        self._judge = judge
        self._admission = admission
        self._opened: dict[str, Door] | None = None

    def open(self, streams: Mapping[str, Stream]) -> None:
        """Serve exactly these streams from now on."""
        before = self._opened or {}
        self._opened = {name: _door_for(stream, before.get(name)) for name, stream in streams.items()}

    def app(self) -> Starlette:
        """The application to serve."""
        routes = [
            Route("/", self._cloud_events, methods=["POST"]),
            Route("/events/{stream}", self._events, methods=["POST"]),
            Route("/events/{stream}/ticks", self._ticks, methods=["POST"]),
            Route("/events/{stream}/trial", self._trial, methods=["POST"]),
            Route("/openapi.json", self._document),
            Route("/docs", self._page),
        ]
        handlers = {HTTPException: _http_problem, Refused: _refused_problem, Weather: _away_problem, Crowded: _crowded_problem}
        return Starlette(routes=routes, exception_handlers=handlers)

    async def _events(self, request: Request) -> Response:
        """The events of one stream."""
        door = self._find(request)
        return await self._take(request, lambda _: door)

    async def _cloud_events(self, request: Request) -> Response:
        """Events whose CloudEvents type names their stream."""
        return await self._take(request, self._door_of)

    async def _take(self, request: Request, door_of: Callable[[Sent], Door | None]) -> Response:
        kind = media_type(request.headers.get("content-type", ""))
        if kind not in MEDIA_TYPES:
            others = f"{JSON_LINES[0]}, {STRUCTURED}, {STRUCTURED_BATCH}"
            raise HTTPException(415, f"content-type must be {JSON} (or one of {others}). Try: curl --json '…'")
        with self._admission.slot():
            body = await _body(request)
            receipts = await self._append(_addressed(read_events(body, kind, request.headers), door_of))
        is_batch = kind in (*JSON_LINES, STRUCTURED_BATCH) or body.lstrip()[:1] == b"["
        return JSONResponse({"accepted": receipts} if is_batch else receipts[0], 202)

    async def _ticks(self, request: Request) -> Response:
        door = self._find(request)
        with self._admission.slot():
            receipts = await self._append([(door, message) for message in door.ticks(await _body(request))])
        return JSONResponse({"accepted": receipts}, 202)

    async def _trial(self, request: Request) -> Response:
        """Nothing is sent: `penstock dlq replay` asks what would be taken."""
        stream = self._find(request).stream
        with self._admission.slot():
            problems = await self._judge(stream, self._topic(stream.name), await _body(request))
        return JSONResponse({"problems": [asdict(problem) for problem in problems]})

    async def _document(self, _: Request) -> Response:
        return JSONResponse(document(self._streams()))

    async def _page(self, request: Request) -> Response:
        return HTMLResponse(page(self._streams(), str(request.base_url).rstrip("/")), headers=PAGE_HEADERS)

    async def _append(self, addressed: Sequence[tuple[Door, Message]]) -> list[dict[str, Any]]:
        """Send all; the receipts in the order of the events."""
        by_topic: defaultdict[str, list[tuple[int, Message]]] = defaultdict(list)
        for number, (door, message) in enumerate(addressed):
            by_topic[self._topic(door.stream.name)].append((number, message))
        receipts: dict[int, dict[str, Any]] = {}
        try:
            async with asyncio.timeout(ANSWER_TIMEOUT_S):
                for topic, numbered in by_topic.items():
                    offsets = await self._send(topic, [message for _, message in numbered])
                    for (number, message), offset in zip(numbered, offsets, strict=True):
                        receipts[number] = _receipt(topic, message, offset)
        except TimeoutError as error:
            raise Weather(f"Kafka has not answered within {ANSWER_TIMEOUT_S:g} s") from error
        return [receipts[number] for number in sorted(receipts)]

    def _streams(self) -> dict[str, Stream]:
        return {name: door.stream for name, door in self._doors.items()}

    def _door_of(self, sent: Sent) -> Door | None:
        return self._doors.get(sent.type) or self._doors.get(sent.type.rpartition(".")[2])

    def _find(self, request: Request) -> Door:
        name = request.path_params["stream"]
        if name not in self._doors:
            raise HTTPException(
                404, f"there is no stream of this name. Streams: {', '.join(sorted(self._doors)) or 'none; try penstock apply'}"
            )
        return self._doors[name]

    @property
    def _doors(self) -> dict[str, Door]:
        """Who has just started does not know its streams yet: a 404 would tell a client to give up."""
        if self._opened is None:
            raise HTTPException(503, "the streams are not known yet", headers={"Retry-After": str(RETRY_AFTER_S)})
        return self._opened


def _door_for(stream: Stream, before: Door | None) -> Door:
    return before if before is not None and before.stream == stream else Door(stream)


def _addressed(events: Sequence[Sent], door_of: Callable[[Sent], Door | None]) -> list[tuple[Door, Message]]:
    """Every event with its door, ready to be sent: all of them or none. Raises: Refused."""
    ready: list[tuple[Door, Message]] = []
    problems: list[Problem] = []
    for number, sent in enumerate(events):
        door = door_of(sent)
        if door is None and not sent.problems:
            problems.append(Problem(number, "type", "unknown_stream", "no stream is called like the CloudEvents type, or its last part"))
            continue
        found = door.message(number, sent) if door is not None else sent.problems
        if isinstance(found, Message):
            assert door is not None
            ready.append((door, found))
        else:
            problems += found
    if problems:
        raise Refused(422, f"{len({problem.event for problem in problems})} of {len(events)} events break the contract", problems)
    return ready


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
    return inflate(bytes(body), request.headers.get("content-encoding", ""), BODY_BYTES_MAX)


def _receipt(topic: str, message: Message, offset: int) -> dict[str, Any]:
    id = message.id or f"{topic}:{message.partition}:{offset}"
    return {"topic": topic, "partition": message.partition, "offset": offset, "id": id}


async def _http_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return _problem(error.status_code, error.detail, headers=error.headers)


async def _refused_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return _problem(error.status, error.title, errors=[asdict(problem) for problem in error.problems])


async def _crowded_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Crowded)
    return _problem(429, str(error), headers={"Retry-After": str(error.retry_after_s)})


async def _away_problem(_: Request, error: Exception) -> Response:
    detail = f"{error}. The events may still arrive; send them again: duplicates by id are dropped"
    return _problem(503, detail, headers={"Retry-After": str(RETRY_AFTER_S)})


def _problem(status: int, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    content = {"title": HTTPStatus(status).phrase, "status": status, "detail": detail, **more}
    return JSONResponse(content, status, headers=headers, media_type="application/problem+json")
