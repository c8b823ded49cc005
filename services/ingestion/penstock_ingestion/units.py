"""One runner per stream of the catalogue: what the fleet runs."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial

from penstock.errors import PenstockError
from penstock.fleet import Plan
from penstock.fold.protocol import Missing
from penstock.fold.runner import Runner, Unit
from penstock.fold.setup import Resolve
from penstock.framing.decoder import Decoder
from penstock.patience import as_weather, patiently
from penstock.spec import Stream
from penstock.spec.avro import producer_schema, stream_schema
from penstock.world import World
from penstock_ingestion.fold import IngestionFold, Target
from penstock_ingestion.trial import Trial


def plans(world: World, decoder: Decoder) -> Iterator[Plan]:
    """A unit per stream; a new version of a stream restores the snapshots of the old one."""
    for name, (version, stream) in world.catalogue.streams.items():
        yield Plan(f"ingestion/{name}", version, partial(make_runner, world, decoder, stream))


async def make_runner(world: World, decoder: Decoder, stream: Stream) -> Runner:
    """The runner of a stream; waits for the schema registry, which numbers the schemas of what is written.

    Raises: PenstockError when the topics do not have the stream's partitions.
    """
    source = world.process.topic("events", stream.name)
    target = await patiently(world.process.log, partial(_target, world, stream))
    await _check_partitions(world, stream, (source, target.topic))
    decoder.know(source, producer_schema(stream))

    def make_fold(partition: int) -> IngestionFold:
        return IngestionFold(stream, partition, decoder, target, source)

    unit = Unit(f"ingestion/{stream.name}", (source,), make_fold, stream.generation)
    return world.runner(unit, resolve=partial(_resolve, decoder))


async def register_schema(world: World, stream: Stream) -> None:
    """Register the schema of a stream's producers: those that follow the registry's topic go over to a change when they see its schema.

    So this is done once the fold has gone over. If the schema registry refuses it, producers send JSON.
    """
    topic = world.process.topic("events", stream.name)
    try:
        await patiently(world.process.log, partial(world.wire.writer, topic, producer_schema(stream)))
    except PenstockError as error:
        world.process.log.error("schema_refused", topic=topic, reason=str(error), cure="penstock logs registry")


def make_trial(world: World, parked: Callable[[str], set[str]]) -> Trial:
    """What the gateway asks before a dead letter is sent again; `parked` gives the sources of a stream that are parked now."""

    async def make_fold(stream: Stream) -> tuple[IngestionFold, Resolve]:
        source, decoder = world.process.topic("events", stream.name), Decoder(world.wire)
        decoder.know(source, producer_schema(stream))
        with as_weather(f"the schemas of {stream.name} cannot be asked for"):
            fold = IngestionFold(stream, 0, decoder, await _target(world, stream), source)
        fold.parked = parked(stream.name)
        return fold, partial(_resolve, decoder)

    return Trial(make_fold)


async def _target(world: World, stream: Stream) -> Target:
    topic = world.process.topic("validated", stream.name)
    return Target(topic, await world.wire.writer(topic, stream_schema(stream)), await world.writer(topic, "Tick"))


async def _check_partitions(world: World, stream: Stream, topics: Sequence[str]) -> None:
    """Topics that do not fit together would scatter an entity, and with it the order of its events."""
    for topic in topics:
        count = await patiently(world.process.log, partial(world.kafka.partitions, topic))
        if count not in (0, stream.partitions):  # 0: not there yet, which the runner waits for
            raise PenstockError(
                f"topic {topic} has {count} partitions, its stream says {stream.partitions}. Try: partitions: {count} in the specification"
            )


async def _resolve(decoder: Decoder, missing: Missing) -> None:
    """Bring a producer's schema; the decoder remembers that there is none, so that the fold can count the record."""
    with as_weather(f"{missing} cannot be fetched"):
        await decoder.bring(missing)
