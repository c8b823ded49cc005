"""The folds of a run once more, offline: each log from its beginning, without faults, runner or restore."""

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from penstock.fold.drive import reading, replay
from penstock.fold.poison import Caused
from penstock.fold.protocol import Effect, Fold, LogRecord, Missing, Output, Poison
from penstock.fold.setup import Again
from penstock.records import Wire, platform_schema, with_features
from penstock.spec.avro import feature_fields
from penstock_deployer.fold import DeployerFold, Topics, Writers
from penstock_monitor.fold import MonitorFold
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.cohort import canonical
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rebuild import demanded
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
    """The trainer over the learning log; of one that was rebuilt each runtime says what came in its time."""
    log = run.records("learning") if records is None else records
    told = Told(None)
    for runtime, start, end in await _reigns(run, wire, log):
        part = await _under(runtime, wire, log[:end])
        told.fold = part.fold
        told.outputs += [each for each in part.outputs if wire.read(each.value)[1]["origin"]["offset"] >= start]
        told.effects += [each for each in part.effects if isinstance(each, CheckpointMade) and each.position > start]
    known = run.registry.checkpoints
    untold = [range(rebuild.told + 1, rebuild.position + 1) for rebuild in told.fold.rewinds.all if rebuild.runtime]
    told.effects = [  # who was ended by an upgrade has not told its last checkpoints, and nobody else can
        each
        for each in told.effects
        if isinstance(each, CheckpointMade)
        and ((each.version, each.position) in known or not any(each.position in span for span in untold))
    ]
    return told


async def _under(runtime: str, wire: Wire, log: Sequence[LogRecord]) -> Told:
    topic = f"outcomes.{MODEL}"
    fold = TrainerFold(MODEL, wire, await wire.writer(topic, platform_schema("Outcome")), topic, runtime)
    return await _tell(fold, log, _fetching(wire), lambda start: demanded(reading(log)(start), wire, runtime))


async def _reigns(run: Run, wire: Wire, log: Sequence[LogRecord]) -> list[tuple[str, int, int]]:
    """Under which runtime the log was folded, from where to where: its first specification says so, and after it each rebuild."""
    reigns: list[tuple[str, int, int]] = []
    for record in log:
        with contextlib.suppress(Poison):
            name, value = await wire.read_or_fetch(record.value)
            if name == "SpecApplied" and not reigns:
                reigns = [(value["runtime"], 0, len(log))]
            elif name == "Rebuilt" and reigns and value["runtime"] != reigns[-1][0]:
                runtime, start, end = reigns.pop()
                reigns += [(runtime, start, record.offset), (value["runtime"], record.offset, end)]
    return reigns or [(canonical(run.outside.first_runtime), 0, len(log))]


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


async def _tell(fold: Fold, records: Sequence[LogRecord], resolve: Any, again: Again | None = None) -> Told:
    told = Told(fold)

    def see(caused: Caused) -> None:
        for each in caused:
            (told.outputs if isinstance(each, Output) else told.effects).append(each)  # type: ignore[arg-type]

    async for _ in replay(fold, reading(records), resolve, see, again=again):
        pass
    return told
