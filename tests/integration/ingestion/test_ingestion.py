"""Ingestion on real Kafka: what producers send comes out of validated.<stream>, or of the dead-letter topic, and nothing is lost."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import httpx
import pytest
import structlog
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from penstock.catalogue import Catalogue
from penstock.contract.problems import Problem
from penstock.errors import PenstockError
from penstock.fold.protocol import Output, Record
from penstock.fold.runner import Runner
from penstock.fold.snapshots import PostgresSnapshots
from penstock.framing.decoder import Decoder
from penstock.kafka.ports import TopicPartition
from penstock.kafka.producer import KafkaProducer
from penstock.parking import Parking
from penstock.process import Process
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry
from penstock.registry_client import RegistryClient
from penstock.settings import Settings
from penstock.spec import Field, Stream
from penstock.spec.avro import producer_schema
from penstock.world import World
from penstock_ingestion import CARD, sender
from penstock_ingestion.admission import Admission
from penstock_ingestion.gateway import Gateway
from penstock_ingestion.units import make_runner
from tests.conftest import Corner
from tests.waiting import until

FIELDS = {
    field.name: field
    for field in (
        Field("origin", "string"),
        Field("observed_at", "timestamp"),
        Field("wind_speed", "double", nullable=True, minimum=0, maximum=150),
    )
}
WEATHER = Stream("weather", "origin", None, "observed_at", 604_800_000, 2, 0, 3_600_000, FIELDS)
MIDNIGHT_MS = 1_357_084_800_000  # 2013-01-02
WAIT_S = 30.0
COUNTS = ("sent", "validated", "rejected", "duplicates")


def observation(hour: int, wind_speed: float | None = 5.5, origin: str = "JFK") -> dict[str, Any]:
    return {"origin": origin, "observed_at": f"2013-01-01T{hour:02}:00:00Z", "wind_speed": wind_speed}


class Station(NamedTuple):
    """A corner of Kafka with the weather's topics, and what runs ingestion there."""

    corner: Corner
    world: World
    schemas: MemorySchemaRegistry

    def topic(self, family: str) -> str:
        return f"{self.corner.prefix}{family}.weather"

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Runner]:
        runner = await make_runner(self.world, Decoder(self.world.wire), WEATHER)
        work = asyncio.create_task(runner.run())
        try:
            yield runner
        finally:
            work.cancel()
            await asyncio.wait([work])

    async def produce(self, *values: bytes, headers: tuple[tuple[str, bytes], ...] = ()) -> None:
        producer = await self.corner.kafka.producer()
        await producer.send([Output(self.topic("events"), 0, None, value, headers) for value in values])
        await producer.stop()

    async def read(self, topic: str) -> list[Record]:
        """All records of the topic, partition by partition."""
        records = []
        for partition in range(await self.corner.kafka.partitions(topic)):
            for offset in range(await self.corner.end(topic, partition)):
                record = await self.corner.kafka.read(TopicPartition(topic, partition), offset)
                assert record is not None
                records.append(record)
        return records

    async def validated(self) -> list[dict[str, Any]]:
        """The events, by event time."""
        events = [fields for name, fields in await self.outputs() if name != "Tick"]
        return sorted(events, key=lambda fields: int(fields["event_time_ms"]))

    async def outputs(self) -> list[tuple[str, dict[str, Any]]]:
        """Everything on the validated topic: names and fields."""
        return [self.world.wire.read(record.value) for record in await self.read(self.topic("validated"))]


async def counted(runner: Runner, sent: int) -> dict[str, int]:
    """The counts of all folds together, once so many events have been folded and acknowledged."""

    def total(name: str) -> int:
        return sum(fold.counts[name] for fold in runner.folds.values())

    await until(lambda: total("sent") >= sent, WAIT_S)
    await runner.settled()
    return {name: total(name) for name in COUNTS}


@asynccontextmanager
async def station(corner: Corner) -> AsyncIterator[Station]:
    await corner.topic("events.weather", 2, "events")
    await corner.topic("validated.weather", 2)
    snapshots = PostgresSnapshots(corner.pool)
    await snapshots.create()
    schemas = MemorySchemaRegistry()
    wire = Wire(schemas)
    process = Process(CARD, Settings(bootstrap=corner.bootstrap, topic_prefix=corner.prefix), structlog.get_logger())
    catalogue = Catalogue(corner.bootstrap, process.topic("registry"), wire)
    async with RegistryClient(process.settings.registry) as registry:  # ingestion reads the catalogue, and asks the registry nothing
        yield Station(corner, World(process, corner.kafka, corner.pool, snapshots, wire, catalogue, registry), schemas)


async def test_json_and_avro_on_one_topic_both_come_out_and_the_broken_ones_are_dead_letters(corner: Corner) -> None:
    async with station(corner) as here:
        write = await Wire(here.schemas).writer(here.topic("events"), producer_schema(WEATHER))
        avro = write({"origin": "EWR", "observed_at": 1_357_005_600_000, "wind_speed": None})
        storm = json.dumps(observation(4, 1048.36)).encode()
        async with here.running() as runner:
            await here.produce(json.dumps(observation(1)).encode(), avro, b"gibberish", storm, b"\x00\x00\x00\x00\x63x")
            assert await counted(runner, 5) == {"sent": 5, "validated": 2, "rejected": 3, "duplicates": 0}
        assert [(event["origin"], event["wind_speed"]) for event in await here.validated()] == [("JFK", 5.5), ("EWR", None)]
        letters = await here.read(f"{corner.prefix}dlq.events.weather")
        codes = {dict(letter.headers)["__dlq.errors.code"]: letter.value for letter in letters}
        assert codes == {b"not_framed": b"gibberish", b"out_of_range": storm, b"unknown_schema": b"\x00\x00\x00\x00\x63x"}


async def test_a_source_is_parked_and_released_by_commands_in_the_log(corner: Corner) -> None:
    gate = (("ce_source", b"gate/7"),)
    async with station(corner) as here, here.running() as runner:
        producer = KafkaProducer(corner.bootstrap)
        await producer.start()
        for hour, parked in enumerate((True, False)):
            assert await producer.append(Parking("gate/7", parked).records(here.topic("events"), 2)) == [2 * hour, hour]
            await here.produce(json.dumps(observation(hour)).encode(), headers=gate)
        await producer.stop()
        assert await counted(runner, 2) == {"sent": 2, "validated": 1, "rejected": 1, "duplicates": 0}
        assert [event["event_time_ms"] for event in await here.validated()] == [MIDNIGHT_MS - 23 * 3_600_000]
        (letter,) = await here.read(f"{corner.prefix}dlq.events.weather")
        assert dict(letter.headers)["__dlq.errors.code"] == b"quarantined"
        assert sum(fold.counts["commands"] for fold in runner.folds.values()) == 4


async def test_a_topic_with_other_partitions_than_its_stream_is_refused_at_start(corner: Corner) -> None:
    async with station(corner) as here:
        with pytest.raises(PenstockError, match=r"events\.weather has 2 partitions, its stream says 3\. Try: partitions: 2"):
            await make_runner(here.world, Decoder(here.world.wire), replace(WEATHER, partitions=3))


async def test_a_restart_goes_on_where_it_stopped_and_still_knows_duplicates(corner: Corner) -> None:
    async with station(corner) as here:
        first, second = json.dumps(observation(1)).encode(), json.dumps(observation(2)).encode()
        headers = (("ce_id", b"one"),)
        async with here.running() as runner:
            await here.produce(first, headers=headers)
            await counted(runner, 1)
        await here.produce(first, headers=headers)
        await here.produce(second, headers=(("ce_id", b"two"),))
        async with here.running() as runner:
            assert await counted(runner, 3) == {"sent": 3, "validated": 2, "rejected": 0, "duplicates": 1}
        assert [event["event_id"] for event in await here.validated()] == ["one", "two"]


async def test_an_accepted_post_is_in_kafka_where_its_receipt_says_and_comes_out_validated(corner: Corner) -> None:
    async with station(corner) as here:
        async with sender.opened(corner.bootstrap) as producer, here.running() as runner:
            gateway = Gateway(lambda stream: f"{corner.prefix}events.{stream}", producer.send, nothing_wrong, Admission(32))
            gateway.open({"weather": WEATHER})
            async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as http:
                one = await http.post("/events/weather", json=observation(1))
                many = await http.post("/events/weather", json=[observation(2, origin="EWR"), observation(3, origin="LGA")])
                tick = await http.post("/events/weather/ticks", json={"time": "2013-01-02T00:00:00Z"})
            assert [answer.status_code for answer in (one, many, tick)] == [202, 202, 202]
            receipt = one.json()
            record = await corner.kafka.read(TopicPartition(receipt["topic"], receipt["partition"]), receipt["offset"])
            assert record is not None
            assert (record.key, json.loads(record.value or b"")) == (b"JFK", observation(1))
            assert (await counted(runner, 3))["validated"] == 3
        assert [event["origin"] for event in await here.validated()] == ["JFK", "EWR", "LGA"]
        ids = [receipt["id"], *(accepted["id"] for accepted in many.json()["accepted"])]
        assert [event["event_id"] for event in await here.validated()] == ids
        ticks = [fields for name, fields in await here.outputs() if name == "Tick" and not fields["idle"]]
        assert {(tick["partition"], tick["event_time_ms"]) for tick in ticks} == {(0, MIDNIGHT_MS), (1, MIDNIGHT_MS)}


async def test_what_kafka_does_not_acknowledge_is_not_accepted(corner: Corner) -> None:
    topic = f"{corner.prefix}events.weather"
    admin = AIOKafkaAdminClient(bootstrap_servers=corner.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"max.message.bytes": "100"})])
    await admin.close()
    await until(lambda: exists(corner, topic), timeout_s=WAIT_S)
    async with sender.opened(corner.bootstrap) as producer:
        gateway = Gateway(lambda stream: f"{corner.prefix}events.{stream}", producer.send, nothing_wrong, Admission(32))
        gateway.open({"weather": WEATHER})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as http:
            answer = await http.post("/events/weather", json=observation(1))
    assert answer.status_code == 503
    assert [await corner.end(topic, partition) for partition in (0, 1)] == [0, 0]


async def nothing_wrong(stream: Stream, topic: str, body: bytes) -> list[Problem]:
    return []


async def exists(corner: Corner, topic: str) -> bool:
    return await corner.kafka.partitions(topic) == 2


async def test_a_broker_that_is_away_is_503_and_leaves_nothing_open(corner: Corner) -> None:
    async with sender.opened(corner.bootstrap.replace(corner.bootstrap.rpartition(":")[2], "1")) as producer:
        gateway = Gateway(lambda stream: stream, producer.send, nothing_wrong, Admission(32))
        gateway.open({"weather": WEATHER})
        async with httpx.AsyncClient(transport=httpx.ASGITransport(gateway.app()), base_url="http://gateway") as http:
            answer = await http.post("/events/weather", json=observation(1))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
