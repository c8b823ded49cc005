"""From a producer's event to the record that stands on events.<stream>, or to everything that is wrong with it."""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from numbers import Integral, Real
from typing import Any, Literal, NamedTuple

from fastavro import parse_schema

from penstock.contract.contract import TICK, compile_contract, identifier
from penstock.contract.examiner import compile_examiner
from penstock.contract.problems import Problem
from penstock.contract.rules import Violation
from penstock.contract.strict_json import parse_object
from penstock.contract.timestamps import EPOCH, parse_ms, to_ms
from penstock.errors import UsageError
from penstock.fold.poison import size_bytes
from penstock.fold.protocol import Header, Output, Poison
from penstock.kafka.partition import partition_of
from penstock.producer.errors import Invalid, TooLarge
from penstock.producer.streams import Known
from penstock.records.wire import RECORD_BYTES_MAX, Writer, writer_of
from penstock.spec.avro import producer_schema

Format = Literal["avro", "json"]
Time = datetime | int | str
"""An event time: aware, ms since the epoch, or RFC 3339."""

ENVELOPE_BYTES = 512  # what ingestion adds to an event: its time, origin and id
RESERVED = ("ce_", "content-type", "__dlq.", "penstock.")


class Message(NamedTuple):
    """A record, and the id of its event."""

    output: Output
    event_id: str


class Encoder:
    """Judges and encodes the events of one stream at one revision, as ingestion will judge them.

    What is whole is sent as Avro if the schema's id is known, else as JSON. What the contract has to mend (`clip`, `null`), lets through
    with a warning or drops (undeclared fields) is sent as JSON just as it was given: ingestion does it, and counts it.
    """

    def __init__(self, known: Known, topic: str, *, format: Format = "avro", validate: bool = True, source: str | None = None) -> None:
        self._stream = stream = known.stream
        self._topic = topic
        self._contract = compile_contract(stream)
        self._examine = compile_examiner(stream)
        self._validate = validate
        self._source: tuple[Header, ...] = () if source is None else (("ce_source", source.encode()),)
        self._write: Writer | None = None
        if format == "avro" and known.schema_id is not None:
            self._write = writer_of(known.schema_id, parse_schema(producer_schema(stream)))

    def message(
        self, event: Mapping[str, Any], number: int = 0, id: str | None = None, time: Time | None = None, headers: Sequence[Header] = ()
    ) -> Message:
        """The record of an event; `number` stands in its problems.

        Raises: Invalid, TooLarge; UsageError for an id or a time beside those that stand in the fields, or headers of the platform.
        """
        fields, value = self._judged(number, event) if self._validate else (event, self._as_json(number, event))
        event_id, attributes = self._attributes(number, fields, id, time)
        _check_headers(headers)
        entity = fields.get(self._stream.key)
        key = None if entity is None else str(entity).encode(errors="replace")
        partition = 0 if key is None else partition_of(key, self._stream.partitions)
        output = Output(self._topic, partition, key, value, (*attributes, *self._source, *headers))
        if (size := size_bytes(output) + ENVELOPE_BYTES) > RECORD_BYTES_MAX:
            raise TooLarge(f"an event of {self._stream.name} takes {size} bytes; the limit is {RECORD_BYTES_MAX}. Try: a smaller event")
        return Message(output, event_id)

    def _judged(self, number: int, event: Mapping[str, Any]) -> tuple[Mapping[str, Any], bytes]:
        """What the contract keeps, and the value to send; what is not whole beyond doubt is judged as ingestion will read it."""
        kept = self._whole(event) if isinstance(event, Mapping) else None
        if kept is not None:
            return kept, as_json(event) if self._write is None else self._write(kept)
        value = self._as_json(number, event)
        kept, problems = self._examine(number, self._parsed(number, value))
        if problems:
            raise Invalid(self._stream.name, problems)
        return kept, value

    def _whole(self, event: Mapping[str, Any]) -> dict[str, Any] | None:
        """What the contract keeps of an event with which it has nothing to do; None for any other."""
        stream = self._stream
        try:
            kept, notes = self._contract(event)
            identifier("no_key", stream.key, kept[stream.key])
            if stream.id is not None:
                identifier("no_id", stream.id, kept[stream.id])
        except Poison:
            return None
        return None if notes or not event.keys() <= stream.fields.keys() else kept

    def _as_json(self, number: int, event: Mapping[str, Any]) -> bytes:
        try:
            return as_json(event)
        except (ValueError, TypeError, RecursionError):
            is_event = isinstance(event, Mapping) and all(isinstance(name, str) for name in event)
            what = "it holds what JSON cannot carry, such as NaN or bytes" if is_event else "an event is a mapping from names to values"
            raise self._unsendable(number, event, what) from None

    def _parsed(self, number: int, value: bytes) -> dict[str, Any]:
        """The fields as ingestion will read them. Raises: Invalid."""
        try:
            fields = parse_object(value)
        except Poison as poison:
            raise self._unsendable(number, {}, poison.reason) from None
        if TICK in fields:
            raise self._unsendable(number, {}, f"{TICK} is the name of a tick, no field")
        return fields

    def _unsendable(self, number: int, event: Any, what: str) -> Invalid:
        """What the rules say of such an event, or that it cannot be sent at all."""
        problems = self._examine(number, event)[1] if event and isinstance(event, Mapping) and self._validate else []
        return Invalid(self._stream.name, problems or [Problem(number, "", "undecodable", what)])

    def _attributes(self, number: int, fields: Mapping[str, Any], id: str | None, time: Time | None) -> tuple[str, list[Header]]:
        """The id of the event, and the headers that say what its fields do not."""
        stream = self._stream
        if (id is not None and stream.id) or (time is not None and stream.time):
            raise UsageError(f"events of {stream.name} say their id and time in the fields {stream.id or '-'} and {stream.time or '-'}")
        headers: list[Header] = [] if time is None else [("ce_time", self._time(number, time))]
        if stream.id is not None:
            return str(fields.get(stream.id, "")), headers
        event_id = uuid.uuid4().hex if id is None else self._id(number, id)
        return event_id, [("ce_id", event_id.encode()), *headers]

    def _id(self, number: int, id: str) -> str:
        try:
            id.encode()
            return identifier("no_id", "ce_id", id)
        except (Violation, UnicodeEncodeError, AttributeError) as error:
            code = error.code if isinstance(error, Violation) else "bad_header"
            raise Invalid(self._stream.name, [Problem(number, "ce_id", code, "ce_id is no text of 1 to 1,024 bytes")]) from None

    def _time(self, number: int, time: Time) -> bytes:
        try:
            time_ms = parse_ms(time) if isinstance(time, str) else to_ms(time) if isinstance(time, datetime) else time
            return (EPOCH + timedelta(milliseconds=time_ms)).isoformat(timespec="milliseconds").encode()
        except (ValueError, OverflowError, TypeError):
            problem = Problem(number, "ce_time", "bad_header", "ce_time is no aware datetime, ms since the epoch or RFC 3339 text")
            raise Invalid(self._stream.name, [problem]) from None


def as_json(event: Mapping[str, Any]) -> bytes:
    """An event in JSON: aware datetimes become ms since the epoch, numbers of other libraries numbers, lone surrogates escapes.

    Raises: ValueError or TypeError for what JSON cannot carry.

    >>> from datetime import UTC
    >>> as_json({"at": datetime(1970, 1, 2, tzinfo=UTC), "x": -0.0})
    b'{"at":86400000,"x":-0.0}'
    """
    if not isinstance(event, Mapping) or not all(isinstance(name, str) for name in event):
        raise TypeError("an event is a mapping from names to values")
    return json.dumps(dict(event), allow_nan=False, separators=(",", ":"), default=_plain).encode()


def _plain(value: Any) -> Any:
    match value:
        case datetime():
            return to_ms(value)
        case Integral():
            return int(value)
        case Real():
            return float(value)
        case Mapping():
            return dict(value)
    raise TypeError(type(value).__name__)


def _check_headers(headers: Sequence[Header]) -> None:
    for name, _ in headers:
        if name.lower().startswith(RESERVED):
            raise UsageError(f"the header {name} is the platform's own. Try: id=, time=, or the producer's source=")
