"""The ingestion fold: each record of events.<stream> becomes one event on validated.<stream>, a duplicate, a tick, or poison."""

from collections import Counter
from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec

from penstock.contract.contract import compile_contract, identifier
from penstock.contract.rules import Violation
from penstock.deadletters.letters import Place
from penstock.fold.origin import origin_of
from penstock.fold.poison import check_sizes
from penstock.fold.protocol import Header, Output, Poison, Record, Snapshot
from penstock.fold.pulse import Beat
from penstock.fold.watermark import BEGINNING_MS
from penstock.framing.decoder import Decoder
from penstock.framing.events import Event, SentTick, unframe
from penstock.kafka.partition import partition_of
from penstock.parking import CODE as QUARANTINED, Parking
from penstock.records import Origin, Writer
from penstock.records.wire import RECORD_BYTES_MAX
from penstock.spec import Stream
from penstock.spec.avro import EVENT_ID, EVENT_TIME_MS, ORIGIN
from penstock_ingestion.arrivals import Arrivals
from penstock_ingestion.clock import Clock
from penstock_ingestion.duplicates import RecentIds, payload_digest
from penstock_ingestion.replays import Replays, first_place
from penstock_ingestion.unique import UniqueValues


class Target(NamedTuple):
    """Where a fold writes: validated.<stream>, and the encoders of its two record types."""

    topic: str
    encode_event: Writer
    encode_tick: Writer


class IngestionFold:
    """A fold of one partition of events.<stream>.

    Every record is counted as *sent* once and ends as exactly one of *validated*, *duplicates* or *rejected* (poison; the runner counts
    it). Ticks and commands are counted apart. A record that is rejected changes nothing else. A dead letter that is sent again is taken
    once.
    """

    def __init__(self, stream: Stream, partition: int, decoder: Decoder, target: Target, source: str) -> None:
        self.counts: Counter[str] = Counter()
        self._stream = stream
        self._partition = partition
        self._decoder = decoder
        self._target = target
        self._source = source
        self._known = stream.fields.keys()
        self._defaults = stream.defaults
        self._validate = compile_contract(stream)
        self._clock = Clock(stream.max_jump_ms, stream.late_ms_max)
        self._recent = RecentIds(stream.dedup_window_ms)
        self._replays = Replays()
        self._unique = UniqueValues(stream.fields.values())
        self.arrivals = Arrivals()
        self.parked: set[str] = set()

    @property
    def event_time_ms(self) -> int | None:
        """The highest event time of the partition; None before the first record."""
        return self._clock.highest_ms

    def step(self, record: Record) -> Iterable[Output]:
        """What a record causes. Raises: Missing (a schema to be fetched; nothing has changed), Poison."""
        try:
            match unframe(record, self._decoder):
                case Event() as event:
                    return self._event(record, event)
                case SentTick(time_ms):
                    return self._tick(record, time_ms)
                case Parking() as parking:
                    return self._park(parking)
        except Poison as poison:
            self.counts["sent"] += 1
            if isinstance(poison, Violation):
                self.counts[f"refused.{poison.field}.{poison.code}"] += 1
            raise

    def _event(self, record: Record, event: Event) -> Iterable[Output]:
        if event.source in self.parked:
            raise Poison(QUARANTINED, "its source is parked. Try: penstock release, then replay the dead letters")
        replayed = first_place(record)
        if replayed is not None and self._replays.knows(replayed.offset):
            return self._again(is_echo=False)
        fields, notes = self._validate(event.fields)
        entity = identifier("no_key", self._stream.key, fields[self._stream.key])
        event_id = self._event_id(event, fields)
        time_ms, appended = self._event_time(record, event, fields)
        digest = payload_digest(fields, self._defaults) if event_id else b""
        first = self._recent.first(event_id, digest) if event_id else None
        if first is not None:
            return self._again(is_echo=first == record.offset)
        self._clock.check(time_ms, record.timestamp, appended)
        if self._unique:
            notes += self._unique.check(fields)
        name = event_id or str(replayed or Place(record.topic, record.partition, record.offset))
        output = self._output(record, time_ms, name, entity.encode(), fields, event.trace)
        self._count_validated(record, event, notes, self._clock.behind_ms(time_ms) > 0)
        clock_ms = self._clock.advance(time_ms, appended)
        self._recent.forget(clock_ms)
        if event_id:
            self._recent.remember(event_id, digest, record.offset, clock_ms)
        if replayed is not None:
            self._replays.remember(replayed.offset, record.timestamp)
        if self._unique:
            self._unique.remember(fields, record.offset, clock_ms)
        return (output,)

    def _event_id(self, event: Event, fields: dict[str, Any]) -> str | None:
        if self._stream.id is not None:
            return identifier("no_id", self._stream.id, fields[self._stream.id])
        return identifier("no_id", "ce_id", event.id) if event.id else None

    def _event_time(self, record: Record, event: Event, fields: dict[str, Any]) -> tuple[int, bool]:
        if self._stream.time is not None:
            return fields[self._stream.time], False
        if event.time_ms is not None:
            return event.time_ms, False
        return record.timestamp, True

    def _output(self, record: Record, time_ms: int, event_id: str, key: bytes, fields: dict[str, Any], trace: tuple[Header, ...]) -> Output:
        fields[EVENT_TIME_MS] = time_ms
        fields[ORIGIN] = origin_of(record, self._stream.generation)
        fields[EVENT_ID] = event_id
        value = self._target.encode_event(fields)
        output = Output(self._target.topic, partition_of(key, self._stream.partitions), key, value, trace)
        check_sizes((output,), RECORD_BYTES_MAX)  # the runner would too, but after the event was counted
        return output

    def _again(self, *, is_echo: bool) -> Iterable[Output]:
        """An event whose id is known. The very record is an echo, no second event: it was counted when it came."""
        for name in ("echoes",) if is_echo else ("sent", "duplicates"):
            self.counts[name] += 1
        return ()

    def _count_validated(self, record: Record, event: Event, notes: tuple[str, ...], is_late: bool) -> None:
        counts = self.counts
        counts["sent"] += 1
        counts["validated"] += 1
        self.arrivals.note(record.timestamp)
        if is_late:
            counts["late"] += 1
        for note in notes:
            counts[note] += 1
        if not event.fields.keys() <= self._known:
            counts["extra_fields"] += len(event.fields.keys() - self._known)

    def _park(self, parking: Parking) -> Iterable[Output]:
        """A command twice is a command once."""
        (self.parked.add if parking.parked else self.parked.discard)(parking.source)
        self.counts["commands"] += 1
        return ()

    def _tick(self, record: Record, time_ms: int) -> Iterable[Output]:
        self._clock.check_tick(time_ms, record.timestamp)
        self._recent.forget(self._clock.advance_tick(time_ms))
        self.counts["ticks"] += 1
        generation, partitions = self._stream.generation, range(self._stream.partitions)
        return [self._tick_to(partition, time_ms, origin_of(record, generation, index=partition)) for partition in partitions]

    def pulse(self, topic: str, beat: Beat) -> Iterable[Output]:
        """Ticks that say how far this partition has come, and whether that is its end; an empty one stands at BEGINNING_MS.

        Where a stream has one partition, only its end is told, and once: there is nobody who waits for it.
        """
        if self._stream.partitions == 1 and beat is not Beat.IDLE:
            return ()
        time_ms = BEGINNING_MS if self.event_time_ms is None else self.event_time_ms
        return [self._tick_to(partition, time_ms, None, idle=beat is not Beat.MOVING) for partition in range(self._stream.partitions)]

    def _tick_to(self, partition: int, time_ms: int, origin: Origin | None, *, idle: bool = False) -> Output:
        tick = {
            "event_time_ms": time_ms,
            "origin": origin,
            "source": self._source,
            "partition": self._partition,
            "idle": idle,
        }
        return Output(self._target.topic, partition, None, self._target.encode_tick(tick))

    def snapshot(self) -> Snapshot:
        """The whole state: counts, clock, and the ids and values remembered."""
        recent, segments = self._recent.capture()
        unique, more = self._unique.capture()
        replays, most = self._replays.capture()
        newer = {"arrivals": self.arrivals.dump(), "parked": sorted(self.parked), "unique": unique, "replays": replays}
        state = [sorted(self.counts.items()), self._clock.dump(), recent, newer]
        return Snapshot(msgspec.msgpack.encode(state), (*segments, *more, *most))

    def restore(self, snapshot: Snapshot) -> None:
        """Take back what `snapshot` gave, this version or an older one."""
        counts, clock, recent, *rest = msgspec.msgpack.decode(snapshot.state)
        self.counts = Counter(dict(counts))
        self._clock.load(clock)
        self._recent.restore(recent, snapshot.segments)
        for newer in rest:
            self.arrivals.load(newer["arrivals"])
            self.parked = set(newer["parked"])
            self._unique.restore(newer["unique"], snapshot.segments)
            self._replays.restore(newer["replays"], snapshot.segments)
