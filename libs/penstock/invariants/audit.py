"""`audit_chain`: the registry's audit log as a hash chain; no row can be changed or removed without every later hash showing it."""

import hashlib
import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from penstock.invariants.finding import Breaks, Finding

GENESIS = bytes(32)


class AuditRow(NamedTuple):
    """One change: its number (from 1, without gaps), what happened as canonical JSON, and its link of the chain."""

    sequence: int
    body: str
    hash: bytes


def link(previous: bytes, body: str) -> bytes:
    """The next hash of the chain: SHA-256(previous ‖ body).

    >>> link(GENESIS, "{}") == link(GENESIS, "{}") != link(GENESIS, "{ }")
    True
    """
    return hashlib.sha256(previous + body.encode()).digest()


def first_broken(rows: Iterable[AuditRow]) -> int | None:
    """The sequence number at which the chain breaks, or None when all of it holds. `rows` are in order, from the first."""
    chain = AuditChain()
    for row in rows:
        chain.add(row)
    return chain.broken_at


class AuditChain:
    """Takes the rows in order, from the first; keeps what they say of aliases and checkpoints."""

    def __init__(self) -> None:
        self.last = 0
        self.broken_at: int | None = None
        self.bodies: list[dict[str, Any]] = []
        self._hash = GENESIS

    def add(self, row: AuditRow) -> None:
        """Take the next row."""
        expected, self.last = self.last + 1, row.sequence
        if self.broken_at is None and (row.sequence != expected or row.hash != link(self._hash, row.body)):
            self.broken_at = expected
        self._hash = row.hash

    def keep(self, row: AuditRow) -> None:
        """Take the next row, and keep what it says, if that is about a champion."""
        self.add(row)
        body = json.loads(row.body)
        if body.get("action") in ("alias", "checkpoint"):
            self.bodies.append(
                {name: body[name] for name in ("action", "model", "alias", "version", "cause", "proposal", "decision") if name in body}
            )

    def finding(self) -> Finding:
        """See Checker."""
        breaks = Breaks("audit_chain", self.last)
        if self.broken_at is not None:
            breaks.add(f"registry: audit row {self.broken_at} is not what its chain says: it, or a row before it, was changed or taken out")
        return breaks.finding()
