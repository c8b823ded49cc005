"""The deployer's agent: what the registry says should serve becomes Serve records in every partition of features.<model>."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import NamedTuple

from penstock.fold.protocol import Output, Record
from penstock.records import Wire, Writer
from penstock.records.generated import Serve
from penstock.rpc.registry.v1 import registry_pb2

APPEND_AGAIN_AFTER_S = 2.0
APPEND_AGAIN_MAX_S = 300.0  # a Serve that its fold can never take must not fill the log
HINTS = ("alias", "checkpoint")
NAME_END = re.compile("[@/]")

Rank = tuple[int, int]
"""Revision of the alias and position of the checkpoint: a Serve of a lower rank never follows one of a higher."""


class Live(NamedTuple):
    """A fold that lives in this process: whose partition it is, and the rank of the last Serve it has read."""

    model: str
    partition: int
    highest: Rank


def serve_record(serving: registry_pb2.Serving) -> Serve:
    """The Serve record for what the registry says should answer now; the same answer gives the same cause."""
    checkpoint = serving.checkpoint
    return {
        "event_time_ms": checkpoint.watermark_ms,
        "cause": f"serve:{checkpoint.model}:{serving.revision}:{checkpoint.version}:{checkpoint.position}",
        "revision": serving.revision,
        "version": checkpoint.version,
        "position": checkpoint.position,
        "digest": checkpoint.digest,
    }


class Appended:
    """What was appended last to each partition, and when: keeps the agent from repeating itself, and from going back.

    >>> appended = Appended()
    >>> appended.is_due(("a", 0), (1, 100), highest=None, now_s=0.0)
    True
    >>> appended.note(("a", 0), (1, 100), now_s=0.0)
    >>> [appended.is_due(("a", 0), rank, highest=(0, 0), now_s=1.0) for rank in ((1, 90), (1, 100), (1, 110))]
    [False, False, True]
    >>> appended.is_due(("a", 0), (1, 100), highest=(0, 0), now_s=2.0)
    True
    """

    def __init__(self) -> None:
        self._last: dict[tuple[str, int], tuple[Rank, float, float]] = {}  # rank, when, how long to wait before it is repeated

    def is_due(self, partition: tuple[str, int], rank: Rank, highest: Rank | None, now_s: float) -> bool:
        """Whether to append a Serve of this rank; `highest` is what the partition's fold has read, None if it lives elsewhere."""
        if highest is not None and rank <= highest:
            return False
        if partition not in self._last:
            return True
        last, at_s, wait_s = self._last[partition]
        return rank > last or (rank == last and highest is not None and now_s - at_s >= wait_s)

    def note(self, partition: tuple[str, int], rank: Rank, now_s: float) -> None:
        """Remember an append that the broker has acknowledged; each repeat doubles the wait for the next."""
        last, _, wait_s = self._last.get(partition, (None, 0.0, 0.0))
        self._last[partition] = (rank, now_s, min(2 * wait_s, APPEND_AGAIN_MAX_S) if rank == last else APPEND_AGAIN_AFTER_S)


class Ports(NamedTuple):
    """What the agent needs of the world, as functions; `send` returns when the broker has acknowledged."""

    ask: Callable[[str], Awaitable[registry_pb2.Serving]]
    send: Callable[[list[Output]], Awaitable[None]]
    partitions: Callable[[str], Awaitable[int]]
    writer: Callable[[str], Awaitable[Writer]]
    topic: Callable[[str], str]
    live: Callable[[], Iterable[Live]]
    now_s: Callable[[], float]


class ServeAgent:
    """Level-triggered: an event is only a hint to ask; a timer compares what serves with what should. A lost hint costs seconds."""

    def __init__(self, wire: Wire, ports: Ports) -> None:
        self._wire = wire
        self._ports = ports
        self._appended = Appended()
        self._one_at_a_time = asyncio.Lock()  # the registry's answer must not grow old between asking and appending

    async def hint(self, record: Record) -> None:
        """Handle one record of the registry topic: after a new alias or checkpoint ask what should serve, and tell every partition."""
        model = await self._model(record)
        if model is None:
            return
        highest = {live.partition: live.highest for live in self._ports.live() if live.model == model}
        partitions = await self._ports.partitions(self._ports.topic(model))
        async with self._one_at_a_time:
            await self._bring(model, {partition: highest.get(partition) for partition in range(partitions)})

    async def reconcile(self) -> None:
        """Compare every live fold with what the registry says, and append again where it did not arrive."""
        behind: dict[str, dict[int, Rank | None]] = {}
        for live in self._ports.live():
            behind.setdefault(live.model, {})[live.partition] = live.highest
        for model, highest in behind.items():
            async with self._one_at_a_time:
                await self._bring(model, highest)

    async def _bring(self, model: str, highest: dict[int, Rank | None]) -> None:
        serving = await self._ports.ask(model)
        if not serving.found:
            return
        serve, topic = serve_record(serving), self._ports.topic(model)
        rank, now_s = (serve["revision"], serve["position"]), self._ports.now_s()
        due = [partition for partition, seen in highest.items() if self._appended.is_due((topic, partition), rank, seen, now_s)]
        if not due:
            return
        value = (await self._ports.writer(topic))(serve)
        await self._ports.send([Output(topic, partition, model.encode(), value) for partition in due])
        for partition in due:
            self._appended.note((topic, partition), rank, now_s)

    async def _model(self, record: Record) -> str | None:
        """The model that an entry of the registry is about; its name is `model@alias` or `model/version`."""
        if record.value is None:  # a tombstone
            return None
        _, entry = await self._wire.read_or_fetch(record.value)
        return NAME_END.split(entry["name"])[0] if entry["kind"] in HINTS else None
