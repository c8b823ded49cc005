"""A running stream changes its schema while events flow: nothing is lost, and readers of every version agree."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from io import BytesIO
from itertools import count
from typing import Any

import structlog
from fastavro import parse_schema, schemaless_reader

from penstock.fleet import Fleet, Plan
from penstock.fold.protocol import Output, Record
from penstock.framing.decoder import Decoder
from penstock.records import Wire, Writer
from penstock.records.wire import HEADER, schema_id
from penstock.spec import Field, Stream
from penstock.spec.avro import producer_schema, stream_schema
from penstock_ingestion.units import make_runner
from penstock_registry.compatibility import problems
from tests.conftest import Corner
from tests.integration.ingestion.test_ingestion import MIDNIGHT_MS, WAIT_S, WEATHER, Station, station
from tests.waiting import until

HUMIDITY = Field("humidity", "double", minimum=0, maximum=100, default=50.0)
GAINED = replace(WEATHER, fields={**WEATHER.fields, "humidity": HUMIDITY})
LOST = replace(GAINED, fields={name: field for name, field in GAINED.fields.items() if name != "wind_speed"})
VERSIONS = (WEATHER, GAINED, LOST)
EACH = 150


class Changing:
    """A catalogue of one stream whose specification is applied anew."""

    def __init__(self, here: Station) -> None:
        self._here = here
        self._applied = 1
        self._decoder = Decoder(here.world.wire)
        self._changed = asyncio.Event()
        self.fleet = Fleet(self._plans, structlog.get_logger())

    def _plans(self) -> list[Plan]:
        make = partial(make_runner, self._here.world, self._decoder, VERSIONS[self._applied - 1])
        return [Plan("ingestion/weather", self._applied, make)]

    async def changes(self) -> AsyncIterator[None]:
        while True:
            await self._changed.wait()
            self._changed.clear()
            yield

    def apply(self, version: int) -> None:
        self._applied = version
        self._changed.set()

    async def has_validated(self, events: int) -> bool:
        folds = [fold for _, _, fold in self.fleet.folds()]
        return sum(fold.counts["validated"] for fold in folds) >= events


async def test_a_running_stream_gains_a_field_with_a_default_and_loses_one(corner: Corner) -> None:
    for index, version in enumerate(VERSIONS):
        earlier = [json.dumps(stream_schema(each)) for each in VERSIONS[:index]]
        assert not problems(json.dumps(stream_schema(version)), earlier, "BACKWARD_TRANSITIVE")
    async with station(corner) as here:
        changing, enough = Changing(here), asyncio.Event()
        following = asyncio.create_task(changing.fleet.follow(changing.changes()))
        producing = asyncio.create_task(produce(here, enough))
        for applied in (2, 3):
            await until(partial(changing.has_validated, EACH * (applied - 1)), timeout_s=WAIT_S)
            changing.apply(applied)
        await until(partial(changing.has_validated, EACH * len(VERSIONS)), timeout_s=WAIT_S)
        enough.set()
        sent = await producing
        await until(partial(changing.has_validated, sent), timeout_s=WAIT_S)
        following.cancel()
        await asyncio.wait([following])
        records = [record for record in await here.read(here.topic("validated")) if here.world.wire.read(record.value)[0] != "Tick"]
    events = [here.world.wire.read(record.value)[1] for record in records]
    assert Counter(event["event_id"] for event in events) == Counter(map(str, range(sent)))
    assert len({schema_id(record.value) for record in records}) == len(VERSIONS)
    for record, event in zip(records, events, strict=True):
        assert_readers_agree(here, record, event)


async def produce(here: Station, enough: asyncio.Event) -> int:
    """Send events as producers of every version, in JSON and in Avro, until it is enough; how many are in the log."""
    wire, producer = Wire(here.schemas), await here.corner.kafka.producer()
    writers = [await wire.writer(here.topic("events"), producer_schema(version)) for version in VERSIONS]
    numbers = count()
    while not enough.is_set():
        number = next(numbers)
        await producer.send([Output(here.topic("events"), number % 2, None, event_of(number, writers), (("ce_id", b"%d" % number),))])
    await producer.stop()
    return next(numbers)


def event_of(number: int, writers: list[Writer]) -> bytes:
    version = number // 2 % len(VERSIONS)
    event = fields_of(number, VERSIONS[version])
    return writers[version](event) if number % 4 < 2 else json.dumps(event).encode()


def fields_of(number: int, stream: Stream) -> dict[str, Any]:
    whole = {"origin": "JFK", "observed_at": MIDNIGHT_MS + number, "wind_speed": number % 150, "humidity": number % 100}
    return {name: whole[name] for name in stream.fields}


def assert_readers_agree(here: Station, record: Record, event: dict[str, Any]) -> None:
    """What a reader of any version sees of a record is what stands in it; a field that it lacks has its default."""
    writer = here.world.wire.known(schema_id(record.value)).schema
    for version in VERSIONS:
        buffer = BytesIO(record.value or b"")
        buffer.seek(HEADER.size)
        seen = schemaless_reader(buffer, parse_schema(writer), parse_schema(stream_schema(version)))
        expected = {name: event.get(name, version.defaults.get(name)) for name in version.fields}
        assert isinstance(seen, dict)
        assert {name: seen[name] for name in version.fields} == expected
