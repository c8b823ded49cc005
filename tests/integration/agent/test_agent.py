"""The Faust wrapper on a real Kafka: nothing is lost, whatever a handler does."""

import asyncio
import contextlib
import os
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from penstock.fold.protocol import Record
from penstock.kafka.agent import Agent, AgentCrashed, Retry, agents

QUICK = Retry(attempts_max=3, first_wait_s=0.01, wait_max_s=0.05)
TIMEOUT_S = 40.0


@dataclass
class Seen:
    """What reached a handler and the dead letters; `enough` waits for a condition on it, with a deadline."""

    handled: list[int] = field(default_factory=list)
    tries: list[int] = field(default_factory=list)
    dead: list[tuple[int, str]] = field(default_factory=list)
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def enough(self, condition: Any) -> None:
        async with asyncio.timeout(TIMEOUT_S), self.changed:
            await self.changed.wait_for(condition)

    async def note(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def bury(self, record: Record, error: Exception) -> None:
        self.dead.append((record.offset, str(error)))
        await self.note()


@contextlib.asynccontextmanager
async def filled_topic(bootstrap: str, values: list[bytes | None]) -> AsyncIterator[str]:
    topic = f"test.agent.{uuid.uuid4().hex[:8]}"
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(admin.close)
        await admin.create_topics([NewTopic(topic, 1, 1)])
        producer = await stack.enter_async_context(AIOKafkaProducer(bootstrap_servers=bootstrap))
        for value in values:
            await producer.send_and_wait(topic, value, key=b"k", headers=[("name", b"value")])
        yield topic
        await admin.delete_topics([topic])


def values(size: int) -> list[bytes | None]:
    return [str(at).encode() for at in range(size)]


async def test_a_handler_that_raises_twice_and_then_works_loses_nothing(stack: Any) -> None:
    seen = Seen()

    async def handle(record: Record) -> None:
        seen.tries.append(record.offset)
        if record.offset == 1 and seen.tries.count(1) < 3:
            raise LookupError("not yet")
        seen.handled.append(record.offset)
        await seen.note()

    async with (
        filled_topic(stack.bootstrap, values(4)) as topic,
        agents(topic, stack.bootstrap, [Agent("one", topic, handle)], seen.bury, QUICK),
    ):
        await seen.enough(lambda: len(seen.handled) == 4)
    assert seen.handled == [0, 1, 2, 3]
    assert seen.tries == [0, 1, 1, 1, 2, 3]
    assert seen.dead == []


async def test_what_can_never_be_handled_is_buried_and_nothing_else_is_lost(stack: Any) -> None:
    seen = Seen()

    async def handle(record: Record) -> None:
        seen.tries.append(record.offset)
        if record.value == b"7":
            raise ValueError("poison")
        seen.handled.append(record.offset)
        await seen.note()

    async with (
        filled_topic(stack.bootstrap, values(12)) as topic,
        agents(topic, stack.bootstrap, [Agent("one", topic, handle)], seen.bury, QUICK),
    ):
        await seen.enough(lambda: len(seen.handled) == 11)
    assert seen.handled == [0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11]
    assert seen.dead == [(7, "poison")]
    assert seen.tries.count(7) == QUICK.attempts_max


async def test_a_dead_letter_that_cannot_be_sent_is_tried_until_it_can(stack: Any) -> None:
    seen, failures = Seen(), iter(range(4))

    async def handle(record: Record) -> None:
        if record.offset == 0:
            raise ValueError("poison")
        seen.handled.append(record.offset)
        await seen.note()

    async def bury(record: Record, error: Exception) -> None:
        if next(failures, None) is not None:
            raise ConnectionError("the broker is away")
        await seen.bury(record, error)

    async with (
        filled_topic(stack.bootstrap, values(2)) as topic,
        agents(topic, stack.bootstrap, [Agent("one", topic, handle)], bury, QUICK),
    ):
        await seen.enough(lambda: seen.handled == [1])
    assert seen.dead == [(0, "poison")]


async def test_a_restart_in_the_middle_of_a_record_loses_nothing(stack: Any) -> None:
    seen, stuck = Seen(), asyncio.Event()

    async def handle(record: Record) -> None:
        if record.offset == 3 and not stuck.is_set():
            stuck.set()
            await asyncio.Event().wait()
        seen.handled.append(record.offset)
        await seen.note()

    async with filled_topic(stack.bootstrap, values(6)) as topic:
        async with agents(topic, stack.bootstrap, [Agent("one", topic, handle)], seen.bury, QUICK), asyncio.timeout(TIMEOUT_S):
            await stuck.wait()
        assert seen.handled == [0, 1, 2]
        async with agents(topic, stack.bootstrap, [Agent("one", topic, handle)], seen.bury, QUICK):
            await seen.enough(lambda: set(seen.handled) == set(range(6)))
    assert seen.dead == []


async def test_records_arrive_raw_with_key_headers_and_tombstones(stack: Any, tmp_path: Path) -> None:
    seen: list[Record] = []
    done = asyncio.Event()

    async def handle(record: Record) -> None:
        seen.append(record)
        if len(seen) == 2:
            done.set()

    async with filled_topic(stack.bootstrap, [b"\x00\xff", None]) as topic:
        with contextlib.chdir(tmp_path):  # where Faust would leave its folder
            async with agents(topic, stack.bootstrap, [Agent("one", topic, handle)], Seen().bury, QUICK), asyncio.timeout(TIMEOUT_S):
                await done.wait()
    assert [(record.key, record.value, list(record.headers)) for record in seen] == [
        (b"k", b"\x00\xff", [("name", b"value")]),
        (b"k", None, [("name", b"value")]),
    ]
    assert os.listdir(tmp_path) == []


async def test_the_service_ends_when_faust_has_crashed(stack: Any) -> None:
    started = asyncio.Event()

    async def handle(record: Record) -> None:
        started.set()

    async def serve(topic: str) -> None:
        async with agents(topic, stack.bootstrap, [Agent("one", topic, handle)], Seen().bury, QUICK) as app:
            await started.wait()
            await app.consumer.crash(RuntimeError("the consumer has ended"))
            await asyncio.Event().wait()

    async with filled_topic(stack.bootstrap, values(1)) as topic, asyncio.timeout(TIMEOUT_S):
        with pytest.raises(BaseExceptionGroup) as ended:
            await serve(topic)
    assert ended.group_contains(AgentCrashed)
