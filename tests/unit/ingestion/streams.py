"""A stream, folds of it and records for it, for the tests of ingestion."""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from penstock.fold.drive import drive
from penstock.fold.protocol import Header, LogRecord, Missing, Output
from penstock.fold.setup import Resolve
from penstock.framing.decoder import Decoder
from penstock.records import Wire, platform_schema
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec import Field, Stream
from penstock.spec.avro import producer_schema, stream_schema
from penstock_ingestion.fold import IngestionFold, Target
from penstock_ingestion.trial import Trial

HOUR_MS = 3_600_000
NOON_MS = 1_357_041_600_000  # 2013-01-01T12:00:00Z
TOPIC = "events.flights"
VALIDATED = "validated.flights"


def fields(*declared: Field) -> dict[str, Field]:
    return {field.name: field for field in declared}


FLIGHT_FIELDS = fields(
    Field("flight_id", "string"),
    Field("origin", "string", enum=("EWR", "JFK", "LGA")),
    Field("distance", "double", minimum=1, maximum=6_000),
    Field("seats", "long", nullable=True),
    Field("scheduled_at", "timestamp"),
)


def flights(**changes: Any) -> Stream:
    plain = {
        "name": "flights",
        "key": "origin",
        "id": "flight_id",
        "time": "scheduled_at",
        "max_jump_ms": 24 * HOUR_MS,
        "partitions": 3,
        "generation": 2,
        "dedup_window_ms": HOUR_MS,
        "fields": FLIGHT_FIELDS,
    }
    return Stream(**{**plain, **changes})


def flight(**changes: Any) -> dict[str, Any]:
    return {"flight_id": "AA1", "origin": "JFK", "distance": 760.5, "seats": 150, "scheduled_at": NOON_MS} | changes


def record(value: Mapping[str, Any] | bytes | None, offset: int = 0, headers: Iterable[Header] = (), partition: int = 0) -> LogRecord:
    data = json.dumps(value).encode() if isinstance(value, Mapping) else value
    return LogRecord(TOPIC, partition, offset, NOON_MS, None, data, tuple(headers))


class House(NamedTuple):
    """A wire with its registry, and what makes folds of one stream."""

    registry: MemorySchemaRegistry
    wire: Wire
    decoder: Decoder
    target: Target
    stream: Stream

    def fold(self, partition: int = 0) -> IngestionFold:
        return IngestionFold(self.stream, partition, self.decoder, self.target, TOPIC)

    async def resolve(self, missing: Missing) -> None:
        await self.decoder.bring(missing)

    async def outputs(self, fold: IngestionFold, records: Iterable[LogRecord]) -> list[Output]:
        """What the fold puts out, with poison skipped and schemas fetched as the runner does it."""
        caused = [each async for _, each in drive(fold, records, self.resolve)]
        return [output for each in caused for output in each if isinstance(output, Output)]

    def trial(self) -> Trial:
        """What the gateway asks."""

        async def make_fold(stream: Stream) -> tuple[IngestionFold, Resolve]:
            return IngestionFold(stream, 0, self.decoder, self.target, TOPIC), self.resolve

        return Trial(make_fold)

    def read(self, output: Output) -> dict[str, Any]:
        return self.wire.read(output.value)[1]


async def house(**changes: Any) -> House:
    registry, stream = MemorySchemaRegistry(), flights(**changes)
    wire = Wire(registry)
    encode = await wire.writer(VALIDATED, stream_schema(stream))
    encode_tick = await wire.writer(VALIDATED, platform_schema("Tick"))
    decoder = Decoder(wire)
    decoder.know(TOPIC, producer_schema(stream))
    return House(registry, wire, decoder, Target(VALIDATED, encode, encode_tick), stream)
