import json
from dataclasses import dataclass, field

import pytest

from penstock.fold.protocol import LogRecord, Output
from penstock.records import Wire, Writer, platform_schema
from penstock.records.schemas import MemorySchemaRegistry
from penstock.rpc.registry.v1 import registry_pb2
from penstock_deployer.agent import Live, Ports, ServeAgent, serve_record


def serving(revision: int = 1, position: int = 100, version: int = 1) -> registry_pb2.Serving:
    checkpoint = registry_pb2.Checkpoint(model="late", version=version, position=position, digest="ab", watermark_ms=7)
    return registry_pb2.Serving(found=True, revision=revision, checkpoint=checkpoint)


@dataclass
class World:
    """A registry, a topic of three partitions and a clock, all in memory."""

    wire: Wire
    answer: registry_pb2.Serving = field(default_factory=serving)
    sent: list[Output] = field(default_factory=list)
    live: list[Live] = field(default_factory=list)
    now_s: float = 0.0
    broken: bool = False

    def agent(self) -> ServeAgent:
        ports = Ports(self.ask, self.send, self.partitions, self.writer, "features.{}".format, lambda: self.live, lambda: self.now_s)
        return ServeAgent(self.wire, ports)

    async def ask(self, model: str) -> registry_pb2.Serving:
        return self.answer if model == "late" else registry_pb2.Serving()

    async def send(self, outputs: list[Output]) -> None:
        if self.broken:
            raise ConnectionError("the broker is away")
        self.sent += outputs

    async def partitions(self, topic: str) -> int:
        return 3

    async def writer(self, topic: str) -> Writer:
        return await self.wire.writer(topic, platform_schema("Serve"))

    async def hint(self, kind: str = "alias", name: str = "late@champion") -> LogRecord:
        write = await self.wire.writer("registry", platform_schema("RegistryEntry"))
        entry = {"event_time_ms": 1, "kind": kind, "name": name, "revision": 1, "body": json.dumps({})}
        return LogRecord("registry", 0, 0, 0, f"{kind}/{name}".encode(), write(entry))

    def taken(self) -> list[tuple[int, int, int]]:
        """Partition, revision and position of everything that was appended since the last look."""
        serves = [(output.partition, self.wire.read(output.value)[1]) for output in self.sent]
        self.sent.clear()
        return [(partition, serve["revision"], serve["position"]) for partition, serve in serves]


def world() -> World:
    return World(Wire(MemorySchemaRegistry()))


def test_the_same_answer_of_the_registry_has_the_same_cause() -> None:
    assert serve_record(serving(3, 500, 2)) == {
        "event_time_ms": 7,
        "cause": "serve:late:3:2:500",
        "revision": 3,
        "version": 2,
        "position": 500,
        "digest": "ab",
    }


async def test_a_new_alias_or_checkpoint_reaches_every_partition_once() -> None:
    there = world()
    agent = there.agent()
    for kind, name in (("alias", "late@champion"), ("checkpoint", "late/1"), ("alias", "late@champion")):
        await agent.hint(await there.hint(kind, name))
    assert there.taken() == [(0, 1, 100), (1, 1, 100), (2, 1, 100)]
    there.answer = serving(1, 200)
    await agent.hint(await there.hint("checkpoint", "late/1"))
    assert there.taken() == [(0, 1, 200), (1, 1, 200), (2, 1, 200)]


async def test_other_entries_tombstones_and_models_without_a_checkpoint_cause_nothing() -> None:
    there = world()
    agent = there.agent()
    await agent.hint(await there.hint("model", "late"))
    await agent.hint(await there.hint("alias", "new@champion"))
    await agent.hint((await there.hint())._replace(value=None))
    assert there.sent == []


async def test_a_hint_of_an_unknown_schema_is_read_after_it_was_fetched() -> None:
    schemas = MemorySchemaRegistry()
    there, writer = World(Wire(schemas)), World(Wire(schemas))
    await there.agent().hint(await writer.hint())
    assert len(there.sent) == 3


async def test_a_lost_append_is_repeated_after_two_seconds_and_only_where_it_did_not_arrive() -> None:
    there = world()
    agent = there.agent()
    await agent.hint(await there.hint())
    there.taken()
    there.live = [Live("late", 0, (1, 100)), Live("late", 1, (-1, -1))]
    there.now_s = 1.9
    await agent.reconcile()
    assert there.taken() == []
    there.now_s = 2.0
    await agent.reconcile()
    assert there.taken() == [(1, 1, 100)]
    await agent.reconcile()
    assert there.taken() == []


async def test_a_lost_hint_is_found_by_the_timer() -> None:
    there = world()
    there.live = [Live("late", 0, (1, 50)), Live("late", 2, (1, 100))]
    await there.agent().reconcile()
    assert there.taken() == [(0, 1, 100)]


async def test_nothing_older_than_what_is_in_force_or_was_appended_is_appended() -> None:
    there = world()
    agent = there.agent()
    there.answer = serving(2, 100)
    await agent.hint(await there.hint())
    there.taken()
    there.answer = serving(1, 900)
    await agent.hint(await there.hint())
    there.live = [Live("late", partition, (-1, -1)) for partition in range(3)]
    there.now_s = 10.0
    await agent.reconcile()
    there.live = [Live("late", partition, (5, 1)) for partition in range(3)]
    await there.agent().hint(await there.hint())
    assert there.taken() == []


async def test_an_append_that_failed_is_tried_again() -> None:
    there = world()
    agent, hint = there.agent(), await there.hint()
    there.broken = True
    with pytest.raises(ConnectionError):
        await agent.hint(hint)
    there.broken = False
    await agent.hint(hint)
    assert len(there.taken()) == 3


async def test_a_serve_that_its_fold_never_takes_is_repeated_ever_more_rarely() -> None:
    there = world()
    there.live = [Live("late", 0, (-1, -1))]
    agent = there.agent()
    for second in range(3_600):
        there.now_s = float(second)
        await agent.reconcile()
    assert 10 <= len(there.taken()) <= 20
