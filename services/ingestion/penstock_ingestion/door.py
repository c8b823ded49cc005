"""What the gateway makes of events, in memory: checked against the contract and ready to be sent, or problems by field."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from penstock.contract.contract import TICK
from penstock.contract.examiner import compile_examiner
from penstock.contract.problems import Problem
from penstock.contract.strict_json import parse_object
from penstock.contract.timestamps import parse_ms
from penstock.fold.protocol import Header, Poison
from penstock.kafka.partition import partition_of
from penstock.records.wire import RECORD_BYTES_MAX
from penstock.spec import Stream
from penstock_ingestion.refused import Refused
from penstock_ingestion.requests import Sent, as_value


@dataclass(frozen=True, slots=True)
class Message:
    """A record that is ready for events.<stream>; `id` is None where its place in the topic is its id."""

    partition: int
    key: bytes | None
    value: bytes
    headers: tuple[Header, ...]
    id: str | None


class Door:
    """The way into one stream: the same contract and the same partitioner as the fold behind it.

    What only the fold can know (duplicates, jumps of time) is decided there; such events end in dlq.events.<stream>.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._examine = compile_examiner(stream)

    def message(self, number: int, sent: Sent) -> Message | tuple[Problem, ...]:
        """The record for the event of this number in its request, or what is wrong with it. Raises: Refused if it is too large."""
        if sent.problems:
            return sent.problems
        if not isinstance(sent.fields, dict) or TICK in sent.fields:
            return (Problem(number, "", "undecodable", "not a JSON object, or a tick (those go to …/ticks)"),)
        kept, problems = self._examine(number, sent.fields)
        if problems:
            return tuple(problems)
        try:
            value = as_value(sent.fields)
        except ValueError:  # 1e999, or a lone surrogate, in a field that the stream does not declare
            return (Problem(number, "", "undecodable", "a number or text that JSON in UTF-8 cannot carry"),)
        if len(value) > RECORD_BYTES_MAX:
            raise Refused(413, f"event {number} has {len(value)} bytes; the limit is {RECORD_BYTES_MAX}")
        key = str(kept[self.stream.key]).encode()
        return Message(partition_of(key, self.stream.partitions), key, value, sent.headers, self._id(kept, sent.headers))

    def ticks(self, body: bytes) -> list[Message]:
        """One tick for every partition, from {"time": "<RFC 3339>"}. Raises: Refused."""
        try:
            time = parse_object(body).get("time")
            parse_ms(time if isinstance(time, str) else "")
        except (Poison, ValueError):
            raise Refused(422, 'a tick is {"time": "<RFC 3339 with an offset>"}', [Problem(0, "time", "bad_tick", "no time")]) from None
        value = json.dumps({TICK: time}).encode()
        return [Message(partition, None, value, (), None) for partition in range(self.stream.partitions)]

    def _id(self, kept: Mapping[str, Any], headers: tuple[Header, ...]) -> str | None:
        if self.stream.id is not None:
            return str(kept[self.stream.id])
        ids = [value.decode() for name, value in headers if name == "ce_id" and value]
        return ids[0] if ids else None
