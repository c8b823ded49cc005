"""The fold of one view: events in event-time order become feature vectors and labels; how many depends on the event alone."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from msgspec import msgpack

from penstock.fold.origin import Origins, origin_of
from penstock.fold.protocol import Effect, Output, Poison, Record, Snapshot
from penstock.fold.segments import SegmentedMap
from penstock.fold.watermark import Watermark
from penstock.kafka.partition import partition_of
from penstock.records import FeatureVector, Label, Origin, Tick, Wire
from penstock.spec.avro import EVENT_ID, EVENT_TIME_MS, ORIGIN
from penstock_feature_store.features import ViewFeatures
from penstock_feature_store.plan import Plan, Target
from penstock_feature_store.value import OnlineValue

LEARNING_PARTITION = 0
TICK = "Tick"


class ViewFold:
    """Folds one partition number of the streams of a view.

    A record of the source asks for features; one of a joined stream changes what is answered; one of a label stream answers a model's
    question. A record can be all three: it asks first, then it is remembered, then it answers. So a feature of the source's own stream
    holds what came before the event, never the event that asks (its own values would leak into what is to be predicted).
    """

    def __init__(self, plan: Plan, wire: Wire) -> None:
        source = plan.spec.streams[plan.spec.views[plan.view].source]
        self.counts: Counter[str] = Counter()
        self._plan, self._wire = plan, wire
        self._source, self._key, self._partitions = source.name, source.key, source.partitions
        self._features = ViewFeatures(plan.view, plan.spec)
        self._answered = {name: [target for target in plan.targets if target.label_stream == name] for name in plan.streams.values()}
        self._generations = {topic: plan.spec.streams[stream].generation for topic, stream in plan.streams.items()}
        self._defaults = {stream: plan.spec.streams[stream].defaults for stream in plan.streams.values()}
        self._origins = Origins()
        self._clocks = {stream: Watermark(plan.spec.streams[stream].partitions) for stream in plan.streams.values()}
        self._clock = self._clocks[source.name]
        self._rests = False
        self._bulk = SegmentedMap("tables")

    def step(self, record: Record) -> Iterable[Output | Effect]:
        """Fold one record. Raises: Missing, Poison."""
        self._rests = False
        name, value = self._wire.read(record.value)
        if name not in (TICK, self._plan.record_names[record.topic]):
            raise Poison("unexpected_record", f"{name} on {record.topic}")
        origin = value["origin" if name == TICK else ORIGIN]
        if origin is not None and not self._origins.accept(record.topic, record.partition, origin):
            self.counts["echoes"] += 1
            return ()
        stream = self._plan.streams[record.topic]
        return self._tick(record, stream, value) if name == TICK else self._event(record, stream, value)

    def _event(self, record: Record, stream: str, value: dict[str, Any]) -> list[Output | Effect]:
        self.counts[f"{stream}.read"] += 1
        defaults = self._defaults[stream]
        value = defaults | value if defaults else value  # as Avro resolves what an older schema wrote
        time_ms = value[EVENT_TIME_MS]
        self._clocks[stream].advance((stream, value[ORIGIN]["partition"]), time_ms)
        outputs = self._vectors(record, value) if stream == self._source else []
        self._features.update(stream, value, time_ms, self._clock.value, self.counts)
        for target in self._answered[stream]:
            outputs += self._label(record, value, target)
        return outputs

    def _vectors(self, record: Record, value: dict[str, Any]) -> list[Output | Effect]:
        time_ms, entity = value[EVENT_TIME_MS], str(value[self._key])
        assert partition_of(record.key or b"", self._partitions) == record.partition, "ingestion keys by murmur2"
        features = self._features.ask(value, time_ms, self._clock.value)
        vector: FeatureVector = {
            "event_time_ms": time_ms,
            "origin": self._origin(record),
            "event_id": value[EVENT_ID],
            "entity": entity,
            "watermark_ms": self._clock.value,
            "features": features,
        }
        self.counts["vectors"] += len(self._plan.targets)
        outputs: list[Output | Effect] = [
            Output(target.features_topic, record.partition, record.key, target.write_vector(vector)) for target in self._plan.targets
        ]
        outputs.append(OnlineValue(self._plan.view, entity, time_ms, features))
        return outputs

    def _label(self, record: Record, value: dict[str, Any], target: Target) -> list[Output]:
        found, id = target.label(value), value.get(target.label_id)
        if found is None or id is None:
            self.counts["label.null"] += 1
            return []
        label: Label = {"event_time_ms": value[EVENT_TIME_MS], "origin": self._origin(record), "event_id": str(id), "value": found}
        self.counts["labels"] += 1
        return [Output(target.learning_topic, LEARNING_PARTITION, record.key, target.write_label(label))]

    def _tick(self, record: Record, stream: str, value: dict[str, Any]) -> list[Output | Effect]:
        """Every tick of the source is sent on; its time is the watermark over the source's own origin partitions, as in a vector."""
        self.counts["ticks"] += 1
        clock, source = self._clocks[stream], (stream, value["partition"])
        clock.advance(source, value["event_time_ms"])
        if value["idle"]:
            clock.rest(source)
        self._rests = value["idle"] and clock.idle
        if stream != self._source:
            return []
        tick: Tick = {
            "event_time_ms": clock.value,
            "origin": self._origin(record),
            "source": record.topic,
            "partition": record.partition,
            "idle": self._rests,
        }
        return [Output(target.features_topic, record.partition, None, target.write_tick(tick)) for target in self._plan.targets]

    def resting(self, _: Record) -> bool:
        """True when the record just folded said that all partitions that feed its topic are idle: the others need not wait for it."""
        return self._rests

    def _origin(self, record: Record) -> Origin:
        # The index counts within an output topic, where there is one output at most: another model beside this one changes no origin.
        return origin_of(record, self._generations[record.topic])

    def snapshot(self) -> Snapshot:
        """Clock, origins and counts; what the features remember is bulk: only what changed is written anew."""
        for name, table in self._features.tables.items():
            for key, data in table.changes():
                if data is None:
                    self._bulk.pop(f"{name}\0{key}")
                else:
                    self._bulk.put(f"{name}\0{key}", data)
        manifest, segments = self._bulk.capture()
        definitions = {name: table.definition for name, table in sorted(self._features.tables.items())}
        counts = dict(sorted(self.counts.items()))
        clocks = {stream: clock.dump() for stream, clock in self._clocks.items()}
        state = [self._origins.dump(), clocks, counts, definitions, manifest]
        return Snapshot(msgpack.encode(state), segments)

    def restore(self, snapshot: Snapshot) -> None:
        """Take a snapshot back; features that are new, or mean something else now, start empty."""
        origins, clocks, counts, definitions, manifest = msgpack.decode(snapshot.state)
        self._origins.load(origins)
        for stream in self._clocks.keys() & clocks.keys():
            self._clocks[stream].load(clocks[stream])
        self.counts = Counter(counts)
        self._bulk.restore(manifest, snapshot.segments)
        kept = {name for name, table in self._features.tables.items() if definitions.get(name) == table.definition}
        states: dict[str, list[tuple[str, bytes]]] = {name: [] for name in self._features.tables}
        for path in self._bulk:
            name, _, key = path.partition("\0")
            data = self._bulk.get(path) if name in kept else self._bulk.pop(path)
            if name in kept and data is not None:
                states[name].append((key, data))
        for name, table in self._features.tables.items():
            table.load(states[name])
