"""`one_champion`: at any instant one checkpoint answers, and who does is one chain in the log, the registry and its audit log."""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.roads import letter_of
from penstock.invariants.seen import Handler, Seen

Serve = tuple[int, int, int]
"""Revision, position, version."""
UNSERVED: Serve = (0, 0, 0)


class Move(NamedTuple):
    """One move of an alias, as a row of the registry, an entry of its topic or its audit log says it; revision 0: not said."""

    alias: str
    revision: int
    version: int
    cause: str


class _Chain:
    """The serves of one partition of features.<model> that were obeyed, by the offsets at which they stand."""

    def __init__(self, start: int) -> None:
        self.whole = start == 0
        self.offsets: list[int] = []
        self.serves: list[Serve] = []

    def add(self, offset: int, serve: Serve) -> None:
        """Obey a serve, if it is higher than all before it: (revision, position) is compared."""
        if not self.serves or serve[:2] > self.serves[-1][:2]:
            self.offsets.append(offset)
            self.serves.append(serve)

    def drop(self, offset: int) -> None:
        """A serve that the deployer refused."""
        if offset in self.offsets:
            at = self.offsets.index(offset)
            del self.offsets[at], self.serves[at]

    def at(self, offset: int) -> Serve | None:
        """Who answers a question at this offset; None when the log no longer tells."""
        index = bisect_left(self.offsets, offset)
        return self.serves[index - 1] if index else UNSERVED if self.whole else None


class OneChampion:
    """Serves of one model, the answers given under them, and what the registry says."""

    def __init__(self, model: str, features: str, learning: str, letters: str) -> None:
        self._model = model
        self._features, self._learning, self._letters = features, learning, letters
        self._chains: dict[int, _Chain] = {}
        self._versions: dict[int, tuple[int, str]] = {}  # by revision: the version it names, and where
        self._breaks = Breaks("one_champion")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._features: self._served, self._letters: self._letter, self._learning: self._answered}

    def _served(self, seen: Seen) -> None:
        record, value = seen.record, seen.value
        chain = self._chains.setdefault(record.partition, _Chain(record.offset))
        if seen.name != "Serve":
            return
        revision, version = value["revision"], value["version"]
        known, where = self._versions.setdefault(revision, (version, seen.where))
        self._breaks.expect(version == known, f"{seen.where}: revision {revision} serves version {version}, at {where} it serves {known}")
        chain.add(record.offset, (revision, value["position"], version))

    def _letter(self, seen: Seen) -> None:
        place = letter_of(seen.record)
        if place is not None and place[0] == self._features and place[1] in self._chains:
            self._chains[place[1]].drop(place[2])

    def _answered(self, seen: Seen) -> None:
        if seen.name != "Prediction" or not seen.fresh or seen.origin is None:
            return
        partition, offset = seen.origin["partition"], seen.origin["offset"]
        chain = self._chains.get(partition)
        serve = chain.at(offset) if chain else None
        if serve is not None:
            _, position, version = serve
            said = (seen.value["version"], seen.value["position"])
            self._breaks.expect(
                said == (version, position),
                f"{seen.where} is answered by {self._model}/{said[0]}@{said[1]}, while {self._model}/{version}@{position} serves",
            )

    def registry_says(
        self, rows: Sequence[Move], told: Sequence[Move], before: Sequence[Move], after: Sequence[Move], left_out: int = 0
    ) -> None:
        """Compare with the registry: `rows` of its table, oldest first, but for the first `left_out`; what is `told` by its topic; moves
        in its audit log, read before and after the rows were. The log's serves must have been read before all of them: then what is under
        way is no break.
        """
        by_revision = {row.revision: row for row in rows}
        for expected, row in enumerate(rows, left_out + 1):
            self._breaks.expect(
                row.revision == expected, f"registry: revision {expected} of the aliases of {self._model} is not there, {row.revision} is"
            )
        self._compare_log(by_revision, left_out)
        for move in told:
            row = by_revision.get(move.revision, move)
            self._breaks.expect(
                row.version == move.version,
                f"registry: {self._model}@{row.alias} revision {row.revision} names version {row.version}, its topic says {move.version}",
            )
        self._compare_audit(rows, before[left_out:], after)

    def _compare_log(self, rows: Mapping[int, Move], left_out: int) -> None:
        for revision, (version, where) in sorted(self._versions.items()):
            if revision <= left_out:
                continue
            row = rows.get(revision)
            found = f"names version {row.version}" if row else "is not there"
            self._breaks.expect(
                row is not None and row.version == version,
                f"{where}: revision {revision} serves version {version}; in the registry that revision of {self._model}@champion {found}",
            )

    def _compare_audit(self, rows: Sequence[Move], before: Sequence[Move], after: Sequence[Move]) -> None:
        by_cause = {(row.alias, row.cause): row for row in rows}
        audited = {(move.alias, move.cause): move.version for move in after}
        for move in before:
            self._breaks.expect(
                (move.alias, move.cause) in by_cause,
                f"registry: the audit log moves {self._model}@{move.alias} because of {move.cause}, its table does not",
            )
        for row in rows:
            version = audited.get((row.alias, row.cause))
            said = "does not say so" if version is None else f"says version {version}"
            self._breaks.expect(
                version == row.version,
                f"registry: {self._model}@{row.alias} revision {row.revision} names version {row.version}, the audit log {said}",
            )

    def finding(self) -> Finding:
        """See Checker."""
        return self._breaks.finding()


def moves(bodies: Iterable[Mapping[str, Any]], model: str) -> list[Move]:
    """The moves of a model's aliases that the bodies of audit rows tell, in order; the first checkpoint of a model moves `champion`."""
    found: list[Move] = []
    for body in bodies:
        if body.get("model") != model:
            continue
        if body["action"] == "alias":
            found.append(Move(body["alias"], 0, body["version"], body["cause"]))
        elif body["action"] == "checkpoint":
            if not any(move.alias == "champion" for move in found):
                found.append(Move("champion", 0, body["version"], "first"))
            if body.get("decision", {}).get("taken"):
                found.append(Move("champion", 0, body["version"], body["proposal"]["cause"]))
    return found
