"""Small folds for the tests of the runner: they keep laws I and II, and do little else."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from penstock.fold.origin import Origins
from penstock.fold.protocol import Effect, Missing, Output, Poison, Record, Snapshot
from penstock.fold.segments import SegmentedMap
from penstock.records.generated import Origin


def encode(**fields: Any) -> bytes:
    return json.dumps(fields, sort_keys=True).encode()


class Noted(Effect):
    """An effect that carries the number it was caused by."""

    __slots__ = ("number",)

    def __init__(self, number: int) -> None:
        self.number = number


class Summing:
    """Sums the numbers it reads and says the sum `fan_out` times per number, each time with its origin.

    A number comes with an origin when another fold made it, and without when a test did. Words: "poison" is poison, "missing" needs the
    blob of that name first, "large" makes an output of 2 MB, "noted" an effect.
    """

    def __init__(self, partition: int, to: str, *, fan_out: int = 1, known: set[str] | None = None) -> None:
        self.counts: Counter[str] = Counter()
        self.total = 0
        self._partition = partition
        self._to = to
        self._fan_out = fan_out
        self._known = known if known is not None else set()
        self._origins = Origins()
        self._seen = SegmentedMap("seen")

    def step(self, record: Record) -> Iterable[Output | Effect]:
        try:
            fields = json.loads(record.value or b"")
        except ValueError as error:
            raise Poison("undecodable", "not JSON") from error
        if fields.get("word") == "poison":
            raise Poison("out_of_contract", "a word that is not a number")
        if fields.get("word") == "missing" and "missing" not in self._known:
            raise Missing("blob", "missing")
        if fields.get("origin") and not self._origins.accept(record.topic, record.partition, fields["origin"]):
            self.counts["echoes"] += 1
            return []
        self.counts["folded"] += 1
        self.total += fields.get("number", 0)
        self._seen.put(f"{record.topic}:{record.offset}", record.value or b"")
        if len(self._seen) > 50:
            self._seen.pop(next(iter(self._seen)))
        if fields.get("word") == "noted":
            return [Noted(fields["number"])]
        padding = "x" * 2_000_000 if fields.get("word") == "large" else ""
        return [self._output(record, index, padding) for index in range(self._fan_out)]

    def snapshot(self) -> Snapshot:
        manifest, segments = self._seen.capture()
        return Snapshot(json.dumps([self.total, dict(self.counts), self._origins.dump(), manifest]).encode(), segments)

    def restore(self, snapshot: Snapshot) -> None:
        self.total, counts, origins, manifest = json.loads(snapshot.state)
        self.counts = Counter(counts)
        self._origins.load(origins)
        self._seen.restore(manifest, snapshot.segments)

    def _output(self, record: Record, index: int, padding: str) -> Output:
        origin = Origin(topic=record.topic, generation=1, partition=record.partition, offset=record.offset, index=index)
        return Output(self._to, self._partition, record.key, encode(number=self.total + index, origin=origin, padding=padding))


def accepted(records: Sequence[Record]) -> list[dict[str, Any]]:
    """What a reader makes of a topic: law II applied; every origin higher than the one before it."""
    origins = Origins()
    fields = [(record, json.loads(record.value or b"")) for record in records]
    return [each for record, each in fields if origins.accept(record.topic, record.partition, each["origin"])]


def gaps(found: Sequence[dict[str, Any]], fan_out: int) -> list[Any]:
    """Where `no_gap` is broken, for a fold that says `fan_out` outputs for every offset from 0 on."""
    expected = [(offset, index) for offset in range(len(found) // fan_out + 1) for index in range(fan_out)]
    actual = [(each["origin"]["offset"], each["origin"]["index"]) for each in found]
    return [pair for pair in zip(actual, expected, strict=False) if pair[0] != pair[1]]
