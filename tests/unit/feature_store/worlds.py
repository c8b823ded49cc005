"""A small world for the fold of a view: a specification, its records, and a log to stand them on."""

import asyncio
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

from penstock.fold.protocol import LogRecord, Output
from penstock.records import Wire, Writer, platform_schema
from penstock.records.schemas import MemorySchemaRegistry
from penstock.spec import Spec, load
from penstock.spec.avro import stream_schema
from penstock_feature_store.fold import ViewFold
from penstock_feature_store.plan import Plan, make_plan
from penstock_feature_store.value import OnlineValue

STREAMS_AND_VIEW = """
streams:
  rides:
    key: city
    id: ride
    time: at
    generation: 3
    fields: {ride: string, city: string, driver: {type: string, nullable: true}, miles: long, at: timestamp}
  rain:
    key: city
    time: at
    fields: {city: string, at: timestamp, depth: {type: double, nullable: true}}
  ends:
    key: city
    time: at
    fields: {ride: string, city: string, driver: {type: string, nullable: true}, at: timestamp, delay: {type: double, nullable: true}}
views:
  rides-basic:
    from: rides
    select: [miles, city]
    compute:
      hour: {calendar: hour, of: at, zone: Europe/Berlin}
      rain: {last: rain.depth, max_age: 100ms, default: 1}
      late: {share: "ends.delay > 5", window: 100ms}
      driver_delay: {mean: ends.delay, by: driver, window: 50ms, default: 0}
      ends_now: {count: ends, window: 100ms}
      worst: {max: ends.delay, window: 100ms}
models:
"""
MODEL = """
  {name}:
    task: binary_classification
    view: rides-basic
    label: {{from: ends, id: ride, positive: "delay > 5", horizon: 1h}}
    learners: {{sgd: {{linear_model.LogisticRegression: {{optimizer: {{optim.SGD: 0.02}}}}}}}}
    champion: sgd
"""
ONE_MODEL = STREAMS_AND_VIEW + MODEL.format(name="late-b")
SPEC = STREAMS_AND_VIEW + MODEL.format(name="late-a") + MODEL.format(name="late-b")
VIEW = "rides-basic"


class World:
    """The wire, the plan and the writers of one specification; offsets count per topic."""

    def __init__(self, spec: Spec, wire: Wire, plan: Plan, writers: dict[str, Writer], write_tick: Writer) -> None:
        self.spec, self.wire, self.plan, self.writers, self.write_tick = spec, wire, plan, writers, write_tick
        self.offsets: dict[str, int] = {}

    def fold(self) -> ViewFold:
        return ViewFold(self.plan, self.wire)

    def event(self, stream: str, time_ms: int, *, partition: int = 0, origin_partition: int = 0, **fields: Any) -> LogRecord:
        """A record on validated.<stream>; its origin is its own offset on events.<stream>."""
        declared = self.spec.streams[stream]
        given = dict.fromkeys(declared.fields) | fields
        if declared.time:
            given[declared.time] = time_ms
        offset = self._offset(stream)
        origin = {"topic": f"events.{stream}", "generation": 0, "partition": origin_partition, "offset": offset, "index": 0}
        envelope = {"event_time_ms": time_ms, "_origin": origin, "event_id": str(fields.get(declared.id or "", offset))}
        value = self.writers[stream](envelope | given)
        return LogRecord(f"validated.{stream}", partition, offset, 0, str(fields[declared.key]).encode(), value)

    def tick(self, stream: str, time_ms: int, *, partition: int = 0, idle: bool = False, caused: bool = False) -> LogRecord:
        """A tick on validated.<stream> for the clock of one of its input partitions; `caused`: it has an origin."""
        offset = self._offset(stream)
        origin = {"topic": f"events.{stream}", "generation": 0, "partition": partition, "offset": offset, "index": 0} if caused else None
        tick = {"event_time_ms": time_ms, "origin": origin, "source": f"events.{stream}", "partition": partition, "idle": idle}
        return LogRecord(f"validated.{stream}", 0, offset, 0, None, self.write_tick(tick))

    def read(self, outputs: Iterable[object]) -> list[tuple[str, str, dict[str, Any]]]:
        """Topic, record name and value of every output that goes to Kafka."""
        return [(each.topic, *self.wire.read(each.value)) for each in outputs if isinstance(each, Output)]

    def online(self, outputs: Iterable[object]) -> list[OnlineValue]:
        return [each for each in outputs if isinstance(each, OnlineValue)]

    def _offset(self, stream: str) -> int:
        self.offsets[stream] = self.offsets.get(stream, -1) + 1
        return self.offsets[stream]


async def world_of(text: str = SPEC, wire: Wire | None = None) -> World:
    """The world of a specification; a wire may outlive its world."""
    wire, spec = wire or Wire(MemorySchemaRegistry()), load(text)
    plan = await make_plan(VIEW, spec, wire, lambda family, name: f"{family}.{name}")
    writers = {name: await wire.writer(f"validated.{name}", stream_schema(stream)) for name, stream in spec.streams.items()}
    return World(spec, wire, plan, writers, await wire.writer("validated.rides", platform_schema("Tick")))


def made(text: str = SPEC) -> World:
    """`world_of` for tests without a loop."""
    return asyncio.run(world_of(text))


CITIES = st.sampled_from(["Ulm", "Köln"])
DRIVERS = st.sampled_from([None, "ann", "bob"])
DELAYS = st.one_of(st.none(), st.floats(-10, 100))


@st.composite
def logs(draw: st.DrawFn, world: World) -> list[LogRecord]:
    """Records of all streams, roughly in order of event time, with ticks among them."""
    now, records = 1_000, []
    for number in range(draw(st.integers(1, 40))):
        now += draw(st.integers(0, 40))
        time_ms, city = now - draw(st.sampled_from([0, 0, 30])), draw(CITIES)
        match draw(st.sampled_from(["rides", "rides", "rain", "ends", "ends", "tick"])):
            case "rides":
                records.append(
                    world.event("rides", time_ms, ride=str(number), city=city, driver=draw(DRIVERS), miles=draw(st.integers(0, 9)))
                )
            case "rain":
                records.append(world.event("rain", time_ms, city=city, depth=draw(DELAYS)))
            case "ends":
                records.append(world.event("ends", time_ms, ride=str(number), city=city, driver=draw(DRIVERS), delay=draw(DELAYS)))
            case _:
                records.append(world.tick(draw(st.sampled_from(["rides", "ends"])), time_ms, idle=draw(st.booleans())))
    return records
