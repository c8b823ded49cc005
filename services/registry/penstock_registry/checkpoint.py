"""A checkpoint and its proposal: what they hold, and when they are refused."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields

from penstock.errors import UsageError
from penstock.rpc import Refused
from penstock.spec.specification import canonical
from penstock_registry.ledger import Entry
from penstock_registry.promotion import LIVE

BLOB_BYTES_MAX = 256 * 1024 * 1024
STATES = (LIVE, "retired")
JSON_FIELDS = ("recipe", "runtime", "metrics")


@dataclass(frozen=True, slots=True)
class Proposal:
    """The trainer's wish that a version serves, with its evidence; `champion` is the version it was compared with, 0 for none.

    `declared`: not the evidence but the specification asks for it, by naming the version's learner as champion.
    """

    cause: str
    champion: int
    labels: int
    difference: float
    evidence: str
    declared: bool = False


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """One version's learner at a position: the facts; its bytes are the blob `digest`."""

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
    state: str
    size: int = 0
    created_at_ms: int = 0

    @property
    def name(self) -> str:
        """The version's name: flights-late/2."""
        return f"{self.model}/{self.version}"

    def entry(self, revision: int) -> Entry:
        """The checkpoint as the topic tells it: the newest of its version."""
        parsed = {name: json.loads(getattr(self, name) or "null") for name in JSON_FIELDS}
        return Entry("checkpoint", self.name, revision, asdict(self) | parsed)

    def version_entry(self, revision: int) -> Entry:
        """The version as the topic tells it."""
        names = ("model", "version", "parent", "learner", "cause", "born_position", "state")
        return Entry("version", self.name, revision, {name: getattr(self, name) for name in names})


_COMPARED = tuple(field.name for field in fields(Checkpoint) if field.name not in ("size", "created_at_ms", "metrics", "state"))


def check(checkpoint: Checkpoint, proposal: Proposal | None, blob: bytes) -> None:
    """Raise UsageError for a checkpoint that says nothing sensible, Refused for bytes that are not its digest."""
    if not checkpoint.model or checkpoint.version < 1 or checkpoint.position < 0 or checkpoint.state not in STATES:
        raise UsageError("a checkpoint needs a model, a version from 1, a position from 0, and the state live or retired")
    texts = {name: getattr(checkpoint, name) for name in JSON_FIELDS} | ({"evidence": proposal.evidence} if proposal else {})
    for name, text in texts.items():
        _check_json(name, text)
    if proposal and not proposal.cause:
        raise UsageError("a proposal needs a cause, which makes it count once")
    if (digest := hashlib.sha256(blob).hexdigest()) != checkpoint.digest:
        raise Refused(
            f"{checkpoint.name}@{checkpoint.position}: the {len(blob)} bytes that came have the digest {digest}, not {checkpoint.digest}"
        )


def _check_json(name: str, text: str) -> None:
    try:
        canonical(json.loads(text or "null"))
    except ValueError as error:
        raise UsageError(f"{name} of a checkpoint is not JSON with finite numbers: {error}") from error


def refuse_other(known: Checkpoint, put: Checkpoint) -> None:
    """Raise Refused when another checkpoint stands where this one should: the fold was not deterministic, or the log was replaced."""
    differing = [name for name in _COMPARED if getattr(known, name) != getattr(put, name)]
    if differing:
        where, what = f"{put.name}@{put.position}", ", ".join(differing)
        raise Refused(f"{where} is here already with another {what}: one log gave two answers. Try: penstock verify {put.model}")
