"""What the schema registry has not is asked for now and then, not for every record."""

import asyncio
import struct
from typing import Any

import pytest

from penstock.fold.protocol import Missing, Poison
from penstock.framing.decoder import ABSENT_S, SINGLE_OBJECT, Decoder, fingerprint_of
from penstock.framing.events import Event, unframe
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock.records.wire import Wire
from tests.simulation.virtual import run
from tests.unit.ingestion.streams import TOPIC, record

SCHEMA = {"type": "record", "name": "Reading", "fields": [{"name": "x", "type": "double"}]}


class Counting(MemorySchemaRegistry):
    """Counts what it was asked for."""

    asked = 0

    async def by_id(self, id: int) -> Schema:
        self.asked += 1
        return await super().by_id(id)

    async def of_topic(self, topic: str) -> dict[int, Schema]:
        self.asked += 1
        return await super().of_topic(topic)


@pytest.mark.parametrize("header", [b"\x00\x00\x00\x00\x01", SINGLE_OBJECT + fingerprint_of(SCHEMA)])
def test_the_registry_is_asked_now_and_then_for_a_schema_that_it_has_not(header: bytes) -> None:
    registry, value = Counting(), record(header + struct.pack("<d", 1.5))
    reader = Decoder(Wire(registry))

    async def read() -> Any:
        try:
            return unframe(value, reader)
        except Missing as missing:
            await reader.bring(missing)
            return unframe(value, reader)

    async def story() -> None:
        for _ in range(50):
            with pytest.raises(Poison, match="unknown_schema"):
                await read()
        assert registry.asked == 1
        await registry.register(f"{TOPIC}-Reading", SCHEMA)
        await asyncio.sleep(ABSENT_S)
        assert await read() == Event({"x": 1.5}, None, None)

    run(story())
