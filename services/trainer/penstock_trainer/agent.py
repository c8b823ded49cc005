"""The trainer's agent: what is applied and what has drifted becomes commands in the learning log."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

from penstock.fold.protocol import Output, Record
from penstock.records import Rebuilt, Rewound, SpecApplied, Wire, Writer
from penstock_trainer.fold import TrainerFold

APPEND_AGAIN_AFTER_S = 2.0


class Applied(NamedTuple):
    """A model's specification as the registry has it: version, canonical JSON, and when it was applied."""

    model: str
    version: int
    spec: str
    applied_at_ms: int


class Ports(NamedTuple):
    """What the agent needs of the world, as functions; `send` returns when the broker has acknowledged.

    `topic` names a model's learning log; `partitions` counts those of its features topic, 0 while there is none; `live` are the folds
    that have folded what there is, not those on their way back to a rewind. `runtime` is that of this process.
    """

    send: Callable[[list[Output]], Awaitable[None]]
    writer: Callable[[str, str], Awaitable[Writer]]
    topic: Callable[[str], str]
    live: Callable[[], Iterable[TrainerFold]]
    applied: Callable[[str], Awaitable[Applied | None]]
    partitions: Callable[[str], Awaitable[int]]
    drifts: Callable[[], Awaitable[Iterable[Mapping[str, Any]]]]
    now_s: Callable[[], float]
    runtime: str


def spec_record(applied: Applied, partitions: int, runtime: str) -> SpecApplied:
    """The command that a specification becomes; the same version always has the same cause."""
    return {
        "event_time_ms": applied.applied_at_ms,
        "cause": f"spec:{applied.model}:{applied.version}",
        "spec_version": applied.version,
        "spec": applied.spec,
        "runtime": runtime,
        "partitions": partitions,
    }


class CommandAgent:
    """Level-triggered: an event is only a hint; a timer compares every living fold with what is applied and with all drift so far."""

    def __init__(self, wire: Wire, ports: Ports) -> None:
        self._wire = wire
        self._ports = ports
        self._appended: dict[str, float] = {}

    async def hint_registry(self, record: Record) -> None:
        """Handle one record of the registry topic: a model that was applied is told to its log."""
        _, entry = await self._read(record)
        if entry.get("kind") == "model":
            await self._apply(Applied(entry["name"], entry["revision"], entry["body"], entry["event_time_ms"]))

    async def hint_drift(self, record: Record) -> None:
        """Handle one record of the drift topic."""
        name, value = await self._read(record)
        if name == "DriftDetected":
            await self._drifted(value)

    async def reconcile(self) -> None:
        """Append again whatever a living fold has not seen: its specification, and every drift of its model."""
        folds = {fold.name: fold for fold in self._ports.live()}
        for fold in folds.values():
            applied = await self._ports.applied(fold.name)
            if applied is not None and applied.version > fold.spec_version:
                await self._apply(applied)
        for value in await self._ports.drifts():
            found = folds.get(value["model"])
            if found is not None and found.spec_version and value["cause"] not in found.causes:
                await self._drifted(value)

    async def rewind(self, model: str, value: Rewound) -> None:
        """Append the command that rewinds a model."""
        await self._append("Rewound", model, value)

    async def rebuild(self, model: str, value: Rebuilt) -> None:
        """Append the command that rebuilds a model."""
        await self._append("Rebuilt", model, value)

    async def _apply(self, applied: Applied) -> None:
        partitions = await self._ports.partitions(applied.model)
        if partitions:  # without its features topic nothing can be asked yet; the timer comes again
            await self._append("SpecApplied", applied.model, spec_record(applied, partitions, self._ports.runtime))

    async def _drifted(self, value: Mapping[str, Any]) -> None:
        await self._append("DriftDetected", value["model"], {**value, "origin": None})

    async def _append(self, name: str, model: str, value: Mapping[str, Any]) -> None:
        """Append a command unless that was done just now; a repeat is harmless, since the fold takes each cause once."""
        cause, now_s = value["cause"], self._ports.now_s()
        if now_s - self._appended.get(cause, -APPEND_AGAIN_AFTER_S) < APPEND_AGAIN_AFTER_S:
            return
        topic = self._ports.topic(model)
        write = await self._ports.writer(topic, name)
        await self._ports.send([Output(topic, 0, model.encode(), write(value))])
        self._appended[cause] = now_s

    async def _read(self, record: Record) -> tuple[str, dict[str, Any]]:
        if record.value is None:  # a tombstone
            return "", {}
        return await self._wire.read_or_fetch(record.value)
