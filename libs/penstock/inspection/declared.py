"""What the registry says that there is: the specification with its age, and what it keeps of each model."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from penstock.invariants.audit import AuditChain
from penstock.invariants.champion import Move
from penstock.registry_client import RegistryClient
from penstock.rpc import NotFound
from penstock.rpc.registry.v1 import registry_pb2 as pb
from penstock.spec import Model, Spec, Stream, View, part_from_json

CHECKPOINTS_MAX = 10_000
ALIAS_ROWS_MAX = 1_000  # the registry answers with no more
SERVICES = ("ingestion", "feature_store", "deployer", "trainer", "monitor")
"""The services that fold."""


@dataclass(frozen=True, slots=True)
class Declared:
    """The newest specification; when each part was first applied, by (kind, name); the models whose label rule has changed since."""

    spec: Spec
    applied_at_ms: Mapping[tuple[str, str], int]
    changed_rules: frozenset[str]

    @property
    def units(self) -> list[str]:
        """Every unit that runs, by the name of its fold: service/part."""
        parts = {"ingestion": self.spec.streams, "feature_store": self.spec.views}
        return [f"{service}/{name}" for service in SERVICES for name in parts.get(service, self.spec.models)]


async def declared(client: RegistryClient) -> Declared:
    """Ask for everything that is applied."""
    parts = await client.specs()
    read = {(part.kind, part.name): part_from_json(part.kind, part.name, part.body) for part in parts}
    streams = {name: part for (_, name), part in read.items() if isinstance(part, Stream)}
    views = {name: part for (_, name), part in read.items() if isinstance(part, View) and part.source in streams}
    models = {name: part for (_, name), part in read.items() if isinstance(part, Model) and part.view in views}
    versions = {(part.kind, part.name): [await client.spec(part.kind, part.name, 1 + n) for n in range(part.version)] for part in parts}
    changed = frozenset(name for name in models if len({_rule(spec.body) for spec in versions["model", name]}) > 1)
    return Declared(Spec(streams, views, models), {part: specs[0].applied_at_ms for part, specs in versions.items()}, changed)


def _rule(body: str) -> str:
    return json.dumps(json.loads(body).get("label"), sort_keys=True)


def only(found: Declared, model: str) -> Declared:
    """What belongs to one model: its view, all models of that view (which counts for them as one), and the streams that feed them.

    Raises: NotFound.
    """
    spec = found.spec
    if model not in spec.models:
        raise NotFound(f"there is no model {model}; there is {', '.join(spec.models) or 'none yet'}. Try: penstock ls")
    view = spec.models[model].view
    models = {name: each for name, each in spec.models.items() if each.view == view}
    wanted = {spec.views[view].source, *(each.label.stream for each in models.values() if each.label)}
    streams = {name: stream for name, stream in spec.streams.items() if name in wanted}
    return replace(found, spec=Spec(streams, {view: spec.views[view]}, models))


async def checkpoints(client: RegistryClient, model: str) -> Sequence[pb.Checkpoint]:
    """The newest checkpoints of a model; none before there is one."""
    try:
        return await client.checkpoints(model, limit=CHECKPOINTS_MAX)
    except NotFound:
        return []


async def aliases(client: RegistryClient, model: str) -> list[Move]:
    """Every move of the model's aliases that the registry's table has, oldest first."""
    try:
        history = (await client.aliases(model)).history
    except NotFound:
        return []
    return [Move(row.alias, row.revision, row.version, row.cause) for row in reversed(history)]


def left_out(rows: Sequence[Move]) -> int:
    """How many of the oldest moves a registry that keeps its answers short has left out."""
    return rows[0].revision - 1 if len(rows) >= ALIAS_ROWS_MAX else 0


async def audited(client: RegistryClient, chain: AuditChain) -> None:
    """Bring the chain up to date with the registry's audit log."""
    async for row in client.audit(chain.last):
        chain.keep(row)
