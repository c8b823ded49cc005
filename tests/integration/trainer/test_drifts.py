"""Every drift there has been is known, whatever else stands on the topic and whoever is away."""

import httpx
import pytest

from penstock.fold.protocol import Output
from penstock.fold.weather import Weather
from penstock.records import Wire, platform_schema
from penstock.records.schemas import MemorySchemaRegistry, Schema
from penstock_trainer.drifts import Drifts
from tests.conftest import Corner
from tests.waiting import until


class AwayAtFirst(MemorySchemaRegistry):
    """A schema registry that cannot be reached the first time that it is asked for a schema."""

    asked = 0

    async def by_id(self, id: int) -> Schema:
        self.asked += 1
        if self.asked == 1:
            raise httpx.ConnectError("away")
        return await super().by_id(id)


async def test_no_drift_is_lost_to_weather_or_to_what_nobody_can_read(corner: Corner) -> None:
    topic, schemas = await corner.topic("drift", kind="drift"), AwayAtFirst()
    write = await Wire(schemas).writer(topic, platform_schema("Serve"))
    serve = {"event_time_ms": 0, "revision": 1, "version": 1, "position": 1, "digest": ""}
    values = [b"\0\0\0\0\x63\x02", b"not framed", *(write({**serve, "cause": cause}) for cause in ("one", "two", "one"))]
    producer = await corner.kafka.producer()
    await producer.send([Output(topic, 0, b"late", value) for value in values])
    await producer.stop()
    async with Drifts(corner.bootstrap, topic, Wire(schemas)) as drifts:

        async def both() -> bool:
            return [value["cause"] for value in await drifts.all()] == ["one", "two"]

        with pytest.raises(Weather):
            await until(both)
        await until(both)
