"""What the gateway makes of a request body, in memory: events checked against the contract, ready to be sent, or problems by field."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from penstock.fold.protocol import Header, Poison
from penstock.kafka.partition import partition_of
from penstock.records.wire import RECORD_BYTES_MAX
from penstock.spec import Stream
from penstock_ingestion.contract import Check, compile_checks, identifier
from penstock_ingestion.framing import HEADER_BYTES_MAX, TICK, parse_json, parse_object
from penstock_ingestion.timestamps import parse_ms

BATCH_EVENTS_MAX = 1_000
JSON, JSON_LINES = "application/json", ("application/x-ndjson", "application/jsonl", "application/json-lines")
CLOUD_EVENT_HEADERS = ("ce-id", "ce-time", "ce-type", "ce-source", "ce-specversion", "ce-subject")


@dataclass(frozen=True, slots=True)
class Message:
    """A record that is ready for events.<stream>; `id` is None where its place in the topic is its id."""

    partition: int
    key: bytes | None
    value: bytes
    headers: tuple[Header, ...]
    id: str | None


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one event of a request: `field` is empty if it is no single field."""

    event: int
    field: str
    code: str
    detail: str


class Refused(Exception):
    """A request that no repetition makes better; `status` is HTTP's."""

    def __init__(self, status: int, title: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.problems = problems


class Door:
    """The way into one stream: the same contract and the same partitioner as the fold behind it.

    What only the fold can know (duplicates, jumps of time) is decided there; such events end in dlq.events.<stream>.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._checks = [(name, _identified(stream, name, check)) for name, check in compile_checks(stream)]

    def messages(self, body: bytes, media_type: str, headers: Mapping[str, str]) -> list[Message]:
        """The records for a body: a JSON object, an array of objects, or JSON lines; all of them or none. Raises: Refused."""
        events = _events(body, media_type)
        cloud_event = _cloud_event(headers, len(events))
        results = [self._message(number, event, cloud_event) for number, event in enumerate(events)]
        problems = [problem for result in results if isinstance(result, list) for problem in result]
        if problems:
            raise Refused(422, f"{len({problem.event for problem in problems})} of {len(events)} events break the contract", problems)
        return [result for result in results if isinstance(result, Message)]

    def ticks(self, body: bytes) -> list[Message]:
        """One tick for every partition, from {"time": "<RFC 3339>"}. Raises: Refused."""
        try:
            time = parse_object(body).get("time")
            parse_ms(time if isinstance(time, str) else "")
        except (Poison, ValueError):
            raise Refused(422, 'a tick is {"time": "<RFC 3339 with an offset>"}', [Problem(0, "time", "bad_tick", "no time")]) from None
        value = json.dumps({TICK: time}).encode()
        return [Message(partition, None, value, (), None) for partition in range(self.stream.partitions)]

    def _message(self, number: int, event: Any, headers: tuple[Header, ...]) -> Message | list[Problem]:
        if not isinstance(event, dict) or TICK in event:
            return [Problem(number, "", "undecodable", "not a JSON object, or a tick (those go to …/ticks)")]
        kept, problems = self._check(number, event)
        if problems:
            return problems
        try:
            value = json.dumps(event, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
        except ValueError:  # 1e999, or a lone surrogate, in a field that the stream does not declare
            return [Problem(number, "", "undecodable", "a number or text that JSON in UTF-8 cannot carry")]
        if len(value) > RECORD_BYTES_MAX:
            raise Refused(413, f"event {number} has {len(value)} bytes; the limit is {RECORD_BYTES_MAX}")
        key = str(kept[self.stream.key]).encode()
        return Message(partition_of(key, self.stream.partitions), key, value, headers, self._id(kept, headers))

    def _check(self, number: int, event: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
        kept: dict[str, Any] = {}
        problems: list[Problem] = []
        for name, check in self._checks:
            try:
                kept[name] = check(event.get(name))
            except Poison as poison:
                problems.append(Problem(number, name, poison.code, poison.reason))
        return kept, problems

    def _id(self, kept: Mapping[str, Any], headers: tuple[Header, ...]) -> str | None:
        if self.stream.id is not None:
            return str(kept[self.stream.id])
        ids = [value.decode() for name, value in headers if name == "ce_id" and value]
        return ids[0] if ids else None


def _identified(stream: Stream, name: str, check: Check) -> Check:
    """The check of a field that is the entity or the id of its stream: the fold would refuse it empty or too long."""
    codes = {stream.id: "no_id", stream.key: "no_key"}
    return (lambda value: identifier(codes[name], name, check(value))) if name in codes else check


def _events(body: bytes, media_type: str) -> list[Any]:
    try:
        if media_type in JSON_LINES:
            events = [parse_json(line) for line in body.splitlines() if line.strip()]
        else:
            whole = parse_json(body)
            events = whole if isinstance(whole, list) else [whole]
    except Poison as poison:
        raise Refused(400, poison.reason) from None
    if not 0 < len(events) <= BATCH_EVENTS_MAX:
        raise Refused(413 if events else 400, f"{len(events)} events; a request holds 1 to {BATCH_EVENTS_MAX}")
    return events


def _cloud_event(headers: Mapping[str, str], events: int) -> tuple[Header, ...]:
    """CloudEvents 1.0, binary mode: HTTP's ce-id is Kafka's ce_id."""
    found = {name: headers[name] for name in CLOUD_EVENT_HEADERS if name in headers}
    if found and events > 1:
        raise Refused(400, "CloudEvents headers describe one event, not a batch")
    if any(len(value) > HEADER_BYTES_MAX for value in found.values()) or found.get("ce-type") == TICK:
        raise Refused(
            400, f"a CloudEvents header is longer than {HEADER_BYTES_MAX} bytes, or says that this is a tick (those go to …/ticks)"
        )
    try:
        parse_ms(found.get("ce-time", "1970-01-01T00:00:00Z"))
    except ValueError:
        raise Refused(400, "ce-time is not an RFC 3339 time with an offset") from None
    return tuple((name.replace("-", "_"), value.encode()) for name, value in found.items())
