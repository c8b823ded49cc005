"""One runner per stream of the catalogue: what the fleet runs."""

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from penstock.fleet import Plan
from penstock.fold.protocol import Effect, Missing
from penstock.fold.runner import Runner, Unit
from penstock.fold.snapshots import SnapshotStore
from penstock.fold.weather import Weather
from penstock.kafka.ports import Kafka
from penstock.process import Process
from penstock.records import Wire, platform_schema
from penstock.records.schemas import SchemaRegistryError
from penstock.spec import Stream
from penstock.spec.avro import stream_schema
from penstock_ingestion.fold import IngestionFold, Target
from penstock_ingestion.framing import Decoder
from penstock_ingestion.patience import patiently

Streams = Callable[[], Mapping[str, tuple[int, Stream]]]


@dataclass(frozen=True, slots=True)
class Units:
    """Makes the runner of each stream; a new version of a stream gets a new runner, which restores the snapshots of the old one."""

    process: Process
    kafka: Kafka
    snapshots: SnapshotStore
    wire: Wire
    decoder: Decoder
    streams: Streams

    def plans(self) -> Iterable[Plan]:
        """What should run now."""
        return [Plan(f"ingestion/{name}", version, partial(self._runner, stream)) for name, (version, stream) in self.streams().items()]

    async def _runner(self, stream: Stream) -> Runner:
        source = self.process.topic("events", stream.name)
        target = await patiently(self.process, "schema registry", partial(self._target, stream))
        unit = Unit(
            name=f"ingestion/{stream.name}",
            topics=(source,),
            make_fold=lambda partition: IngestionFold(stream, partition, self.decoder, target, source),
            generation=stream.generation,
            group=self.process.topic("penstock", f"ingestion/{stream.name}"),  # two installations may share a Kafka
        )
        return Runner(
            unit,
            kafka=self.kafka,
            snapshots=self.snapshots,
            deliver=_no_effects,
            resolve=self.resolve,
            dlq_topic=self._dlq_topic,
            instance=self.process.settings.instance,
            service=self.process.card.name,
            log=self.process.log,
        )

    async def _target(self, stream: Stream) -> Target:
        topic = self.process.topic("validated", stream.name)
        with _weather():
            encode_event = await self.wire.writer(topic, stream_schema(stream))
            return Target(topic, encode_event, await self.wire.writer(topic, platform_schema("Tick")))

    async def resolve(self, missing: Missing) -> None:
        """Bring a producer's schema. Raises: Weather while the schema registry does not answer."""
        assert missing.kind == "schema"
        with _weather():
            await self.decoder.fetch(int(missing.reference))

    def _dlq_topic(self, topic: str) -> str:
        return self.process.topic("dlq", topic.removeprefix(self.process.settings.topic_prefix))


@contextlib.contextmanager
def _weather() -> Iterator[None]:
    """A schema registry that refuses or fails is waited for: the other streams, which run already, must not end with it."""
    try:
        yield
    except SchemaRegistryError as error:
        raise Weather(str(error)) from error


async def _no_effects(effects: Sequence[Effect]) -> None:
    assert not effects
