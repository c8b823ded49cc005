"""What a checker is given: records decoded in log order, and where every fold stood."""

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

from penstock.fold.origin import Origins
from penstock.fold.protocol import Poison, Record
from penstock.invariants.finding import Finding
from penstock.records import Origin, Wire
from penstock.spec.avro import ORIGIN
from penstock.spec.stream import record_name

TICK = "Tick"


class Seen(NamedTuple):
    """A record as it reads. `fresh`: a reader takes it (law II): it has no origin, or a higher one than all before it on its partition.

    `name` is empty and `value` too where the record is no Avro, or is not decoded.
    """

    record: Record
    name: str
    value: Mapping[str, Any]
    origin: Origin | None
    fresh: bool

    @property
    def where(self) -> str:
        """Its place in words: topic[partition]:offset."""
        return f"{self.record.topic}[{self.record.partition}]:{self.record.offset}"


Handler = Callable[[Seen], None]


class Checker(Protocol):
    """A small object that is fed with the records of its topics and ends in a finding.

    Topics are fed in the order of the flow (features before predictions before the learning log before outcomes), each in log order.
    """

    @property
    def handlers(self) -> Mapping[str, Handler]: ...
    def finding(self) -> Finding: ...


class Stood(NamedTuple):
    """Where a fold stood, and what it had counted there; None where that is not known."""

    next_offsets: Mapping[str, int]
    counts: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """Where each fold stood, by (unit, partition): everything that it caused up to there is acknowledged.

    A snapshot says just that (law III). So what lies under these offsets can be compared on a live platform, when it was read before
    the ends of the topics were.
    """

    folds: Mapping[tuple[str, int], Stood] = field(default_factory=dict)

    def next_offset(self, unit: str, topic: str, partition: int) -> int:
        """Every offset below it is folded, with all that it caused; 0 when nothing is known."""
        stood = self.folds.get((unit, partition))
        return stood.next_offsets.get(topic, 0) if stood else 0

    def of(self, unit: str) -> dict[int, Stood]:
        """The folds of a unit, by partition."""
        return {partition: stood for (name, partition), stood in sorted(self.folds.items()) if name == unit}


class Reading:
    """Decodes records in log order, and says of each whether a reader takes it.

    `raw` topics are not decoded. A learning log's ticks are no part of its origins: the trainer takes them as they come.
    """

    def __init__(self, wire: Wire, streams: Iterable[str], raw: Container[str] = (), learning: Container[str] = ()) -> None:
        self._wire = wire
        self._events = frozenset(map(record_name, streams))
        self._raw = raw
        self._learning = learning
        self._origins = Origins()

    def see(self, record: Record) -> Seen:
        """The record as it reads. Raises: Missing for a schema that is not here yet; nothing has changed then."""
        if record.topic in self._raw:
            return Seen(record, "", {}, None, True)
        try:
            name, value = self._wire.read(record.value)
        except Poison:
            return Seen(record, "", {}, None, False)
        origin: Origin | None = value.get(ORIGIN if name in self._events else "origin")
        return Seen(record, name, value, origin, self._is_fresh(record, name, origin))

    def _is_fresh(self, record: Record, name: str, origin: Origin | None) -> bool:
        if origin is None or (name == TICK and record.topic in self._learning):
            return True
        return self._origins.accept(record.topic, record.partition, origin)
