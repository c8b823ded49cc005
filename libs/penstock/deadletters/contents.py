"""What a refused event says, read as ingestion reads it, and the same event with other fields."""

import json
from collections.abc import Mapping as ReadOnly
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx

from penstock.contract.strict_json import parse_object
from penstock.deadletters.letters import Letter
from penstock.deadletters.mapping import Mapping, Unmappable
from penstock.fold.protocol import Missing, Poison
from penstock.fold.weather import Weather
from penstock.framing.cloudevents import CONTENT_TYPE, JSON, from_headers
from penstock.framing.decoder import Decoder
from penstock.framing.events import content_of, fields_of
from penstock.records.wire import RECORD_BYTES_MAX


class Contents:
    """Reads what producers wrote, in any form that ingestion takes; schemas are fetched when they are met."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    async def fields(self, value: bytes | None, topic: str) -> dict[str, Any]:
        """The fields in bytes that came on a topic. Raises: Poison, as ingestion would; Weather while a schema cannot be fetched."""
        while True:
            try:
                return fields_of(value, topic, self._decoder)
            except Missing as missing:
                await self._bring(missing)

    async def _bring(self, missing: Missing) -> None:
        try:
            await self._decoder.bring(missing)
        except httpx.HTTPError as error:  # of penstock.patience, which knows more weather, PostgreSQL's driver is a part: an extra
            raise Weather(f"{missing} cannot be fetched: {type(error).__name__}: {error}") from error

    async def mapped(self, letter: Letter, mapping: Mapping) -> Letter:
        """The letter with its event changed; the very same where there is nothing to change.

        What has changed is written in JSON, as the schema of an Avro record says what it was before; a CloudEvent in one JSON object stays
        one, with other data. Raises: Unmappable, Weather.
        """
        try:
            _, data = content_of(letter.headers, letter.value)
            fields = as_json(data if isinstance(data, dict) else await self.fields(data, letter.of.topic))
            changed = mapping.apply(fields)
            same = changed == fields and [*map(type, changed.values())] == [*map(type, fields.values())]
            return letter if same else _rewritten(letter, changed)
        except Poison as poison:
            raise Unmappable(f"it cannot be read ({poison.code})") from None
        except RecursionError:
            raise Unmappable("it is nested too deeply") from None


def as_json(value: Any) -> Any:
    """The value as JSON has it, where it can: Avro has dates, decimals and UUIDs, and also bytes and NaN."""
    match value:
        case dict():
            return {name: as_json(each) for name, each in value.items()}
        case list():
            return [as_json(each) for each in value]
        case date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
    return value


def _rewritten(letter: Letter, fields: ReadOnly[str, Any]) -> Letter:
    if from_headers(letter.headers)[1]:
        envelope = {name: value for name, value in parse_object(letter.value or b"").items() if name != "data_base64"}
        described = {"datacontenttype": JSON} if "datacontenttype" in envelope else {}
        return replace(letter, value=_written({**envelope, **described, "data": fields}))
    headers = tuple((name, JSON.encode() if name == CONTENT_TYPE else value) for name, value in letter.headers)
    return replace(letter, value=_written(fields), headers=headers)


def _written(value: ReadOnly[str, Any]) -> bytes:
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        written = text.encode()
    except UnicodeEncodeError:  # half of a character, which only an escape can say
        written = json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError):
        raise Unmappable("it holds bytes, NaN or an infinity, which JSON has not") from None
    if len(written) > RECORD_BYTES_MAX:
        raise Unmappable(f"in JSON it has more than {RECORD_BYTES_MAX:,} bytes")
    return written
