"""A letter is read as ingestion reads its record, and what a mapping changes of it is taken for the event that it was."""

import base64
import json
import subprocess
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest

from penstock.deadletters.contents import Contents
from penstock.deadletters.letters import Letter
from penstock.deadletters.mapping import Mapping, Unmappable
from penstock.fold.protocol import Header
from penstock.fold.weather import Weather
from penstock.framing.cloudevents import STRUCTURED
from penstock.framing.decoder import Decoder, fingerprint_of
from penstock.framing.events import Event, unframe
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock.records.wire import Wire
from tests.unit.deadletters.test_letters import letter, record
from tests.unit.framing.test_events import single

EXTRAS = ("asyncpg", "msgspec", "river", "faust", "avro", "zstandard")
TOPIC = "events.weather"
SCHEMA: Schema = {
    "type": "record",
    "name": "Reading",
    "fields": [{"name": "temp", "type": "string"}, {"name": "at", "type": {"type": "long", "logicalType": "timestamp-millis"}}],
}
AT = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
FIELDS = {"temp": "21.5", "at": AT}
WARMTH = Mapping(rename={"temp": "warmth"}, cast={"warmth": "double"}, default={"site": "north"})
CHANGED = {"warmth": 21.5, "at": "2026-01-02T03:04:05.678000+00:00", "site": "north"}
STRUCTURED_TYPE: Header = ("content-type", STRUCTURED.encode())
ENVELOPE: dict[str, Any] = {"specversion": "1.0", "id": "a", "source": "/hall", "type": "reading", "time": "2026-01-02T03:04:05Z"}


class Place:
    """A registry that knows the schema of TOPIC's producers, and what reads with it."""

    def __init__(self) -> None:
        self.registry = MemorySchemaRegistry()
        self.decoder = Decoder(Wire(self.registry))
        self.contents = Contents(self.decoder)

    async def framed(self, fields: dict[str, Any], schema: Schema = SCHEMA) -> bytes:
        return (await Wire(self.registry).writer(TOPIC, schema))(fields)

    async def mapped(self, value: bytes | None, *headers: Header, mapping: Mapping = WARMTH) -> Letter:
        return await self.contents.mapped(refused(value, *headers), mapping)

    def ingested(self, sent: Letter) -> Event:
        """What ingestion makes of a letter that is sent again."""
        found = unframe(record(sent.value, headers=sent.headers), self.decoder)
        assert isinstance(found, Event)
        return found


def refused(value: bytes | None, *headers: Header) -> Letter:
    return letter(record(value, headers=headers))


def envelope(**content: Any) -> bytes:
    return json.dumps(ENVELOPE | content).encode()


async def test_what_needs_no_change_is_the_very_same_letter() -> None:
    place = Place()
    mapping = Mapping(rename={"temp": "warmth"}, cast={"warmth": "double"}, default={"note": "?"})
    event = b'{ "warmth" : 2.50, "note":"\\u00e9" }'
    structured = envelope(data=json.loads(event))
    framed = await place.framed(FIELDS)
    for value, headers, changes in (
        (event, (), mapping),
        (structured, (STRUCTURED_TYPE,), mapping),
        (framed, (), Mapping(default={"temp": "0"})),
    ):
        sent = refused(value, *headers)
        assert await place.contents.mapped(sent, changes) is sent


async def test_json_stays_json_with_its_headers() -> None:
    place = Place()
    headers = (("ce_id", b"a"), ("traceparent", b"?"), ("other", None))
    sent = await place.mapped(b'{"temp": "21.5", "\xc3\xa9": 7}', *headers)
    assert (sent.value, sent.headers) == ('{"warmth":21.5,"é":7,"site":"north"}'.encode(), headers)
    assert sent.again()[:3] == [*headers]


@pytest.mark.parametrize("form", ["framed", "single"])
async def test_avro_becomes_json_and_says_so(form: str) -> None:
    place = Place()
    framed = await place.framed(FIELDS)
    value = framed if form == "framed" else single(SCHEMA, FIELDS, fingerprint_of(SCHEMA))
    sent = await place.mapped(value, ("content-type", b"application/avro"), ("ce_id", b"a"))
    assert sent.headers == (("content-type", b"application/json"), ("ce_id", b"a"))
    assert place.ingested(sent).fields == CHANGED
    assert (sent.key, sent.root) == (b"k", refused(value).root)


@pytest.mark.parametrize("form", ["object", "json in base64", "avro in base64"])
async def test_of_a_cloudevent_in_one_object_the_data_is_changed_and_nothing_else(form: str) -> None:
    place = Place()
    fields = FIELDS | {"at": CHANGED["at"]}
    framed = await place.framed(FIELDS)
    content: dict[str, dict[str, Any]] = {
        "object": {"data": fields},
        "json in base64": {"data_base64": base64.b64encode(json.dumps(fields).encode()).decode()},
        "avro in base64": {"data_base64": base64.b64encode(framed).decode(), "datacontenttype": "application/avro"},
    }
    sent = await place.mapped(envelope(**content[form]), STRUCTURED_TYPE)
    described = {"datacontenttype": "application/json"} if form == "avro in base64" else {}
    assert json.loads(sent.value or b"") == ENVELOPE | described | {"data": CHANGED}
    assert sent.headers == (STRUCTURED_TYPE,)
    event = place.ingested(sent)
    assert (event.fields, event.id, event.source) == (CHANGED, "a", "/hall")


async def test_what_avro_has_and_json_has_not_is_written_as_text() -> None:
    place = Place()
    types: dict[str, Any] = {
        "amount": {"type": "bytes", "logicalType": "decimal", "precision": 6, "scale": 2},
        "day": {"type": "int", "logicalType": "date"},
        "time": {"type": "int", "logicalType": "time-millis"},
        "local": {"type": "long", "logicalType": "local-timestamp-millis"},
        "name": {"type": "string", "logicalType": "uuid"},
        "many": {"type": "array", "items": {"type": "map", "values": ["null", {"type": "int", "logicalType": "date"}]}},
    }
    schema = {"type": "record", "name": "Odd", "fields": [{"name": name, "type": type} for name, type in types.items()]}
    day, local = date(2026, 1, 2), AT.replace(tzinfo=None)
    fields = {
        "amount": Decimal("1.50"),
        "day": day,
        "time": AT.time(),
        "local": local,
        "name": UUID(int=7),
        "many": [{"a": day, "b": None}],
    }
    sent = await place.mapped(await place.framed(fields, schema), mapping=Mapping(rename={"name": "id"}, cast={"amount": "double"}))
    assert place.ingested(sent).fields == {
        "amount": 1.5,
        "day": "2026-01-02",
        "time": "03:04:05.678000",
        "local": "2026-01-02T03:04:05.678000",
        "id": str(UUID(int=7)),
        "many": [{"a": "2026-01-02", "b": None}],
    }


@pytest.mark.parametrize(("type", "value"), [("bytes", b"secret"), ("double", float("nan")), ("double", float("-inf"))])
async def test_what_json_cannot_say_is_not_written_in_json_but_stays_as_it_is(type: str, value: Any) -> None:
    place, schema = Place(), {"type": "record", "name": "Odd", "fields": [{"name": "x", "type": type}]}
    written = await place.framed({"x": value}, schema)
    with pytest.raises(Unmappable, match=r"^it holds bytes, NaN or an infinity, which JSON has not$"):
        await place.mapped(written)
    sent = refused(written)
    assert await place.contents.mapped(sent, Mapping(rename={"y": "z"}, default={"x": 0})) is sent


async def test_what_would_be_too_large_in_json_is_not_sent() -> None:
    place, schema = Place(), {"type": "record", "name": "Long", "fields": [{"name": "x", "type": {"type": "array", "items": "boolean"}}]}
    with pytest.raises(Unmappable, match="in JSON it has more than 1,000,000 bytes"):
        await place.mapped(await place.framed({"x": [True] * 990_000}, schema))


async def test_half_a_character_stays_half_a_character() -> None:
    place = Place()
    sent = await place.mapped(b'{"temp": 1, "x": "\\ud800\xc3\xa9"}')
    assert place.ingested(sent).fields == {"warmth": 1.0, "x": "\ud800é", "site": "north"}


async def test_what_is_nested_too_deeply_holds_up_nobody() -> None:
    nested = b'{"temp": 1, "x": ' + b"[" * 900 + b"]" * 900 + b"}"
    with pytest.raises(Unmappable, match="nested too deeply"):
        await Place().mapped(nested)


@pytest.mark.parametrize(
    ("value", "headers", "code"),
    [
        (None, (), "not_framed"),
        (b"", (), "not_framed"),
        (b"?", (), "not_framed"),
        (b"[1]", (), "not_framed"),
        (b'{"temp": 1, "temp": 2}', (), "undecodable"),
        (b'{"temp": NaN}', (), "undecodable"),
        (b"\x00\x00\x00\x00\x63a", (), "unknown_schema"),
        (b"\xc3\x01abcdefgh", (), "unknown_schema"),
        (b"{}", (("ce_time", b"noon"),), "bad_header"),
        (b'{"temp": 1}', (STRUCTURED_TYPE,), "bad_cloudevent"),
        (envelope(data=[1]), (STRUCTURED_TYPE,), "bad_cloudevent"),
        (envelope(data_base64="!"), (STRUCTURED_TYPE,), "bad_cloudevent"),
    ],
)
async def test_what_ingestion_could_not_read_is_not_mapped(value: bytes | None, headers: tuple[Header, ...], code: str) -> None:
    with pytest.raises(Unmappable, match=rf"^it cannot be read \({code}\)$"):
        await Place().mapped(value, *headers)


async def test_a_schema_registry_that_is_away_is_weather() -> None:
    class Away(MemorySchemaRegistry):
        async def by_id(self, id: int) -> Schema:
            raise httpx.ConnectError(f"nobody is there to ask for {id}")

    with pytest.raises(Weather, match="nobody is there"):
        await Contents(Decoder(Wire(Away()))).mapped(refused(b"\x00\x00\x00\x00\x01a"), WARMTH)


def test_who_has_installed_no_extra_can_look_at_letters_too() -> None:
    program = f"import sys; sys.modules.update(dict.fromkeys({EXTRAS})); import penstock.cli.dlq, penstock.deadletters.contents"
    subprocess.run([sys.executable, "-c", program], check=True)
