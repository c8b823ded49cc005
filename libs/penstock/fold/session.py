"""The loop that drives folds on Kafka, for the life of one producer: fetch, merge, step, send, snapshot."""

import asyncio
import math
from collections.abc import Callable, Mapping

from penstock.fold.assignment import Assignment, Handover
from penstock.fold.drive import step
from penstock.fold.lane import Lane
from penstock.fold.outbox import Outbox, Patience, Round
from penstock.fold.poison import DeadLetters, take
from penstock.fold.protocol import Missing, Output, Poison, Record, Refold, Unfit
from penstock.fold.setup import Setup
from penstock.fold.snapshots import Saved
from penstock.fold.watchdog import Watchdog
from penstock.fold.weather import Backoff, Stalled, Weather
from penstock.kafka.ports import Consumer, Producer, TopicPartition


class Session:
    """Folds, and what they have caused that is on its way. A send that fails ends the session; the next one restores.

    Only `run` touches the folds, and it is never cancelled between a step and the hand-over of its outputs: the runner asks it to stop.
    """

    def __init__(
        self, setup: Setup, consumer: Consumer, producer: Producer, handover: Handover, letters: DeadLetters, stop: asyncio.Event
    ) -> None:
        self._setup = setup
        self._limits = setup.limits
        self._crash_points = setup.crash_points
        self._consumer = consumer
        self._letters = letters
        self._stop = stop
        self._assignment = Assignment(setup, consumer, handover)
        self._patience = Patience(Backoff(setup.limits.backoff_first_s, setup.limits.backoff_last_s, setup.random), stop, setup.log)
        self._outbox = Outbox(producer, self._patience, setup.deliver, setup.crash_points)
        self._watchdog = Watchdog(setup.kafka, consumer, setup.limits)
        self._storing: asyncio.Task[None] | None = None

    @property
    def lanes(self) -> Mapping[int, Lane]:
        """The live folds, by partition."""
        return self._assignment.lanes

    @property
    def quiet(self) -> bool:
        """Whether all that is known to be in the inputs is folded and acknowledged."""
        lanes = self.lanes.values()
        return bool(lanes) and not self._assignment.stale and self._outbox.empty and all(self._at_end(lane) for lane in lanes)

    async def run(self, turned: Callable[[], None]) -> None:
        """Go on until asked to stop, then store what there is; `turned` is called after every turn.

        Raises: SendFailed, Weather; LogReplaced; Unfit; whatever a fold raises that is neither Missing nor Poison.
        """
        while not self._stop.is_set():
            if self._assignment.stale:
                await self._outbox.settled()
                await self._assignment.follow()
            await self._fetch()
            caused = await self._fold()
            await self._outbox.settled()  # the barrier: round k is acknowledged before round k + 1 is sent
            self._crash_points.reach("round.folded")
            self._outbox.send(caused)
            await self._snapshot_one()
            await self._watchdog.check(self._reading(), self._setup.clock())
            turned()
            await asyncio.sleep(0)  # a busy consumer answers without ever waiting: let the heartbeat through
        await self._finish()

    async def close(self) -> None:
        """Give up everything that is on its way."""
        await self._outbox.close()
        if self._storing is not None:
            self._storing.cancel()
            await asyncio.wait([self._storing])
            if not self._storing.cancelled():
                self._storing.exception()

    async def _fetch(self) -> None:
        try:
            async with asyncio.timeout(self._limits.poll_hang_s):
                batches = await self._consumer.getmany(records_max=self._limits.round_records_max, timeout_ms=self._poll_ms())
        except TimeoutError as error:
            raise Stalled(f"{self._setup.unit.name}: a poll has not come back for {self._limits.poll_hang_s:.0f} s") from error
        now_s = self._setup.clock()
        for partition, records in batches.items():
            lane = self.lanes.get(partition.partition)
            if lane is None or self._assignment.stale:
                self._setup.metrics.count("refused", len(records), fold=self._setup.unit.name)
                continue
            lane.add(partition.topic, records, now_s)
        for lane in self.lanes.values():
            self._look_at_inputs(lane, now_s)

    def _poll_ms(self) -> int:
        """Do not wait while there is something to fold, and no longer than until a record has waited for its neighbours."""
        now_s = self._setup.clock()
        due = [due_s for lane in self.lanes.values() if (due_s := lane.merge.next_s()) is not None]
        if not due:
            return self._limits.poll_ms
        return max(0, min(self._limits.poll_ms, math.ceil((min(due) - now_s) * 1000)))

    def _look_at_inputs(self, lane: Lane, now_s: float) -> None:
        """Tell the merge what is read to its end; pause an input whose records wait in too great a number."""
        for input in lane.inputs():
            lane.merge.note_end(input.topic, self._input_at_end(input), now_s)
            buffered = lane.merge.buffered(input.topic)
            if input.topic in lane.paused:
                if buffered <= self._limits.buffer_records_max // 2:
                    lane.paused.discard(input.topic)
                    self._consumer.resume(input)
            elif buffered >= self._limits.buffer_records_max:
                lane.paused.add(input.topic)
                self._consumer.pause(input)

    async def _fold(self) -> Round:
        """One round: at most so many records, fairly from all lanes, with a breath for the event loop every few ms."""
        caused = Round()
        clock, limit_bytes, refuse = self._setup.clock, self._limits.output_bytes_max, self._refuse
        started_s = breath_s = clock()
        share = -(-self._limits.round_records_max // max(1, len(self.lanes)))
        for lane in self.lanes.values():
            folded = 0
            while folded < share and (record := lane.merge.peek(started_s)) is not None:
                try:
                    try:
                        caused.add(take(lane.fold, record, limit_bytes, refuse))
                    except Missing:
                        caused.add(await step(lane.fold, record, self._resolve, self._limits, refuse))
                except Refold as refold:  # what is folded from here on is another epoch; nothing else of it is sent before the record
                    caused.add(refold.caused)
                    lane = await self._assignment.refold(lane.partition, refold)  # noqa: PLW2901
                    break
                except Unfit as unfit:
                    lane = await self._assignment.rebuild(lane.partition, record.offset, unfit)  # noqa: PLW2901
                    break
                now_s = clock()
                lane.folded(record, now_s)
                folded += 1
                if now_s - breath_s > self._limits.step_s:
                    await asyncio.sleep(0)
                    breath_s = clock()
            for input in lane.inputs():
                caused.add(lane.pulse(input.topic, self._input_at_end(input), clock()))
        return caused

    async def _resolve(self, missing: Missing) -> None:
        await self._patience.until_done(f"{missing}", lambda: self._setup.resolve(missing))

    def _refuse(self, record: Record, poison: Poison) -> list[Output]:
        if not self.lanes[record.partition].tells(record):  # its letter has been sent
            return []
        self._setup.metrics.count("rejected", fold=self._setup.unit.name, topic=record.topic, code=poison.code)
        return [self._letters.letter(record, poison)]

    async def _snapshot_one(self) -> None:
        """Capture the fold that has been due the longest; store it once all that it has caused is acknowledged."""
        if self._storing is not None:
            if not self._storing.done():
                return
            self._storing.result()
            self._storing = None
        started_s = self._setup.clock()
        due = [lane for lane in self.lanes.values() if lane.changed and lane.due_s <= started_s and not lane.refolding]
        if due:
            lane = min(due, key=lambda each: each.due_s)
            saved = lane.capture()
            captured_s = self._setup.clock() - started_s
            self._crash_points.reach("snapshot.captured")
            await self._outbox.settled()  # never ahead of the outputs
            self._crash_points.reach("snapshot.flushed")
            self._storing = asyncio.create_task(self._store(lane, saved, captured_s))

    async def _store(self, lane: Lane, saved: Saved, captured_s: float) -> None:
        """Store and tell; a database that is away costs a snapshot, not the folding."""
        name, metrics = self._setup.unit.name, self._setup.metrics
        started_s = self._setup.clock()
        try:
            await self._setup.snapshots.store(saved)
            self._crash_points.reach("snapshot.stored")
            metrics.count("snapshots", fold=name)
            stored = True
        except Weather as error:
            metrics.count("snapshots_failed", fold=name)
            self._setup.log.warning("snapshot_failed", fold=name, error=str(error))
            lane.changed, stored = True, False
        stored_s = self._setup.clock() - started_s
        metrics.gauge("capture_s", captured_s, fold=name)
        metrics.gauge("store_s", stored_s, fold=name)
        lane.due_s = self._setup.clock() + self._wait_s(captured_s + stored_s if stored else 0.0)
        await self._tell(lane, saved.next_offsets if stored else {})

    def _wait_s(self, cost_s: float) -> float:
        """How long until the next snapshot of a fold whose last one took so long; what the weather took is no cost."""
        limits = self._limits
        return max(limits.snapshot_every_s, min(limits.snapshot_cost_factor * cost_s, limits.snapshot_wait_max_s))

    async def _tell(self, lane: Lane, stored: Mapping[str, int]) -> None:
        """For lag tools and auditors: only what is stored is committed, so a commit above every snapshot says that one was lost."""
        for input, offset in lane.positions().items():
            highwater = self._consumer.highwater(input)
            if highwater is not None:
                labels = {"fold": self._setup.unit.name, "topic": input.topic, "partition": str(input.partition)}
                self._setup.metrics.gauge("lag", max(0, highwater - offset), **labels)
        try:
            await self._consumer.commit({TopicPartition(topic, lane.partition): offset for topic, offset in stored.items()})
        except Weather as error:  # informational: no fold reads it back
            self._setup.log.debug("commit_failed", error=str(error))

    async def _finish(self) -> None:
        """A clean stop: all acknowledged, every fold stored."""
        await self._outbox.settled()
        if self._storing is not None:
            await self._storing
            self._storing = None
        for lane in self.lanes.values():
            if lane.changed and not lane.refolding:
                await self._store(lane, lane.capture(), 0.0)

    def _input_at_end(self, input: TopicPartition) -> bool:
        highwater = self._consumer.highwater(input)
        return highwater is not None and self._consumer.position(input) >= highwater

    def _at_end(self, lane: Lane) -> bool:
        return all(self._input_at_end(input) and not lane.merge.buffered(input.topic) for input in lane.inputs())

    def _reading(self) -> list[TopicPartition]:
        return [input for lane in self.lanes.values() for input in lane.inputs() if input.topic not in lane.paused]
