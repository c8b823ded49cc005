"""What a range of records has touched on a running platform: the logs followed down, then what the registry has of it."""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

from penstock.errors import UsageError
from penstock.fold.protocol import Missing, Record
from penstock.inspection.declared import checkpoints, declared
from penstock.inspection.topics import TopicReader, bounds_of, records_in, topic_reader
from penstock.invariants.flow import TopicName
from penstock.invariants.seen import Reading, Seen
from penstock.kafka.cluster import KafkaCluster, opened
from penstock.kafka.ports import TopicPartition
from penstock.lineage.touched import Impact, Range, Touched, streams_of
from penstock.records import Wire
from penstock.records.schemas import HttpSchemaRegistry
from penstock.registry_client import RegistryClient
from penstock.rpc.registry.v1 import registry_pb2 as pb
from penstock.spec import Model, Spec

Progress = Callable[[int, int], None]
"""Records read, and how many there are."""


@dataclass(frozen=True, slots=True)
class At:
    """Where the platform answers; `prefix` stands before its topics."""

    bootstrap: str
    registry: str
    schema_registry_url: str
    prefix: str = ""

    def topic(self, family: str, name: str) -> str:
        """A topic's full name."""
        return f"{self.prefix}{family}.{name}"


@dataclass(frozen=True, slots=True)
class ModelImpact:
    """What of a model was touched; `versions` and `checkpoints` as the registry lists them, the newest checkpoint first."""

    model: str
    impact: Impact
    versions: Sequence[pb.Version]
    checkpoints: Sequence[pb.Checkpoint]


async def find_impact(at: At, wanted: Range, progress: Progress) -> list[ModelImpact]:
    """Follow a range into every model that it can reach.

    Raises: UsageError for a topic that leads to no model, or offsets that its log does not hold; PenstockError when the platform does
    not answer.
    """
    async with AsyncExitStack() as stack:
        registry = await stack.enter_async_context(RegistryClient(at.registry))
        kafka = await stack.enter_async_context(opened(at.bootstrap))
        spec = (await declared(registry)).spec
        models = reached(spec, wanted.topic, at.topic)
        await _check(kafka, wanted)
        reader = await stack.enter_async_context(topic_reader(at.bootstrap))
        schemas = await stack.enter_async_context(aclosing(HttpSchemaRegistry(at.schema_registry_url)))
        following = _Following(kafka, reader, Wire(schemas), spec, progress)
        return [await _of_model(registry, model.name, await following.follow(Touched(spec, model, wanted, at.topic))) for model in models]


def reached(spec: Spec, topic: str, name_of: TopicName) -> list[Model]:
    """The models that a topic leads to. Raises: UsageError."""
    found = [model for model in spec.models.values() if topic in _topics(spec, model, name_of)]
    if not found:
        known = sorted({each for model in spec.models.values() for each in _topics(spec, model, name_of)})
        raise UsageError(f"{topic} leads to no model; these do: {', '.join(known) or 'none yet'}. Try: penstock ls")
    return found


def _topics(spec: Spec, model: Model, name_of: TopicName) -> list[str]:
    streams = [name_of(family, name) for name in streams_of(spec, model) for family in ("events", "validated")]
    return [*streams, name_of("features", model.name), name_of("learning", model.name)]


async def _check(kafka: KafkaCluster, wanted: Range) -> None:
    partitions = await kafka.partitions(wanted.topic)
    if wanted.partition >= partitions:
        raise UsageError(f"{wanted.topic} has {partitions} partitions, from 0. Try: --partition 0")
    bounds = await kafka.bounds(TopicPartition(wanted.topic, wanted.partition))
    if not bounds.start <= wanted.start < wanted.end <= bounds.end:
        held = f"{bounds.start}:{bounds.end}"
        raise UsageError(f"{wanted.topic}[{wanted.partition}] holds {held}, the end not included. Try: a range inside --range {held}")


class _Following:
    """Reads the topics of the stages one after the other; every stage is a reader of its own."""

    def __init__(self, kafka: KafkaCluster, reader: TopicReader, wire: Wire, spec: Spec, progress: Progress) -> None:
        self._kafka, self._reader, self._wire = kafka, reader, wire
        self._spec, self._progress = spec, progress

    async def follow(self, touched: Touched) -> Impact:
        """The impact on one model."""
        stages = touched.stages
        bounds = await bounds_of(self._kafka, list(dict.fromkeys(topic for topic, _ in stages)))
        total, done = sum(records_in(bounds, topic) for topic, _ in stages), 0
        for topic, handler in stages:
            reading = Reading(self._wire, self._spec.streams, learning={stages[-1][0]})
            async for records in self._reader.read(topic, bounds):
                for record in records:
                    handler(await self._see(reading, record))
                done += len(records)
                self._progress(done, total)
        return touched.impact

    async def _see(self, reading: Reading, record: Record) -> Seen:
        try:
            return reading.see(record)
        except Missing as missing:
            await self._wire.fetch(int(missing.reference))
            return reading.see(record)


async def _of_model(registry: RegistryClient, model: str, impact: Impact) -> ModelImpact:
    """Who has learned from what was touched: whoever has folded the log past the first touched record."""
    if impact.first is None:
        return ModelImpact(model, impact, [], [])
    versions = [each for each in await registry.versions(model) if each.newest.position > impact.first]
    return ModelImpact(model, impact, versions, [each for each in await checkpoints(registry, model) if each.position > impact.first])
