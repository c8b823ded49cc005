"""The platform under the clients: a stack of its own, the specification applied, and what stands on the topics of its streams."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from penstock.fold.poison import opened as reasons_of
from penstock.fold.protocol import Record
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.log import read_log
from penstock.local.stack import start_detached, stop, wipe
from penstock.local.state import StackAddresses
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.registry_client import RegistryClient
from penstock.spec import load
from tests.interop.readings import PARTITIONS, READINGS, SIGNALS, Came, Sent, Validated, framing_of
from tests.waiting import until

SPECIFICATION = Path(__file__).with_name("penstock.yaml")
SETTLED_WITHIN_S = 60.0
TICK = "Tick"
NOT_YET = (httpx.codes.NOT_FOUND, httpx.codes.SERVICE_UNAVAILABLE)

Places = Mapping[int, int]
"""An offset of every partition of a topic."""


@contextlib.contextmanager
def running(folder: Path) -> Iterator[StackAddresses]:
    """A new stack with the streams applied and open, while inside."""
    stop(folder)
    wipe(folder)
    state = start_detached(folder)
    try:
        asyncio.run(_apply(state.addresses))
        yield state.addresses
    finally:
        stop(folder)


async def _apply(at: StackAddresses) -> None:
    async with RegistryClient(at.registry) as registry, httpx.AsyncClient(base_url=at.gateway, trust_env=False) as gateway:
        await registry.apply(load(SPECIFICATION.read_text(), str(SPECIFICATION)).to_json())
        await until(lambda: _are_open(gateway), SETTLED_WITHIN_S)


async def _are_open(gateway: httpx.AsyncClient) -> bool:
    """Whether both doors of the streams are open: every partition has its fold, and the gateway knows the stream."""
    for stream in (READINGS, SIGNALS):
        quality, trial = await gateway.get(f"/streams/{stream}"), await gateway.post(f"/events/{stream}/trial")
        if quality.is_error or len(quality.json()["partitions"]) < PARTITIONS or trial.status_code in NOT_YET:
            return False
    return True


def came_of(at: StackAddresses, stream: str, produce: Callable[[], None]) -> Came:
    """What comes of a client's work, once ingestion is through with it. Raises: AssertionError, TimeoutError when it is not in time."""
    before = asyncio.run(_ends(at, stream))
    produce()
    return asyncio.run(_came(at, stream, before))


async def _ends(at: StackAddresses, stream: str) -> dict[str, Places]:
    async with _looking(at) as look:
        return {topic: await look.ends(topic) for topic in _topics(stream)}


async def _came(at: StackAddresses, stream: str, before: Mapping[str, Places]) -> Came:
    events, validated, letters = _topics(stream)
    async with _looking(at) as look, asyncio.timeout(2 * SETTLED_WITHIN_S):  # a read that never ends is seen by no condition
        await until(lambda: look.is_through(stream), SETTLED_WITHIN_S)
        return Came(
            [Sent(one.partition, one.offset, framing_of(one.value, one.headers)) for one in await look.read(events, before[events])],
            await look.validated(validated, before[validated]),
            [_reason(one) for one in await look.read(letters, before[letters])],
        )


def _topics(stream: str) -> tuple[str, str, str]:
    return f"events.{stream}", f"validated.{stream}", f"dlq.events.{stream}"


def _reason(record: Record) -> str:
    letter = reasons_of(record.headers)
    return "not one of ours" if letter is None else f"{letter[1]['code']}: {letter[1]['message']}"


@dataclass(frozen=True, slots=True)
class _Look:
    """Looks at topics, and at what ingestion has counted."""

    bootstrap: str
    kafka: KafkaCluster
    gateway: httpx.AsyncClient
    wire: Wire

    async def is_through(self, stream: str) -> bool:
        """Whether every record of events.<stream> is counted, and what was validated or refused stands on its topic."""
        events, validated, letters = _topics(stream)
        counts: dict[str, int] = (await self.gateway.get(f"/streams/{stream}")).raise_for_status().json()["counts"]
        written = len(await self.validated(validated, {})), sum((await self.ends(letters)).values())
        return counts["sent"] == sum((await self.ends(events)).values()) and written == (counts["validated"], counts["rejected"])

    async def validated(self, topic: str, since: Places) -> list[Validated]:
        """The events of a topic that ingestion writes."""
        read = [(record, *await self.wire.read_or_fetch(record.value)) for record in await self.read(topic, since)]
        return [Validated(record.partition, record.key, fields) for record, name, fields in read if name != TICK]

    async def read(self, topic: str, since: Places) -> list[Record]:
        """The records of a topic from some places to its end."""
        found: list[Record] = []
        for number, end in (await self.ends(topic)).items():
            if (start := since.get(number, 0)) < end:
                async for records in read_log(self.bootstrap, topic, start, end, number):
                    found += records
        return found

    async def ends(self, topic: str) -> Places:
        """Where the partitions of a topic end; none if it is not there."""
        return {partition.partition: bounds.end for partition, bounds in (await self.kafka.bounds_of(topic)).items()}


@asynccontextmanager
async def _looking(at: StackAddresses) -> AsyncIterator[_Look]:
    async with AsyncExitStack() as stack:
        schemas = await stack.enter_async_context(aclosing(HttpSchemaRegistry(at.schema_registry_url)))
        yield _Look(
            at.bootstrap,
            await stack.enter_async_context(opened(at.bootstrap)),
            await stack.enter_async_context(httpx.AsyncClient(base_url=at.gateway, trust_env=False)),
            Wire(schemas),
        )
