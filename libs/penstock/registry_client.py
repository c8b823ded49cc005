"""The registry from the outside: an async client over one long-lived channel."""

import contextlib
import hashlib
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import Self

import grpc

from penstock.errors import PenstockError, UsageError
from penstock.invariants.audit import AuditRow
from penstock.rpc import NotFound, Refused, Unavailable
from penstock.rpc.registry.v1 import registry_pb2 as pb, registry_pb2_grpc

CALL_TIMEOUT_S = 10.0
APPLY_TIMEOUT_S = 60.0  # it imports River and makes topics
BLOB_TIMEOUT_S = 60.0
CHUNK_BYTES = 1024 * 1024
OPTIONS = (
    ("grpc.max_receive_message_length", 4 * 1024 * 1024),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.use_local_subchannel_pool", 1),
)

__all__ = ["NotFound", "Refused", "RegistryClient", "RegistryUnavailable"]


class RegistryUnavailable(Unavailable):
    """The registry did not answer in time; asking again later may help."""


class RegistryClient:
    """The registry at an address, `host:port`.

    Every call raises NotFound, Refused or UsageError with the registry's own words, or RegistryUnavailable. The messages are those of
    schemas/proto/penstock/registry/v1/registry.proto.
    """

    def __init__(self, address: str) -> None:
        self._address = address
        self._channel = grpc.aio.insecure_channel(address, options=OPTIONS)
        self._stub: registry_pb2_grpc.RegistryAsyncStub = registry_pb2_grpc.RegistryStub(self._channel)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None) -> None:
        await self._channel.close()

    async def apply(self, spec: str) -> list[pb.Spec]:
        """Apply a whole specification (canonical JSON); every part with the version it now has, `changed` by this call or not."""
        with self._translated():
            return list((await self._stub.Apply(pb.ApplyRequest(spec=spec), timeout=APPLY_TIMEOUT_S)).specs)

    async def spec(self, kind: str, name: str, version: int = 0) -> pb.Spec:
        """One part of the specification; version 0 is the newest."""
        with self._translated():
            return await self._stub.GetSpec(pb.GetSpecRequest(kind=kind, name=name, version=version), timeout=CALL_TIMEOUT_S)

    async def specs(self, kind: str = "") -> list[pb.Spec]:
        """The newest version of every part: of one kind (stream, view, model), or of all."""
        with self._translated():
            return list((await self._stub.ListSpecs(pb.ListSpecsRequest(kind=kind), timeout=CALL_TIMEOUT_S)).specs)

    async def versions(self, model: str) -> list[pb.Version]:
        """Every version of a model, oldest first, with its newest checkpoint and its aliases."""
        with self._translated():
            return list((await self._stub.ListVersions(pb.ListVersionsRequest(model=model), timeout=CALL_TIMEOUT_S)).versions)

    async def checkpoints(self, model: str, version: int = 0, limit: int = 0) -> list[pb.Checkpoint]:
        """The checkpoints of a model, or of one version; newest first, at most `limit` (0: 100)."""
        request = pb.ListCheckpointsRequest(model=model, version=version, limit=limit)
        with self._translated():
            return list((await self._stub.ListCheckpoints(request, timeout=CALL_TIMEOUT_S)).checkpoints)

    async def resolve(self, reference: str) -> pb.Checkpoint:
        """The checkpoint that a reference means: flights-late, flights-late@champion, flights-late/7, flights-late/7@123456."""
        with self._translated():
            return await self._stub.Resolve(pb.ResolveRequest(reference=reference), timeout=CALL_TIMEOUT_S)

    async def put_checkpoint(self, checkpoint: pb.Checkpoint, blob: bytes) -> bool:
        """Put a checkpoint and its bytes; idempotent. Whether its proposal was taken, now or when it first came."""

        async def parts() -> AsyncIterator[pb.PutCheckpointRequest]:
            yield pb.PutCheckpointRequest(checkpoint=checkpoint)
            for start in range(0, len(blob), CHUNK_BYTES):
                yield pb.PutCheckpointRequest(chunk=blob[start : start + CHUNK_BYTES])

        with self._translated():
            return (await self._stub.PutCheckpoint(parts(), timeout=BLOB_TIMEOUT_S)).proposal_taken

    async def blob(self, digest: str) -> bytes:
        """The bytes of a digest, compared with it. Raises: Refused when they differ."""
        blob = bytearray()
        with self._translated():
            async for chunk in self._stub.GetBlob(pb.GetBlobRequest(digest=digest), timeout=BLOB_TIMEOUT_S):
                blob += chunk.data
        if (found := hashlib.sha256(blob).hexdigest()) != digest:
            raise Refused(f"the registry at {self._address} answered bytes with the digest {found} for {digest}. Try: penstock verify")
        return bytes(blob)

    async def set_alias(self, model: str, alias: str, version: int, cause: str) -> pb.Alias:
        """Move an alias to a version that is live; the same cause moves it once."""
        request = pb.SetAliasRequest(model=model, alias=alias, version=version, cause=cause)
        with self._translated():
            return await self._stub.SetAlias(request, timeout=CALL_TIMEOUT_S)

    async def aliases(self, model: str) -> pb.ListAliasesResponse:
        """The aliases of a model, and every move they have made, newest first."""
        with self._translated():
            return await self._stub.ListAliases(pb.ListAliasesRequest(model=model), timeout=CALL_TIMEOUT_S)

    async def serving(self, model: str) -> pb.Serving:
        """What should answer now: the champion's newest checkpoint; `found` is False before the first one."""
        with self._translated():
            return await self._stub.GetServing(pb.GetServingRequest(model=model), timeout=CALL_TIMEOUT_S)

    async def audit(self, after: int = 0) -> AsyncIterator[AuditRow]:
        """The rows of the audit log in order, from the one after `after` on."""
        with self._translated():
            async for row in self._stub.ReadAudit(pb.ReadAuditRequest(after=after), timeout=BLOB_TIMEOUT_S):
                yield AuditRow(row.sequence, row.body, row.hash)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except grpc.aio.AioRpcError as error:
            raise self._error(error) from error

    def _error(self, error: grpc.aio.AioRpcError) -> PenstockError:
        reason = error.details() or error.code().name
        match error.code():
            case grpc.StatusCode.NOT_FOUND:
                return NotFound(reason)
            case grpc.StatusCode.INVALID_ARGUMENT:
                return UsageError(reason)
            case grpc.StatusCode.FAILED_PRECONDITION:
                return Refused(reason)
            case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.DEADLINE_EXCEEDED | grpc.StatusCode.CANCELLED:
                return RegistryUnavailable(f"the registry at {self._address} does not answer: {reason}. Try: penstock status")
            case code:  # a fault of the registry must not end those who ask it
                return RegistryUnavailable(f"the registry at {self._address} failed: {code.name}: {reason}. Try: penstock logs registry")
