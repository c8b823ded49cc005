"""A checkpoint: one version's learner at a position of the log, immutable, with its digest; and how it reaches the registry."""

from dataclasses import asdict, dataclass
from typing import Any

from penstock import codec
from penstock.fold.protocol import Effect
from penstock.rpc.registry.v1 import registry_pb2
from penstock.tasks import Loss
from penstock_trainer.cohort import canonical
from penstock_trainer.policy import advantage, evidence
from penstock_trainer.versions import Version

SAME_NAMES = (
    *("model", "version", "position", "chain", "digest", "watermark_ms", "parent"),
    *("learner", "recipe", "runtime", "metrics", "cause", "born_position"),
)


@dataclass(frozen=True, slots=True)
class Proposed:
    """The wish that this version serves instead of `champion`, with its evidence (canonical JSON).

    `declared`: the specification names its learner as champion, so that it serves however promotion is decided otherwise.
    """

    cause: str
    champion: int
    labels: int
    difference: float
    evidence: str
    declared: bool


@dataclass(frozen=True, slots=True)
class CheckpointMade(Effect):
    """Everything that a registry must know of a checkpoint; idempotent by (model, version, position)."""

    model: str
    version: int
    position: int
    chain: str
    digest: str
    watermark_ms: int
    parent: int
    learner: str
    recipe: str
    runtime: str
    metrics: str
    cause: str
    born_position: int
    live: bool
    blob: bytes
    proposal: Proposed | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the log a checkpoint is taken: every offset below `position` has been folded."""

    model: str
    position: int
    chain: bytes
    watermark_ms: int
    runtime: str


def checkpoint(version: Version, place: Place, proposal: Proposed | None = None) -> CheckpointMade:
    """The version as it stands at this place."""
    blob = version.remark() if version.live else version.mark
    return CheckpointMade(
        model=place.model,
        version=version.number,
        position=place.position,
        chain=place.chain.hex(),
        digest=codec.digest(blob),
        watermark_ms=place.watermark_ms,
        parent=version.parent,
        learner=version.learner_name,
        recipe=version.recipe,
        runtime=place.runtime,
        metrics=canonical(record_of(version)),
        cause=version.cause,
        born_position=version.born_position,
        live=version.live,
        blob=blob,
        proposal=proposal,
    )


def record_of(version: Version) -> dict[str, Any]:
    """The version's prequential record: the counts and the metrics that a proof compares."""
    return {**version.metrics(), "labels": version.labels, "learned": version.learned, "skipped": version.skipped}


def propose(version: Version, champion: Version, position: int, loss: Loss | None, *, declared: bool = False) -> Proposed:
    """The proposal of a challenger; its cause names both versions, where in the log, and the birth that led to it."""
    return Proposed(
        cause=f"proposal:{version.number}>{champion.number}@{position}:{version.cause}",
        champion=champion.number,
        labels=version.paired_labels,
        difference=advantage(version),
        evidence=canonical(evidence(version, champion, loss)),
        declared=declared,
    )


def message(made: CheckpointMade) -> registry_pb2.Checkpoint:
    """The checkpoint as the registry takes it, without its bytes."""
    wish = made.proposal
    return registry_pb2.Checkpoint(
        **{name: getattr(made, name) for name in SAME_NAMES},
        state="live" if made.live else "retired",
        size=len(made.blob),
        proposal=registry_pb2.Proposal(**asdict(wish)) if wish else None,
    )
