"""The registry over gRPC: each call is one call of a store, its answer put into messages."""

# ruff: noqa: N802  (the methods have the names of the contract)

from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from typing import Any

import grpc

from penstock.errors import UsageError
from penstock.rpc.registry.v1 import registry_pb2 as pb, registry_pb2_grpc
from penstock.rpc.server import Service
from penstock_registry.aliases import Alias, Aliases
from penstock_registry.checkpoint import BLOB_BYTES_MAX, Checkpoint, Proposal
from penstock_registry.checkpoints import Checkpoints
from penstock_registry.ledger import Ledger
from penstock_registry.reference import CHAMPION
from penstock_registry.specs import Part, Specs

CHUNK_BYTES = 1024 * 1024

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True, slots=True)
class Stores:
    """What the calls are answered from."""

    specs: Specs
    checkpoints: Checkpoints
    aliases: Aliases
    ledger: Ledger


def registry_service(stores: Stores) -> Service:
    """The service, ready to be served."""
    descriptor = pb.DESCRIPTOR.services_by_name["Registry"]
    return Service(descriptor, registry_pb2_grpc.add_RegistryServicer_to_server, _Registry(stores))


class _Registry(registry_pb2_grpc.RegistryServicer):
    """One method for each call; what they do is said in registry.proto."""

    def __init__(self, stores: Stores) -> None:
        self._specs, self._checkpoints, self._aliases, self._ledger = stores.specs, stores.checkpoints, stores.aliases, stores.ledger

    async def Apply(self, request: pb.ApplyRequest, context: Context) -> pb.ApplyResponse:
        return pb.ApplyResponse(specs=[_spec(part) for part in await self._specs.apply(request.spec)])

    async def GetSpec(self, request: pb.GetSpecRequest, context: Context) -> pb.Spec:
        return _spec(await self._specs.get(request.kind, request.name, request.version))

    async def ListSpecs(self, request: pb.ListSpecsRequest, context: Context) -> pb.ListSpecsResponse:
        return pb.ListSpecsResponse(specs=[_spec(part) for part in await self._specs.newest(request.kind)])

    async def ListVersions(self, request: pb.ListVersionsRequest, context: Context) -> pb.ListVersionsResponse:
        await self._checkpoints.require(request.model)
        aliases = await self._aliases.current(request.model)
        answer = pb.ListVersionsResponse()
        for version in await self._checkpoints.versions(request.model):
            newest = await self._checkpoints.newest(request.model, version["version"], 1)
            names = [alias.alias for alias in aliases if alias.version == version["version"]]
            answer.versions.append(pb.Version(**version, newest=_checkpoint(newest[0]), aliases=names))
        return answer

    async def ListCheckpoints(self, request: pb.ListCheckpointsRequest, context: Context) -> pb.ListCheckpointsResponse:
        await self._checkpoints.require(request.model)
        found = await self._checkpoints.newest(request.model, request.version, request.limit)
        return pb.ListCheckpointsResponse(checkpoints=[_checkpoint(checkpoint) for checkpoint in found])

    async def Resolve(self, request: pb.ResolveRequest, context: Context) -> pb.Checkpoint:
        return _checkpoint(await self._checkpoints.resolve(request.reference))

    async def PutCheckpoint(self, request_iterator: AsyncIterator[pb.PutCheckpointRequest], context: Context) -> pb.PutCheckpointResponse:
        message, blob = await _read(request_iterator)
        checkpoint = Checkpoint(**{name: getattr(message, name) for name in _CHECKPOINT})
        proposal = Proposal(**{name: getattr(message.proposal, name) for name in _PROPOSAL}) if message.HasField("proposal") else None
        return pb.PutCheckpointResponse(proposal_taken=await self._checkpoints.put(checkpoint, proposal, blob))

    async def GetBlob(self, request: pb.GetBlobRequest, context: Context) -> AsyncIterator[pb.Chunk]:
        blob = await self._checkpoints.blob(request.digest)
        for start in range(0, max(len(blob), 1), CHUNK_BYTES):
            yield pb.Chunk(data=blob[start : start + CHUNK_BYTES])

    async def SetAlias(self, request: pb.SetAliasRequest, context: Context) -> pb.Alias:
        return _alias(await self._aliases.set(request.model, request.alias, request.version, request.cause))

    async def ListAliases(self, request: pb.ListAliasesRequest, context: Context) -> pb.ListAliasesResponse:
        await self._checkpoints.require(request.model)
        current, history = await self._aliases.current(request.model), await self._aliases.history(request.model)
        return pb.ListAliasesResponse(aliases=map(_alias, current), history=map(_alias, history))

    async def GetServing(self, request: pb.GetServingRequest, context: Context) -> pb.Serving:
        alias = await self._aliases.get(request.model, CHAMPION)
        newest = await self._checkpoints.newest(request.model, alias.version, 1) if alias else []
        if alias is None or not newest:
            return pb.Serving(found=False)
        return pb.Serving(found=True, revision=alias.revision, checkpoint=_checkpoint(newest[0]))

    async def ReadAudit(self, request: pb.ReadAuditRequest, context: Context) -> AsyncIterator[pb.AuditRow]:
        async for row in self._ledger.audit(request.after):
            yield pb.AuditRow(**row._asdict())


_CHECKPOINT = (
    "model", "version", "position", "chain", "digest", "watermark_ms", "parent", "learner", "recipe", "runtime", "metrics", "cause",
    "born_position", "state",
)  # fmt: skip
_PROPOSAL = ("cause", "champion", "labels", "difference", "evidence", "declared")


async def _read(messages: AsyncIterator[pb.PutCheckpointRequest]) -> tuple[pb.Checkpoint, bytes]:
    checkpoint: pb.Checkpoint | None = None
    blob = bytearray()
    async for message in messages:
        if checkpoint is None:
            if message.WhichOneof("part") != "checkpoint":
                raise UsageError("the first message is the checkpoint, then come its bytes")
            checkpoint = message.checkpoint
        blob += message.chunk
        if len(blob) > BLOB_BYTES_MAX:
            raise UsageError(f"a checkpoint has at most {BLOB_BYTES_MAX} bytes. Try: a smaller learner")
    if checkpoint is None:
        raise UsageError("no checkpoint came")
    return checkpoint, bytes(blob)


def _spec(part: Part) -> pb.Spec:
    return pb.Spec(**asdict(part))


def _checkpoint(checkpoint: Checkpoint) -> pb.Checkpoint:
    return pb.Checkpoint(**asdict(checkpoint))


def _alias(alias: Alias) -> pb.Alias:
    return pb.Alias(**asdict(alias))
