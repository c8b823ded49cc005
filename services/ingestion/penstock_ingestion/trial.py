"""What would become of records if they came now: the real fold, without a past and without a future."""

import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from penstock.contract.problems import Problem
from penstock.contract.strict_json import parse_object
from penstock.fold.drive import step
from penstock.fold.limits import Limits
from penstock.fold.protocol import Header, LogRecord, Output, Poison, Record
from penstock.fold.setup import Resolve
from penstock.spec import Stream
from penstock_ingestion.fold import IngestionFold
from penstock_ingestion.refused import Refused
from penstock_ingestion.requests import BATCH_EVENTS_MAX

MakeFold = Callable[[Stream], Awaitable[tuple[IngestionFold, Resolve]]]
"""A fold of a stream, and what brings the schemas that it misses."""


class Trial:
    """Folds each record alone, in a fold that has seen nothing but commands: framing, schema, contract, id, time and source are judged as
    they really are.

    What only the partition's own fold knows is not: whether an id came before, and how far a time jumps from the records before it.
    """

    def __init__(self, make_fold: MakeFold) -> None:
        self._make_fold = make_fold

    async def judge(self, stream: Stream, topic: str, body: bytes) -> list[Problem]:
        """What is wrong with each of {"records": [{"key", "value", "headers"}]} (bytes in base64); nothing for one that would be taken.

        Raises: Refused; Weather while a schema cannot be fetched.
        """
        records = [_record(topic, number, given) for number, given in enumerate(_given(body))]
        fold, resolve = await self._make_fold(stream)
        beginning, problems = fold.snapshot(), list[Problem]()

        def refuse(record: Record, poison: Poison) -> Sequence[Output]:
            problems.append(Problem(record.offset, "", poison.code, poison.reason))
            return ()

        for record in records:
            await step(fold, record, resolve, Limits(), refuse)
            fold.restore(beginning)
        return problems


def _given(body: bytes) -> list[Any]:
    try:
        given = parse_object(body).get("records")
    except Poison as poison:
        raise Refused(400, poison.reason) from None
    if not isinstance(given, list) or not 0 < len(given) <= BATCH_EVENTS_MAX:
        raise Refused(400, f'a trial is {{"records": […]}} with 1 to {BATCH_EVENTS_MAX} of them')
    return given


def _record(topic: str, number: int, given: Any) -> LogRecord:
    try:
        headers = tuple(_header(*header) for header in given.get("headers", ()))
        key, value = (_bytes(given.get(name)) for name in ("key", "value"))
    except (AttributeError, TypeError, ValueError, binascii.Error):
        raise Refused(422, f"record {number} is not {{key, value, headers}} with bytes in base64") from None
    return LogRecord(topic, 0, number, time.time_ns() // 1_000_000, key, value, headers)


def _header(name: Any, value: str | None) -> Header:
    if not isinstance(name, str):
        raise TypeError("a header's name is text")
    return name, _bytes(value)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
