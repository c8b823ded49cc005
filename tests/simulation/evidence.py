"""What is looked at after a run: its logs as a reader takes them, what the oracle expects, and every fold once more, offline."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from penstock.fold.protocol import LogRecord, Missing, Poison
from penstock.kafka.ports import TopicPartition
from penstock.records import Wire, Writer, platform_schema
from tests.simulation import offline
from tests.simulation.oracle import Accepting, Judged, LearningOracle, cuts_of, judge_events
from tests.simulation.platform import Run
from tests.simulation.shop import ANSWERS, MODEL, QUESTIONS


class Read(NamedTuple):
    """A record of a log, decoded."""

    offset: int
    name: str
    fields: Any
    record: LogRecord

    @property
    def origin(self) -> Any:
        """Where it came from, or None."""
        return self.fields.get("_origin") or self.fields.get("origin")

    @property
    def value(self) -> bytes | None:
        """Its bytes."""
        return self.record.value


@dataclass(frozen=True, slots=True)
class Evidence:
    """A run, what should have come of it, and its folds once more; `unpoisoned` is the trainer without what was rejected."""

    run: Run
    wire: Wire
    questions: Judged
    payments: Judged
    deployers: Sequence[offline.Told]
    trainer: offline.Told
    monitor: offline.Told
    unpoisoned: offline.Told | None = None
    _logs: dict[TopicPartition, list[Read]] = field(default_factory=dict)
    _taken: dict[tuple[TopicPartition, bool], list[Read]] = field(default_factory=dict)

    def log(self, family: str, number: int = 0, name: str = MODEL) -> list[Read]:
        """What can be read of one partition; junk is left out."""
        place = TopicPartition(f"{family}.{name}" if name else family, number)
        if place not in self._logs:
            self._logs[place] = list(_read(self.wire, self.run.broker.records(place)))
        return self._logs[place]

    def accepted(self, family: str, number: int = 0, name: str = MODEL, *, ticks: bool = False) -> list[Read]:
        """What a reader takes of one partition by law II; with `ticks`, also those without an origin, which are taken always."""
        key = (TopicPartition(f"{family}.{name}", number), ticks)
        if key not in self._taken:
            accepting = Accepting()
            self._taken[key] = [read for read in self.log(family, number, name) if (accepting.takes(read.origin) if read.origin else ticks)]
        return self._taken[key]

    def learned_from(self, topic: str, number: int) -> list[Read]:
        """What the trainer takes of the learning log that came from one partition."""
        return [read for read in self.accepted("learning") if (read.origin["topic"], read.origin["partition"]) == (topic, number)]

    def oracle(self) -> LearningOracle:
        """The naive life of every label in the learning log."""
        versions = self.run.trainer().cohort.versions.values()
        horizon_ms = self.run.spec.models[MODEL].label.horizon_ms
        born = {version.number: version.born_position for version in versions}
        log = [read[:3] for read in self.log("learning")]
        rewinds, relearns = self.run.trainer().rewinds, self.run.spec.models[MODEL].label.on_correction == "relearn"
        by_cause = {rewind.cause: rewind for rewind in rewinds.all}
        right = {asked: each.value for asked, (_, each) in rewinds.corrected.items()}
        oracle = LearningOracle(horizon_ms, born, cuts_of(log), by_cause, right, relearns)
        for offset, name, value in log:
            oracle.take(offset, name, value)
        return oracle

    def ends(self) -> list[Any]:
        """The outcomes that count: of each prediction the one of the highest revision, where the first one stood."""
        last: dict[int, Any] = {}
        for read in self.accepted("outcomes"):
            before = last.get(read.fields["prediction_position"])
            if before is None or read.fields["revision"] > before["revision"]:
                last[read.fields["prediction_position"]] = read.fields
        return list(last.values())


async def gather(run: Run) -> Evidence:
    """Everything that the checks look at."""
    schemas = run.outside.schemas
    wire = Wire(schemas)
    for id in schemas.ids():
        await wire.fetch(id)
    told = await offline.trainer(run, Wire(schemas))
    return Evidence(
        run,
        wire,
        judge_events(run.spec.streams[QUESTIONS], run.sent),
        judge_events(run.spec.streams[ANSWERS], run.sent),
        [await offline.deployer(run, Wire(schemas), number) for number in run.partitions("features")],
        told,
        await offline.monitor(run, Wire(schemas)),
        await _without_junk(run, wire) if told.fold.counts["rejected"] else None,
    )


async def _without_junk(run: Run, wire: Wire) -> offline.Told:
    """The learning log folded as if what was rejected had never been there; rewinds name the offsets that this gives."""
    kept = list(_read(wire, run.records("learning")))
    offsets = [read.offset for read in kept]
    write = {name: await wire.writer("any", platform_schema(name)) for name in ("Rewound", "Rebuilt")}
    records = [_moved(read, number, offsets, write) for number, read in enumerate(kept)]
    return await offline.trainer(run, Wire(run.outside.schemas), records)


def _moved(read: Read, number: int, offsets: Sequence[int], write: Mapping[str, Writer]) -> LogRecord:
    if read.name not in write:
        return read.record._replace(offset=number)
    if read.name == "Rebuilt":
        value = {**read.fields, "told": bisect_left(offsets, read.fields["told"])}
        return read.record._replace(offset=number, value=write["Rebuilt"](value))
    cuts = [{name: bisect_left(offsets, offset) for name, offset in cut.items()} for cut in read.fields["cuts"]]
    to = bisect_left(offsets, read.fields["to"])
    return read.record._replace(offset=number, value=write["Rewound"]({**read.fields, "to": to, "cuts": cuts}))


def _read(wire: Wire, records: Iterable[LogRecord]) -> Iterator[Read]:
    for record in records:
        try:
            name, value = wire.read(record.value)
        except (Poison, Missing):
            continue
        yield Read(record.offset, name, value, record)
