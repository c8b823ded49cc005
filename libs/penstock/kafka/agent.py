"""Agents, the control plane: Faust embedded in the service's own loop, behind one wrapper that loses nothing."""

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import faust
import structlog

from penstock.errors import PenstockError
from penstock.fold.protocol import LogRecord, Record
from penstock.kafka.sender import AGENT_GROUP_PREFIX
from penstock.patience import WEATHER

ATTEMPTS_MAX = 5
FIRST_WAIT_S = 0.1
WAIT_MAX_S = 5.0
SESSION_TIMEOUT_S = 6.0
HEARTBEAT_S = 1.0
COMMIT_INTERVAL_S = 1.0
STOP_TIMEOUT_S = 10.0

Handle = Callable[[Record], Awaitable[None]]
DeadLetter = Callable[[Record, Exception], Awaitable[None]]
"""Sends a record that could not be handled to its dead-letter topic; returns when the broker has acknowledged it."""


@dataclass(frozen=True, slots=True)
class Agent:
    """One handler of one topic; `handle` decodes the raw bytes itself, and must be idempotent: a record may come again."""

    name: str
    topic: str
    handle: Handle


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a handler may fail, and how long is waited in between: doubled every time, at most `wait_max_s`."""

    attempts_max: int = ATTEMPTS_MAX
    first_wait_s: float = FIRST_WAIT_S
    wait_max_s: float = WAIT_MAX_S

    def wait_s(self, attempt: int) -> float:
        """The wait after this attempt, counted from 1.

        >>> [Retry(first_wait_s=0.1, wait_max_s=0.5).wait_s(attempt) for attempt in (1, 2, 3, 4)]
        [0.1, 0.2, 0.4, 0.5]
        """
        return min(self.first_wait_s * 2.0 ** min(attempt - 1, 32), self.wait_max_s)


class AgentCrashed(PenstockError):
    """Faust has given up: its consumer or producer ended with an error."""


@contextlib.asynccontextmanager
async def agents(
    name: str, bootstrap: str, handlers: Sequence[Agent], dead_letter: DeadLetter, retry: Retry | None = None
) -> AsyncIterator[Any]:
    """Run the agents of the service `name` while inside, as the consumer group `penstock.agent.<name>`; yields the Faust app.

    A record is acknowledged when its handler has returned, or when the dead-letter topic has it.
    Raises: AgentCrashed, in a group, when Faust ends by itself.
    """
    async with contextlib.AsyncExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="penstock-agent-"))
        app = _application(f"{AGENT_GROUP_PREFIX}{name}", bootstrap, folder)
        for handler in handlers:
            _attach(app, handler, dead_letter, retry or Retry())
        await stack.enter_async_context(_running(app, name))
        yield app


@contextlib.asynccontextmanager
async def _running(app: Any, name: str) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        watch = tasks.create_task(_watch(app, name))
        try:
            await app.start()
            yield
        finally:
            watch.cancel()
            await asyncio.wait_for(app.stop(), STOP_TIMEOUT_S)


@contextlib.asynccontextmanager
async def every(interval_s: float, work: Callable[[], Awaitable[None]], weather: tuple[type[Exception], ...] = ()) -> AsyncIterator[None]:
    """Call `work` now and then every `interval_s` while inside; what is `weather` is logged and tried again, all else ends the service."""
    async with asyncio.TaskGroup() as tasks:
        timer = tasks.create_task(_repeat(interval_s, work, weather))
        try:
            yield
        finally:
            timer.cancel()


async def _repeat(interval_s: float, work: Callable[[], Awaitable[None]], weather: tuple[type[Exception], ...]) -> None:
    while True:
        try:
            await work()
        except weather as error:
            structlog.get_logger().warning("reconcile_failed", reason=repr(error))
        await asyncio.sleep(interval_s)


async def handle_one(handler: Agent, record: Record, dead_letter: DeadLetter, retry: Retry) -> None:
    """Handle one record with bounded retry, else give it to the dead-letter topic; returns only when one of the two is done.

    Weather is waited for, as long as it takes: it says nothing about the record (design, law V). Never raises, except to be cancelled: an
    exception that leaves the loop makes Faust acknowledge the record and lose it (measured).
    """
    log = structlog.get_logger().bind(agent=handler.name, topic=record.topic, offset=record.offset)
    failures = 0
    for attempt in itertools.count(1):
        try:
            await handler.handle(record)
        except WEATHER as error:
            log.warning("waiting", reason=repr(error))
        except Exception as error:  # whatever it is, the record must not be lost
            failures += 1
            if failures == retry.attempts_max:
                log.error("agent_gave_up", reason=repr(error))
                await _bury(record, error, dead_letter, retry)
                return
        else:
            return
        await asyncio.sleep(retry.wait_s(attempt))


async def _bury(record: Record, failure: Exception, dead_letter: DeadLetter, retry: Retry) -> None:
    """Without a dead letter the record would be lost, so this waits for the broker as long as it takes."""
    attempt = 0
    while True:
        attempt += 1
        try:
            await dead_letter(record, failure)
        except Exception as error:  # weather: nothing else is left to do with the record
            structlog.get_logger().warning("dead_letter_failed", topic=record.topic, offset=record.offset, reason=repr(error))
        else:
            return
        await asyncio.sleep(retry.wait_s(attempt))


def _attach(app: Any, handler: Agent, dead_letter: DeadLetter, retry: Retry) -> None:
    topic = app.topic(handler.topic, key_serializer="raw", value_serializer="raw")

    async def consume(stream: Any) -> None:
        async for event in stream.noack().events():
            await handle_one(handler, _record(event.message), dead_letter, retry)
            await stream.ack(event)

    app.agent(topic, name=handler.name, concurrency=1)(consume)


def _record(message: Any) -> Record:
    headers = message.headers.items() if isinstance(message.headers, dict) else message.headers or ()
    time_ms = int(message.timestamp * 1000)
    return LogRecord(message.topic, message.partition, message.offset, time_ms, message.key, message.value, tuple(headers))


async def _watch(app: Any, name: str) -> None:
    await app.wait_until_stopped()
    raise AgentCrashed(f"the agents of {name} ended: {app.crash_reason!r}. Try: penstock logs {name}") from app.crash_reason


def _application(group: str, bootstrap: str, folder: str) -> Any:
    """A Faust app with every setting that the spike found to matter (design §12)."""
    return faust.App(
        group,
        broker=[f"kafka://{address.strip()}" for address in bootstrap.split(",")],
        autodiscover=False,
        broker_commit_interval=COMMIT_INTERVAL_S,
        broker_heartbeat_interval=HEARTBEAT_S,
        broker_session_timeout=SESSION_TIMEOUT_S,
        datadir=folder,  # Faust makes it, though there are no tables; the default is the working folder
        consumer_auto_offset_reset="earliest",  # a hint that comes again is harmless, one that is skipped costs seconds
        key_serializer="raw",
        producer_acks=-1,
        store="memory://",
        stream_wait_empty=False,  # else stop() hangs on one unacknowledged event
        topic_allow_declare=False,
        topic_disable_leader=True,
        value_serializer="raw",
        web_enabled=False,  # else it listens on every address
        worker_redirect_stdouts=False,
    )
