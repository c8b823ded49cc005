"""What is measured in a process reaches its /metrics once, under one name; and its answers are sent at once."""

import socket
from typing import Any

import structlog
import uvicorn
from prometheus_client.parser import text_string_to_metric_families

from penstock.fold.runner import Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.kafka.memory import MemoryBroker, MemoryKafka
from penstock.kafka.ports import TopicPartition
from penstock.process import Card, Process, exposition, listening
from penstock.records import Wire
from penstock.records.schemas import MemorySchemaRegistry
from penstock.settings import Settings
from penstock.world import World
from tests.folds import Summing, encode
from tests.waiting import until
from tests.worlds import QUICK, running

NOTHING: Any = None


def process() -> Process:
    return Process(Card("summing", (), (), ()), Settings(), structlog.get_logger())


def samples(measured: Process) -> dict[str, dict[str, Any]]:
    """The value of every sample by name, then by the label `name` or ""."""
    found: dict[str, dict[str, Any]] = {}
    for family in text_string_to_metric_families(exposition(measured).decode()):
        for sample in family.samples:
            found.setdefault(sample.name, {})[sample.labels.get("name", "")] = sample.value
    return found


async def test_what_a_runner_measures_is_exported_beside_what_its_folds_count() -> None:
    broker, here = MemoryBroker(), process()
    for topic in ("numbers", "sums"):
        broker.create(topic, 1)
    broker.append(TopicPartition("numbers", 0), None, encode(number=5))
    kafka: Any = MemoryKafka(broker)
    snapshots: Any = MemorySnapshots()
    world = World(here, kafka, NOTHING, snapshots, Wire(MemorySchemaRegistry()), NOTHING, NOTHING)
    runner = world.runner(Unit("summing/a", ("numbers",), lambda partition: Summing(partition, "sums")), limits=QUICK)
    here.counts.append(lambda: [({"fold": "summing/a", "partition": "0"}, {"lag": 0.0})])
    async with running(runner):
        await until(lambda: "penstock_lag" in samples(here))
        found = samples(here)
    assert {"penstock_restored_total", "penstock_snapshots_total", "penstock_capture_s", "penstock_store_s"} <= found.keys()
    assert (found["penstock_lag"], found["penstock_count"]) == ({"": 0.0}, {"lag": 0.0})


def test_two_processes_of_one_interpreter_do_not_meet() -> None:
    first, second = process(), process()
    first.metrics.count("restarts", fold="a", kind="Weather")
    second.metrics.count("restarts", 2, fold="a", kind="Weather")
    assert [samples(each)["penstock_restarts_total"] for each in (first, second)] == [{"": 1.0}, {"": 2.0}]


def test_no_answer_waits_until_a_packet_is_full() -> None:
    with listening(uvicorn.Config(NOTHING, host="127.0.0.1", port=0)) as listener:
        listener.listen()
        with socket.create_connection(listener.getsockname()):
            accepted, _ = listener.accept()
            with accepted:
                assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
