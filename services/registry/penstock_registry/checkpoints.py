"""Versions and their checkpoints: taken once, kept with their bytes, found again; the first one and proposals move the champion."""

import json
from dataclasses import asdict, replace
from typing import Any

from penstock.rpc import NotFound
from penstock_registry.aliases import champion_version, move
from penstock_registry.checkpoint import Checkpoint, Proposal, check, refuse_other
from penstock_registry.ledger import Change, Entry, Ledger
from penstock_registry.promotion import LIVE, Decision, judge
from penstock_registry.reference import CHAMPION, Reference, parse_reference

LIST_ROWS = 100
LIST_ROWS_MAX = 10_000
FIRST = "first"
"""Cause of the first champion: the version of the first checkpoint."""


class Checkpoints:
    """Versions, checkpoints and blobs."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def put(self, checkpoint: Checkpoint, proposal: Proposal | None, blob: bytes) -> bool:
        """Take a checkpoint, once; whether its proposal was taken.

        Raises: UsageError; Refused when its bytes are not its digest, or another checkpoint has its place.
        """
        check(checkpoint, proposal, blob)
        checkpoint = replace(checkpoint, size=len(blob))
        await self._ledger.pool.execute(self._ledger.sql["add_blob"], checkpoint.digest, blob)  # by its content: harmless alone
        async with self._ledger.change() as change:
            entries = await self._add(change, replace(checkpoint, created_at_ms=change.at_ms))
            if entries is None:
                return await _was_taken(change, checkpoint.model, proposal)
            entries += await self._first(change, checkpoint)
            decision, promoted = await self._propose(change, checkpoint, proposal)
            what = {"model": checkpoint.model, "version": checkpoint.version, "position": checkpoint.position, "digest": checkpoint.digest}
            decided = {"proposal": asdict(proposal), "decision": asdict(decision)} if proposal and decision else {}
            await change.record("checkpoint", what | decided, (*entries, *promoted))
            return decision is not None and decision.taken

    async def newest(self, model: str, version: int, limit: int) -> list[Checkpoint]:
        """The checkpoints of a model or of one version, newest first."""
        return await self._fetch(model, version, -1, min(limit or LIST_ROWS, LIST_ROWS_MAX))

    async def versions(self, model: str) -> list[dict[str, Any]]:
        """Every version of a model, oldest first."""
        return [dict(row) for row in await self._ledger.pool.fetch(self._ledger.sql["versions"], model)]

    async def require(self, model: str) -> None:
        """Raise NotFound for a model that was never applied and has no version."""
        pool, sql = self._ledger.pool, self._ledger.sql
        if not await pool.fetchrow(sql["spec"], "model", model, 0) and not await pool.fetch(sql["versions"], model):
            raise NotFound(await self._what_exists(Reference(model)))

    async def blob(self, digest: str) -> bytes:
        """The bytes of a digest. Raises: NotFound."""
        data = await self._ledger.pool.fetchval(self._ledger.sql["blob"], digest)
        if data is None:
            raise NotFound(f"no checkpoint has the digest {digest[:80]}")
        return bytes(data)

    async def resolve(self, text: str) -> Checkpoint:
        """The checkpoint that a reference means. Raises: UsageError; NotFound, with what there is."""
        reference = parse_reference(text)
        version = reference.version
        if version is None:
            version = await self._version_of(reference)
        found = await self._fetch(reference.model, version, -1 if reference.position is None else reference.position, 1)
        if not found:
            raise NotFound(await self._what_exists(replace(reference, version=version)))
        return found[0]

    async def _version_of(self, reference: Reference) -> int:
        aliases = await self._ledger.pool.fetch(self._ledger.sql["aliases"], reference.model)
        for row in aliases:
            if row["alias"] == reference.alias:
                return int(row["version"])
        if not aliases:
            raise NotFound(await self._what_exists(reference))
        known = ", ".join(row["alias"] for row in aliases)
        raise NotFound(f"{reference.model} has no alias {reference.alias}; it has {known}. Try: penstock show {reference.model}")

    async def _what_exists(self, reference: Reference) -> str:
        pool, sql, model = self._ledger.pool, self._ledger.sql, reference.model
        versions = [str(row["version"]) for row in await pool.fetch(sql["versions"], model)]
        if not versions:
            if await pool.fetchrow(sql["spec"], "model", model, 0):
                return f"{model} has no checkpoint yet: the trainer has sent none. Try: penstock status"
            models = [row["name"] for row in await pool.fetch(sql["newest_specs"], "model")]
            return f"there is no model {model}; there is {', '.join(models) or 'none yet'}. Try: penstock ls"
        if str(reference.version) not in versions:
            return f"{model} has no version {reference.version}; it has {', '.join(versions)}. Try: penstock show {model}"
        positions = [str(row["position"]) for row in await pool.fetch(sql["positions"], model, reference.version)]
        newest = ", ".join(positions)
        return (
            f"{model}/{reference.version} has no checkpoint at {reference.position}; the newest are at {newest}. Try: penstock show {model}"
        )

    async def _fetch(self, model: str, version: int, position: int, limit: int) -> list[Checkpoint]:
        rows = await self._ledger.pool.fetch(self._ledger.sql["checkpoints"], model, version, position, limit)
        return [Checkpoint(**row) for row in rows]

    async def _add(self, change: Change, checkpoint: Checkpoint) -> list[Entry] | None:
        """Write the rows; what others must hear, or None when the checkpoint was there already."""
        known = await change.connection.fetchrow(change.sql["checkpoints"], checkpoint.model, checkpoint.version, checkpoint.position, 1)
        if known is not None:
            return await self._again(change, Checkpoint(**known), checkpoint)
        before = await change.connection.fetchrow(change.sql["version"], checkpoint.model, checkpoint.version)
        is_newest = before is None or checkpoint.position >= before["position"]
        if is_newest:
            names = ("model", "version", "parent", "learner", "cause", "born_position", "state", "position")
            await change.connection.execute(change.sql["put_version"], *(getattr(checkpoint, name) for name in names))
        await change.connection.execute(change.sql["add_checkpoint"], *(getattr(checkpoint, name) for name in _COLUMNS))
        is_news = before is None or (is_newest and before["state"] != checkpoint.state)
        return [checkpoint.version_entry(change.sequence)] * is_news + [checkpoint.entry(change.sequence)] * is_newest

    async def _again(self, change: Change, known: Checkpoint, put: Checkpoint) -> list[Entry] | None:
        """A checkpoint that came before says nothing new, unless its version was retired at the same position."""
        refuse_other(known, put)
        if put.state in (known.state, LIVE):
            return None
        await change.connection.execute(change.sql["retire"], put.model, put.version, put.position, put.state)
        return [put.version_entry(change.sequence), put.entry(change.sequence)]

    async def _first(self, change: Change, checkpoint: Checkpoint) -> list[Entry]:
        """The first checkpoint of a model makes its version the champion, so that something serves."""
        if checkpoint.state != LIVE or await champion_version(change, checkpoint.model, CHAMPION):
            return []
        return [(await move(change, checkpoint.model, CHAMPION, checkpoint.version, FIRST)).entry]

    async def _propose(self, change: Change, checkpoint: Checkpoint, proposal: Proposal | None) -> tuple[Decision | None, list[Entry]]:
        """Decide a proposal that is new, and record it either way."""
        if proposal is None or await change.connection.fetchrow(change.sql["proposal"], checkpoint.model, proposal.cause):
            return None, []
        decision = judge(
            mode=await _promotion_mode(change, checkpoint.model),
            version=checkpoint.version,
            state=checkpoint.state,
            supposed_champion=proposal.champion,
            champion=await champion_version(change, checkpoint.model, CHAMPION),
            declared=proposal.declared,
        )
        await change.connection.execute(
            change.sql["add_proposal"], checkpoint.model, proposal.cause, checkpoint.version, checkpoint.position, proposal.champion,
            proposal.labels, proposal.difference, proposal.evidence, decision.taken, decision.reason, change.at_ms,
        )  # fmt: skip
        if not decision.taken:
            return decision, []
        return decision, [(await move(change, checkpoint.model, CHAMPION, checkpoint.version, proposal.cause)).entry]


_COLUMNS = (
    "model", "version", "position", "chain", "digest", "watermark_ms", "recipe", "runtime", "metrics", "state", "size", "created_at_ms",
)  # fmt: skip


async def _was_taken(change: Change, model: str, proposal: Proposal | None) -> bool:
    row = await change.connection.fetchrow(change.sql["proposal"], model, proposal.cause) if proposal else None
    return bool(row and row["taken"])


async def _promotion_mode(change: Change, model: str) -> str:
    row = await change.connection.fetchrow(change.sql["spec"], "model", model, 0)
    body = json.loads(row["body"]) if row else {}
    return str(body.get("promotion", {}).get("mode", "manual"))
