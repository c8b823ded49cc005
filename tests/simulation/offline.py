"""The folds of a run once more, offline: each log from its beginning, without faults, runner or restore."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock import codec
from penstock.fold.drive import reading, replay
from penstock.fold.protocol import Effect, Fold, LogRecord, Missing, Output, Poison
from penstock.records import Wire, platform_schema, with_features
from penstock.spec.avro import feature_fields
from penstock_deployer.fold import DeployerFold, Topics, Writers
from penstock_monitor.fold import MonitorFold
from penstock_trainer.cohort import canonical
from penstock_trainer.fold import TrainerFold
from tests.simulation.platform import Run
from tests.simulation.shop import MODEL


@dataclass(slots=True)
class Told:
    """What a fold said to a whole log."""

    fold: Any
    outputs: list[Output] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)


async def deployer(run: Run, wire: Wire, partition: int) -> Told:
    """The deployer over one partition of the features."""
    blobs: dict[str, bytes] = {}

    async def resolve(missing: Missing) -> None:
        if missing.kind == "schema":
            await wire.fetch(int(missing.reference))
        elif missing.reference not in run.registry.blobs:
            raise Poison("unknown_model", missing.reference)
        else:
            blobs[missing.reference] = run.registry.blobs[missing.reference]

    schema = with_features("Prediction", feature_fields(run.spec.views[run.spec.models[MODEL].view], run.spec))
    learning = f"learning.{MODEL}"
    write = Writers(await wire.writer(learning, schema), await wire.writer(learning, platform_schema("Tick")))
    fold = DeployerFold(wire, write, Topics(f"predictions.{MODEL}", learning), blobs)
    return await _tell(fold, run.records("features", MODEL, partition), resolve)


async def trainer(run: Run, wire: Wire, records: Sequence[LogRecord] | None = None) -> Told:
    """The trainer over the learning log."""
    topic = f"outcomes.{MODEL}"
    fold = TrainerFold(MODEL, wire, await wire.writer(topic, platform_schema("Outcome")), topic, canonical(codec.runtime()))
    return await _tell(fold, run.records("learning") if records is None else records, _fetching(wire))


async def monitor(run: Run, wire: Wire) -> Told:
    """The monitor over the outcomes."""
    write = await wire.writer("drift", platform_schema("DriftDetected"))
    return await _tell(MonitorFold(run.spec.models[MODEL], wire, write, "drift", 0), run.records("outcomes"), _fetching(wire))


def state_of(fold: TrainerFold) -> Mapping[str, Any]:
    """The whole state of a trainer, without where its bulk lies: two folds of one log have the same."""
    snapshot = fold.snapshot()
    state: dict[str, Any] = msgspec.msgpack.decode(snapshot.state)
    entries = [(id, fold.pending.get(id)) for id in fold.pending._entries]
    return {**state, "pending": hashlib.sha256(repr(entries).encode()).hexdigest()}


def _fetching(wire: Wire) -> Any:
    async def resolve(missing: Missing) -> None:
        await wire.fetch(int(missing.reference))

    return resolve


async def _tell(fold: Fold, records: Sequence[LogRecord], resolve: Any) -> Told:
    told = Told(fold)
    async for _, caused in replay(fold, reading(records), resolve):
        for each in caused:
            (told.outputs if isinstance(each, Output) else told.effects).append(each)  # type: ignore[arg-type]
    return told
