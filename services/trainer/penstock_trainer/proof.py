"""What a proof compares: a replay of the log with every checkpoint that is recorded on its way, and with the one that it is for."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from penstock import codec
from penstock.codec.difference import differences
from penstock.fold.protocol import Effect, Output
from penstock_trainer.chain import Chain
from penstock_trainer.checkpoints import CheckpointMade, record_of
from penstock_trainer.cohort import canonical
from penstock_trainer.versions import Version

PATHS_MAX = 3  # differences of a state that a message names


@dataclass(frozen=True, slots=True)
class Recorded:
    """A checkpoint as the registry has it; chain and digest in hexadecimal digits, metrics as canonical JSON."""

    version: int
    position: int
    chain: str
    digest: str
    metrics: str


@dataclass(frozen=True, slots=True)
class Claim:
    """What is to be proved: a checkpoint with the bytes that the registry keeps of it (empty: it has lost or changed them).

    `waypoints` are the other checkpoints of its model, as many as are known, in any order.
    """

    model: str
    recorded: Recorded
    blob: bytes
    waypoints: tuple[Recorded, ...] = ()
    from_zero: bool = False


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the fold of the records from `from_position` on gave; `checkpoints` on the way were equal, `difference` is empty if all was.

    `snapshot` is the number of the snapshot that it began with, 0 when it began with nothing; `rebuilt` the offset of the last rebuild.
    """

    from_position: int
    records: int
    seconds: float
    chain: str
    digest: str
    metrics: str
    checkpoints: int
    difference: str
    snapshot: int = 0
    rebuilt: int = 0


class Witness:
    """Follows a replay and notes where it first leaves what is recorded: in the log, or in what was learned from it."""

    def __init__(self, claim: Claim, topic: str, start: int) -> None:
        below = [each for each in claim.waypoints if start < each.position <= claim.recorded.position]
        self._recorded = {(each.version, each.position): each for each in (*below, claim.recorded)}
        self._chains = {each.position: each.chain for each in self._recorded.values()}
        self._to_pass = sorted(self._chains, reverse=True)
        self._topic = topic
        self._last_equal = start
        self.equal = 0
        self.first = ""

    @property
    def next_position(self) -> int:
        """Where the chain is compared next; -1 when it is nowhere."""
        return self._to_pass[-1] if self._to_pass else -1

    def passed(self, chain: Chain) -> None:
        """The replay stands at `next_position`."""
        position = self._to_pass.pop()
        if not self.first and chain.value.hex() != self._chains[position]:
            self.first = f"the log was changed: the first record that differs is {_one_of(self._topic, self._last_equal, position)}"
        if not self.first:
            self._last_equal = position

    def made(self, caused: Iterable[Output | Effect]) -> None:
        """What a record caused: the checkpoints among it are compared."""
        for each in caused:
            if isinstance(each, CheckpointMade) and not self.first:
                self._compare(each)

    def _compare(self, made: CheckpointMade) -> None:
        recorded = self._recorded.get((made.version, made.position))
        if recorded is None:
            return
        if (made.digest, made.metrics) == (recorded.digest, recorded.metrics):
            self.equal += 1
            return
        what = "digest" if made.digest != recorded.digest else "metrics"
        self.first = f"the {what} of version {made.version} differs first at the checkpoint of position {made.position}"


def compared(claim: Claim, chain: str, blob: bytes, metrics: str) -> str:
    """How the replayed version differs from the recorded one, with attribute paths; empty when it does not."""
    recorded, digest = claim.recorded, codec.digest(blob)
    pairs = {"chain": (recorded.chain, chain), "digest": (recorded.digest, digest), "metrics": (recorded.metrics, metrics)}
    unequal = [f"{name} was recorded as {was}, the replay gives {is_now}" for name, (was, is_now) in pairs.items() if was != is_now]
    if digest != recorded.digest:
        unequal.append(_paths(claim.blob, blob))
    elif claim.blob != blob:
        unequal.append("the registry has lost the bytes of this digest, or changed them")
    if metrics != recorded.metrics:
        unequal.append(_metrics(recorded.metrics, metrics))
    return "; ".join(unequal)


def metrics_of(version: Version) -> str:
    """The record of a version as it is compared."""
    return canonical(record_of(version))


def _paths(recorded: bytes, replayed: bytes) -> str:
    try:
        found = list(islice(differences(recorded, replayed), PATHS_MAX))
    except codec.StateError as error:
        return f"the recorded bytes are no learner: {error}"
    words = ", ".join(f"{each.path} ({each.left} recorded, {each.right} replayed)" for each in found)
    return f"first at {words}" if found else "its bytes are another form of the same state"


def _metrics(recorded: str, replayed: str) -> str:
    was, is_now = json.loads(recorded), json.loads(replayed)
    unequal = [name for name in sorted({*was, *is_now}) if was.get(name) != is_now.get(name)]
    return "of the metrics " + ", ".join(f"{name} ({was.get(name)} recorded, {is_now.get(name)} replayed)" for name in unequal)


def _one_of(topic: str, first: int, end: int) -> str:
    return f"{topic}:{first}" if end == first + 1 else f"one of {topic}:{first} … {end - 1}"
