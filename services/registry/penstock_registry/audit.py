"""The audit log as a hash chain: no row can be changed, removed or put in between without every later hash showing it."""

import hashlib
from collections.abc import Iterable
from typing import NamedTuple

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
    previous = GENESIS
    for expected, row in enumerate(rows, 1):
        if row.sequence != expected or row.hash != link(previous, row.body):
            return expected
        previous = row.hash
    return None
