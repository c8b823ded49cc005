"""The producer on real Kafka, with ingestion behind it: every event once, with the id that was told, whatever changes meanwhile."""

import asyncio
import json
import os
import shutil
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import MessageSizeTooLargeError

from penstock.fold.protocol import Output, Record
from penstock.fold.weather import SendFailed
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.ports import TopicPartition
from penstock.kafka.producer import KafkaProducer
from penstock.kafka.topics import TopicSpec
from penstock.local.detached import start_detached, stop
from penstock.local.state import read_state
from penstock.producer import Acknowledgement, Closed, Producer, SyncProducer, Unavailable
from penstock.records import Wire, platform_schema
from penstock.records.schemas import MemorySchemaRegistry
from penstock.records.wire import schema_id
from penstock.spec import Stream, part_from_json
from penstock.spec.avro import producer_schema
from penstock.spec.stream import stream_body
from tests.conftest import Corner
from tests.integration.ingestion.test_evolution import VERSIONS, Changing
from tests.integration.ingestion.test_ingestion import MIDNIGHT_MS, WEATHER, Station, counted, exists, observation, station
from tests.waiting import until

THREADS, EACH, WAIT_S = 4, 40, 60.0
RESTART_S = 90.0  # after kill -9 a broker waits for its old session; the machine may be busy


class Registry:
    """The registry's topic, as far as producers read it."""

    def __init__(self, kafka: KafkaCluster, prefix: str, schemas: MemorySchemaRegistry) -> None:
        self._kafka, self._prefix, self._schemas = kafka, prefix, schemas

    async def tell_stream(self, stream: Stream, revision: int = 1) -> None:
        await self._tell("stream", stream.name, revision, stream_body(stream))

    async def tell_schema(self, stream: Stream) -> int:
        """Register the schema of the stream's producers, which is made of what the topic says; its id."""
        read = part_from_json("stream", stream.name, json.dumps(stream_body(stream)))
        assert isinstance(read, Stream)
        id = await self._schemas.register(f"{self._prefix}events.{stream.name}-x", producer_schema(read))
        for each in self._schemas.ids():
            await self._tell("schema", str(each), 1, {"id": each, "schema": json.dumps(await self._schemas.by_id(each))})
        return id

    async def _tell(self, kind: str, name: str, revision: int, body: Any) -> None:
        topic = f"{self._prefix}registry"
        await self._kafka.create([TopicSpec(topic, "registry")])
        write = await Wire(self._schemas).writer(topic, platform_schema("RegistryEntry"))
        value = write({"event_time_ms": 0, "kind": kind, "name": name, "revision": revision, "body": json.dumps(body)})
        producer = await self._kafka.producer()
        await producer.send([Output(topic, 0, f"{kind}/{name}".encode(), value)])
        await producer.stop()


def registry(here: Station) -> Registry:
    return Registry(here.corner.kafka, here.corner.prefix, here.schemas)


async def test_what_several_threads_send_comes_out_validated_once_with_the_id_that_was_told(corner: Corner) -> None:
    async with station(corner) as here, here.running() as runner:
        await registry(here).tell_stream(WEATHER)
        id = await registry(here).tell_schema(WEATHER)
        acknowledged = await asyncio.to_thread(from_threads, corner)
        assert await counted(runner, len(acknowledged)) == {
            "sent": len(acknowledged),
            "validated": len(acknowledged),
            "rejected": 0,
            "duplicates": 0,
        }
        validated = Counter(event["event_id"] for event in await here.validated())
        records = await here.read(here.topic("events"))
    assert validated == Counter(place.event_id for place in acknowledged)
    at = {(record.partition, record.offset): dict(record.headers)["ce_id"] for record in records}
    assert at == {(place.partition, place.offset): place.event_id.encode() for place in acknowledged}
    assert {schema_id(record.value) for record in records} == {id}


def from_threads(corner: Corner) -> list[Acknowledgement]:
    with SyncProducer(corner.bootstrap, topic_prefix=corner.prefix, timeout_s=WAIT_S) as producer:

        def send(thread: int) -> list[Acknowledgement]:
            soon = [producer.send_soon("weather", observation(n % 24, n, f"A{thread}{n % 3}")) for n in range(EACH)]
            last = producer.send("weather", observation(1, origin=f"A{thread}"))
            return [*(each.result() for each in soon), last, *producer.send_all("weather", [observation(2), observation(3)])]

        with ThreadPoolExecutor(THREADS) as threads:
            acknowledged = [each for found in threads.map(send, range(THREADS)) for each in found]
    with pytest.raises(Closed):
        producer.send("weather", observation(1))
    return acknowledged


async def test_a_changed_stream_is_followed_while_events_flow_and_no_value_is_lost(corner: Corner) -> None:
    async with station(corner) as here:
        await registry(here).tell_stream(WEATHER)
        await registry(here).tell_schema(WEATHER)
        changing, enough, sent = Changing(here), asyncio.Event(), dict[str, dict[str, Any]]()
        following = asyncio.create_task(changing.fleet.follow(changing.changes()))
        async with Producer(corner.bootstrap, topic_prefix=corner.prefix, timeout_s=WAIT_S) as producer:
            sending = asyncio.create_task(send_until(producer, enough, sent))
            await more_validated(changing, sent)
            for revision in (2, 3):
                await registry(here).tell_stream(VERSIONS[revision - 1], revision)
                changing.apply(revision)
                await until(partial(runs, changing, revision), WAIT_S)
                await more_validated(changing, sent)
                await registry(here).tell_schema(VERSIONS[revision - 1])
                await more_validated(changing, sent)
            enough.set()
            await sending
        await until(partial(changing.has_validated, len(sent)), timeout_s=WAIT_S)
        following.cancel()
        await asyncio.wait([following])
        events = [fields for name, fields in await here.outputs() if name != "Tick"]
        written = [record.value for record in await here.read(here.topic("events"))]
    assert Counter(event["event_id"] for event in events) == Counter(sent.keys())
    for event in events:
        fields = sent[event["event_id"]]
        assert {name: event[name] for name in event.keys() & fields.keys()} == {name: fields[name] for name in event.keys() & fields.keys()}
    assert {len(event) for event in events} == {len(version.fields) + 3 for version in VERSIONS}
    assert len({schema_id(value) for value in written if value is not None and value[0] == 0}) == 2, "the second's and the last's"


def runs(changing: Changing, revision: int) -> bool:
    running = changing.fleet._running.get("ingestion/weather")
    return running is not None and running[0] == revision


async def more_validated(changing: Changing, sent: dict[str, dict[str, Any]]) -> None:
    """Events that are sent from now on are validated: by the fold that runs now."""
    await until(partial(changing.has_validated, len(sent) + EACH), WAIT_S)


async def send_until(producer: Producer, enough: asyncio.Event, sent: dict[str, dict[str, Any]]) -> None:
    """Send events of the newest fields, and of the last version's, until it is enough; `sent` are the fields by id."""
    while not enough.is_set():
        number = len(sent)
        fields: dict[str, Any] = {"origin": f"A{number % 5}", "observed_at": MIDNIGHT_MS + number, "humidity": float(number % 100)}
        fields |= {"wind_speed": number % 150 + 0.5} if number % 2 else {}
        sent[str(number)] = fields
        await producer.send("weather", fields, id=str(number))


# --- a broker that is away -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder() -> Iterator[Path]:
    parent = Path(tempfile.mkdtemp())
    yield parent / "stack"
    stop(parent / "stack")
    shutil.rmtree(parent)


def test_a_broker_that_dies_and_comes_back_loses_nothing_and_breaks_no_order(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PENSTOCK_BOOTSTRAP", "PENSTOCK_DSN"):
        monkeypatch.delenv(name, raising=False)
    state = start_detached(folder, only_infra=True)
    records, acknowledged = asyncio.run(through_a_kill(folder, state.addresses.bootstrap))
    ids = [dict(record.headers)["ce_id"] for record in records]
    assert [ids[place.offset] for place in acknowledged] == [place.event_id.encode() for place in acknowledged]
    assert list(dict.fromkeys(ids)) == [b"%d" % number for number in range(len(acknowledged))], "what stands there twice has one id"


async def through_a_kill(folder: Path, bootstrap: str) -> tuple[Sequence[Record], list[Acknowledgement]]:
    async with opened(bootstrap) as kafka:
        await kafka.create([TopicSpec("events.weather", "events", 2)])
        await Registry(kafka, "", MemorySchemaRegistry()).tell_stream(WEATHER)
        async with Producer(bootstrap, timeout_s=RESTART_S) as producer:
            soon = [await producer.send_soon("weather", observation(1), id=str(number)) for number in range(200)]
            os.kill(pid_of_kafka(folder), signal.SIGKILL)
            soon += [await producer.send_soon("weather", observation(1), id=str(number)) for number in range(200, 400)]
            await until(partial(is_restarted, folder), RESTART_S)
            acknowledged = [await each for each in soon]
        topic = TopicPartition("events.weather", acknowledged[0].partition)
        found = [await kafka.read(topic, offset) for offset in range((await kafka.bounds(topic)).end)]
    return [record for record in found if record is not None], acknowledged


def pid_of_kafka(folder: Path) -> int:
    state = read_state(folder)
    assert state is not None
    return next(process.pid for process in state.processes if process.name == "kafka")


def is_restarted(folder: Path) -> bool:
    state = read_state(folder)
    return state is not None and any(each.name == "kafka" and each.state == "ready" and each.restarts for each in state.processes)


async def test_a_platform_that_cannot_be_read_is_told_when_the_producer_starts(corner: Corner) -> None:
    async def start(bootstrap: str) -> None:
        async with Producer(bootstrap, topic_prefix=corner.prefix, timeout_s=8):
            pass

    def start_thread() -> None:
        with SyncProducer("127.0.0.1:1", timeout_s=1):
            pass

    started = (start("127.0.0.1:1"), start(corner.bootstrap), asyncio.to_thread(start_thread))
    nobody, empty, thread = await asyncio.gather(*started, return_exceptions=True)
    assert (type(nobody), type(empty), type(thread)) == (Unavailable, Unavailable, Unavailable)
    assert "KafkaConnectionError" in str(nobody)
    assert f"there is no topic {corner.prefix}registry" in str(empty)


async def test_each_record_of_a_round_is_told_its_offset_or_why_there_is_none(corner: Corner) -> None:
    topic = f"{corner.prefix}events.weather"
    admin = AIOKafkaAdminClient(bootstrap_servers=corner.bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 2, 1, topic_configs={"max.message.bytes": "500"})])
    await admin.close()
    await until(lambda: exists(corner, topic), timeout_s=WAIT_S)
    outputs = [Output(topic, partition, None, value) for partition, value in ((0, b"a"), (1, b"b"), (1, b"c" * 900), (1, b"d"), (0, b"e"))]
    assert [kinds(await delivered(corner, outputs, alone)) for alone in (False, True)] == [
        [0, MessageSizeTooLargeError, MessageSizeTooLargeError, MessageSizeTooLargeError, 1],
        [2, 0, MessageSizeTooLargeError, SendFailed, 3],
    ]


async def delivered(corner: Corner, outputs: list[Output], alone: bool) -> list[int | Exception]:
    producer = KafkaProducer(corner.bootstrap)
    await producer.start()
    try:
        return await producer.deliver(outputs, alone=alone)
    finally:
        await producer.stop()


def kinds(places: list[int | Exception]) -> list[object]:
    return [place if isinstance(place, int) else type(place) for place in places]
