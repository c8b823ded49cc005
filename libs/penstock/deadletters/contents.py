"""What a refused event says, read as ingestion reads it, and the same event with other fields."""

import json
import math
from collections.abc import Mapping as ReadOnly
from dataclasses import replace
from datetime import date, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from penstock.contract.strict_json import parse_object
from penstock.deadletters.letters import Letter
from penstock.deadletters.mapping import Mapping, Unmappable
from penstock.fold.protocol import Missing, Poison
from penstock.framing.cloudevents import CONTENT_TYPE, from_envelope, from_headers
from penstock.framing.decoder import Decoder
from penstock.framing.events import fields_of
from penstock.patience import as_weather

JSON = "application/json"


class Contents:
    """Reads letters whose records producers wrote, in any form that ingestion takes; schemas are fetched when they are met."""

    def __init__(self, decoder: Decoder) -> None:
        self._decoder = decoder

    async def fields(self, letter: Letter) -> dict[str, Any]:
        """The fields of the event. Raises: Poison, as ingestion would; Weather while a schema cannot be fetched."""
        data: bytes | dict[str, Any] | None = letter.value
        if _is_structured(letter):
            _, data = from_envelope(letter.value or b"", ())
        while not isinstance(data, dict):
            try:
                return fields_of(data, letter.of.topic, self._decoder)
            except Missing as missing:
                with as_weather(f"{missing} cannot be fetched"):
                    await self._decoder.bring(missing)
        return data

    async def mapped(self, letter: Letter, mapping: Mapping) -> Letter:
        """The letter with its event changed; the very same where there is nothing to change.

        What has changed is written in JSON, as the schema of an Avro record says what it was before; a CloudEvent in one JSON object stays
        one, with other data. Raises: Unmappable, Weather.
        """
        try:
            fields = _as_json(await self.fields(letter))
        except Poison as poison:
            raise Unmappable(f"it cannot be read ({poison.code})") from None
        changed = mapping.apply(fields)
        same = changed == fields and [*map(type, changed.values())] == [*map(type, fields.values())]
        return letter if same else _rewritten(letter, changed)


def _is_structured(letter: Letter) -> bool:
    return from_headers(letter.headers)[1]


def _as_json(value: Any) -> Any:
    """The value as JSON has it: Avro has dates, decimals and UUIDs. Raises: Unmappable for bytes, and for a number that is none."""
    match value:
        case dict():
            return {name: _as_json(each) for name, each in value.items()}
        case list():
            return [_as_json(each) for each in value]
        case date() | time():
            return value.isoformat()
        case Decimal() | UUID():
            return str(value)
        case bytes():
            raise Unmappable("it holds bytes, which JSON has not")
        case float() if not math.isfinite(value):
            raise Unmappable("it holds NaN or an infinity, which JSON has not")
    return value


def _rewritten(letter: Letter, fields: ReadOnly[str, Any]) -> Letter:
    if _is_structured(letter):
        envelope = {name: value for name, value in parse_object(letter.value or b"").items() if name != "data_base64"}
        described = {"datacontenttype": JSON} if "datacontenttype" in envelope else {}
        return replace(letter, value=_written({**envelope, **described, "data": fields}))
    headers = tuple((name, JSON.encode() if name == CONTENT_TYPE else value) for name, value in letter.headers)
    return replace(letter, value=_written(fields), headers=headers)


def _written(value: ReadOnly[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")
