"""`log_says_what_was_served`: users and the log hold the same bytes, with the features that were asked, and the answer recomputes."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from penstock.invariants.finding import Breaks, Finding
from penstock.invariants.marks import Hashes
from penstock.invariants.seen import Handler, Seen
from penstock.tasks import Answer, answer_in

Checkpoint = tuple[int, int]
"""Version and position."""


class ServedAnswer(NamedTuple):
    """A prediction that is to be recomputed."""

    where: str
    features: Mapping[str, Any]
    answer: Answer | None


class Served:
    """Predictions of one model on the users' topic and in the learning log; one of `every` is kept to be recomputed."""

    def __init__(self, features: str, predictions: str, learning: str, every: int) -> None:
        self._features, self._predictions, self._learning = features, predictions, learning
        self._every = every
        self._bytes = Hashes()
        self._vectors: dict[tuple[int, int], Mapping[str, Any]] = {}
        self._breaks = Breaks("log_says_what_was_served")
        self.answers: defaultdict[Checkpoint, list[ServedAnswer]] = defaultdict(list)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """See Checker."""
        return {self._features: self._asked, self._predictions: self._answered, self._learning: self._learned}

    def _asked(self, seen: Seen) -> None:
        partition, offset = seen.record.partition, seen.record.offset
        if seen.name == "FeatureVector" and offset % self._every == 0:
            self._vectors[partition, offset] = seen.value["features"]

    def _answered(self, seen: Seen) -> None:
        if seen.name != "Prediction" or seen.origin is None:
            return
        partition, offset = seen.origin["partition"], seen.origin["offset"]
        if not self._bytes.known(partition, offset):
            self._bytes.put(partition, offset, seen.record.value)
        else:
            self._breaks.expect(
                self._bytes.holds(partition, offset, seen.record.value),
                f"{seen.where} has other bytes than another copy of the answer to {self._features}[{partition}]:{offset}",
            )

    def _learned(self, seen: Seen) -> None:
        self._answered(seen)
        if seen.name == "Prediction" and seen.fresh and seen.origin is not None and seen.origin["offset"] % self._every == 0:
            self._sample(seen, self._vectors.pop((seen.origin["partition"], seen.origin["offset"]), None))

    def _sample(self, seen: Seen, vector: Mapping[str, Any] | None) -> None:
        value = seen.value
        if vector is not None:
            self._breaks.expect(vector == value["features"], f"{seen.where} has other features than the question had")
        if value["version"]:
            self.answers[value["version"], value["position"]].append(ServedAnswer(seen.where, value["features"], answer_in(value)))

    def recomputed(self, answers: Sequence[ServedAnswer], anew: Iterable[Answer | None]) -> None:
        """Compare recorded answers with what their checkpoint gives: to the last bit."""
        for served, given in zip(answers, anew, strict=True):
            self._breaks.expect(given == served.answer, f"{served.where} says {served.answer}, its checkpoint and features give {given}")

    def finding(self) -> Finding:
        """See Checker."""
        return self._breaks.finding()
