"""The registry's twin in memory: the production rules of checkpoints, proposals and aliases over plain lists, and its outbox."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Any

from penstock.kafka.memory import Faults, MemoryBroker
from penstock.kafka.ports import TopicPartition
from penstock.records import Writer
from penstock.rpc import NotFound
from penstock.rpc.registry.v1 import registry_pb2 as pb
from penstock.spec import Model, Spec
from penstock_registry.aliases import Alias
from penstock_registry.checkpoint import Checkpoint, Proposal, check, refuse_other
from penstock_registry.promotion import LIVE, judge
from tests.simulation.shop import MODEL, body_of, with_model

TOPIC = TopicPartition("registry", 0)
CHAMPION = "champion"
COLUMNS = tuple(name for name in Checkpoint.__slots__ if name not in ("size", "created_at_ms"))
WISH = tuple(Proposal.__slots__)


@dataclass(slots=True)
class RegistryTwin:
    """One for all processes; a change is there at once, and its entries reach the topic later, perhaps twice or out of order."""

    spec: Spec
    broker: MemoryBroker
    write: Writer
    random: Random
    spec_version: int = 1
    checkpoints: dict[tuple[int, int], Checkpoint] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)
    aliases: list[Alias] = field(default_factory=list)
    proposals: dict[str, bool] = field(default_factory=dict)
    _sequence: int = 0

    def apply(self, model: Model) -> None:
        """A new version of the model's specification."""
        self.spec, self.spec_version = with_model(self.spec, model), self.spec_version + 1
        self.announce()

    def announce(self) -> None:
        """Tell of the model as it stands."""
        self._tell("model", MODEL, self.spec_version, body_of(self.spec, "model", MODEL))

    def put(self, checkpoint: Checkpoint, proposal: Proposal | None, blob: bytes) -> bool:
        """As Checkpoints.put: once, with the first champion and the decision on a proposal."""
        check(checkpoint, proposal, blob)
        self.blobs[checkpoint.digest] = blob
        known = self.checkpoints.get((checkpoint.version, checkpoint.position))
        if known is not None:
            refuse_other(known, checkpoint)
            if checkpoint.state not in (known.state, LIVE):
                self.checkpoints[checkpoint.version, checkpoint.position] = checkpoint
            return bool(proposal and self.proposals.get(proposal.cause))
        self.checkpoints[checkpoint.version, checkpoint.position] = checkpoint
        self._tell("checkpoint", checkpoint.name, self._next(), json.dumps(asdict(checkpoint)))
        if checkpoint.state == LIVE and not self.aliases:
            self._move(checkpoint.version, "first")
        return self._decide(checkpoint, proposal) if proposal else False

    def serving(self) -> tuple[Alias, Checkpoint] | None:
        """The champion's newest checkpoint."""
        if not self.aliases:
            return None
        alias = self.aliases[-1]
        return alias, self.checkpoints[max(key for key in self.checkpoints if key[0] == alias.version)]

    def _decide(self, checkpoint: Checkpoint, proposal: Proposal) -> bool:
        if proposal.cause in self.proposals:
            return self.proposals[proposal.cause]
        champion, mode = self.aliases[-1].version if self.aliases else 0, self.spec.models[MODEL].promotion.mode
        decision = judge(
            mode=mode,
            version=checkpoint.version,
            state=checkpoint.state,
            supposed_champion=proposal.champion,
            champion=champion,
            declared=proposal.declared,
        )
        self.proposals[proposal.cause] = decision.taken
        if decision.taken:
            self._move(checkpoint.version, proposal.cause)
        return decision.taken

    def _move(self, version: int, cause: str) -> None:
        self.aliases.append(Alias(MODEL, CHAMPION, version, len(self.aliases) + 1, cause, 0))
        self._tell("alias", f"{MODEL}@{CHAMPION}", self.aliases[-1].revision, json.dumps(asdict(self.aliases[-1])))

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence

    def _tell(self, kind: str, name: str, revision: int, body: str) -> None:
        value = self.write({"event_time_ms": 0, "kind": kind, "name": name, "revision": revision, "body": body})
        for _ in range(self.random.choice([1, 1, 1, 2])):
            late_s = self.random.choice([0.01, 0.1, 2.0])
            asyncio.get_running_loop().call_later(late_s, self.broker.append, TOPIC, f"{kind}/{name}".encode(), value)


class RegistryTwinClient:
    """What one process sees of the registry; the calls of RegistryClient that folds and agents make."""

    def __init__(self, registry: RegistryTwin, faults: Faults) -> None:
        self._registry = registry
        self._faults = faults

    async def put_checkpoint(self, message: pb.Checkpoint, blob: bytes) -> bool:
        """See RegistryClient; the reply may be lost."""
        await self._faults.point("put checkpoint")
        checkpoint = Checkpoint(**{name: getattr(message, name) for name in COLUMNS}, size=len(blob))
        wish = Proposal(**{name: getattr(message.proposal, name) for name in WISH}) if message.HasField("proposal") else None
        taken = self._registry.put(checkpoint, wish, blob)
        await self._faults.point("checkpoint was put")
        return taken

    async def blob(self, digest: str) -> bytes:
        """See RegistryClient."""
        await self._faults.point("blob")
        if digest not in self._registry.blobs:
            raise NotFound(f"no checkpoint has the digest {digest}")
        return self._registry.blobs[digest]

    async def versions(self, model: str) -> list[pb.Version]:
        """See RegistryClient."""
        assert model == MODEL
        await self._faults.point("versions")
        newest = {each.version: each for _, each in sorted(self._registry.checkpoints.items())}
        return [pb.Version(model=model, version=number, newest=pb.Checkpoint(**asdict(each))) for number, each in sorted(newest.items())]

    async def serving(self, model: str) -> pb.Serving:
        """See RegistryClient; the answer is as old as its way back is long."""
        assert model == MODEL
        found = self._registry.serving()
        await self._faults.point("serving")
        if found is None:
            return pb.Serving(found=False)
        alias, checkpoint = found
        return pb.Serving(found=True, revision=alias.revision, checkpoint=pb.Checkpoint(**asdict(checkpoint)))

    async def spec(self, kind: str, name: str) -> pb.Spec:
        """See RegistryClient."""
        await self._faults.point("spec")
        registry = self._registry
        return pb.Spec(kind=kind, name=name, version=registry.spec_version, body=body_of(registry.spec, kind, name), applied_at_ms=1)


class CatalogueTwin:
    """What the catalogue says; `change` as when a part is applied again."""

    def __init__(self, spec: Spec) -> None:
        self.streams = {name: (1, part) for name, part in spec.streams.items()}
        self.views = {name: (1, part) for name, part in spec.views.items()}
        self.models = {name: (1, part) for name, part in spec.models.items()}
        self._changed = asyncio.Event()

    def change(self, part: Callable[["CatalogueTwin"], dict[str, tuple[int, Any]]], name: str, value: Any) -> None:
        """A part has another version."""
        parts = part(self)
        parts[name] = (parts[name][0] + 1, value)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def changes(self) -> AsyncIterator[None]:
        """See Catalogue."""
        while True:
            changed = self._changed
            yield
            await changed.wait()
