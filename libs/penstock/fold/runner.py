"""The runner: drives the folds of one unit on Kafka, and keeps them going through weather."""

import asyncio
import time
from collections.abc import Callable, Mapping
from random import Random

import structlog
from structlog.typing import FilteringBoundLogger

from penstock.crashpoint import CrashPoints
from penstock.fold.assignment import Handover, NotCoPartitioned
from penstock.fold.limits import Limits
from penstock.fold.poison import DeadLetters
from penstock.fold.protocol import Fold
from penstock.fold.session import Session
from penstock.fold.setup import Deliver, Metrics, NoMetrics, Resolve, Setup, Unit
from penstock.fold.snapshots import SnapshotStore
from penstock.fold.weather import Backoff, SendFailed, Weather
from penstock.kafka.ports import Consumer, Kafka, TopicPartition

__all__ = ["Runner", "Unit"]


class Runner:
    """Drives a unit's folds: law III to V, around folds that keep law I and readers that keep law II.

    Three lives, one inside the other: the runner's; a consumer's, which weather ends; a session's (one producer and the folds whose
    outputs it sends), which a failed send ends. Every new session restores its folds from snapshots and reads on from there.
    """

    def __init__(  # noqa: PLR0913  # a composition root hands in the whole world
        self,
        unit: Unit,
        *,
        kafka: Kafka,
        snapshots: SnapshotStore,
        deliver: Deliver,
        resolve: Resolve,
        dlq_topic: Callable[[str], str],
        instance: str,
        service: str,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
        random: Random | None = None,
        metrics: Metrics | None = None,
        log: FilteringBoundLogger | None = None,
        crash_points: CrashPoints | None = None,
    ) -> None:
        self._setup = Setup(
            unit=unit,
            kafka=kafka,
            snapshots=snapshots,
            deliver=deliver,
            resolve=resolve,
            dlq_topic=dlq_topic,
            clock=clock,
            wall_ms=wall_ms,
            random=random or Random(),  # noqa: S311  # jitter, not secrets
            limits=limits or Limits(),
            instance=instance,
            service=service,
            metrics=metrics or NoMetrics(),
            log=log or structlog.get_logger(),
            crash_points=crash_points or CrashPoints(),
        )
        self._backoff = Backoff(self._setup.limits.backoff_first_s, self._setup.limits.backoff_last_s, self._setup.random)
        self._stop = asyncio.Event()
        self._turned = asyncio.Event()
        self._consumer: Consumer | None = None
        self._session: Session | None = None

    async def run(self) -> None:
        """Run until cancelled; then finish the round, store a last snapshot and leave, within `stop_s`.

        Raises: LogReplaced, NotCoPartitioned, Unfit; whatever a fold raises that is neither Missing nor Poison: a bug ends the process.
        """
        work = asyncio.create_task(self._work(), name=f"runner {self._setup.unit.name}")
        try:
            await asyncio.shield(work)
        except asyncio.CancelledError:
            self._stop.set()
            try:
                async with asyncio.timeout(self._setup.limits.stop_s):
                    await work
            except TimeoutError:  # nothing is lost: the next start restores an older snapshot
                self._setup.log.warning("unclean_stop", fold=self._setup.unit.name, after_s=self._setup.limits.stop_s)
            raise

    @property
    def folds(self) -> Mapping[int, Fold]:
        """The folds that are live here, by partition: to be read between two awaits, never to be changed."""
        return {partition: lane.fold for partition, lane in self._session.lanes.items()} if self._session else {}

    @property
    def positions(self) -> Mapping[TopicPartition, int]:
        """The next offset to fold of every input that is live here."""
        lanes = self._session.lanes.values() if self._session else ()
        return {input: offset for lane in lanes for input, offset in lane.positions().items()}

    @property
    def lag(self) -> Mapping[TopicPartition, int]:
        """Records between what is folded and the end of the log as last seen."""
        ends = {input: self._consumer.highwater(input) if self._consumer else None for input in self.positions}
        return {input: max(0, end - self.positions[input]) for input, end in ends.items() if end is not None}

    async def settled(self) -> None:
        """Wait until all that is known to be in the inputs is folded and acknowledged."""
        while not (self._session and self._session.quiet):
            await self._turned.wait()

    async def turned(self) -> None:
        """Wait for the end of a round: the folds are restored, and what was there has been read."""
        await self._turned.wait()

    async def _work(self) -> None:
        while not self._stop.is_set():
            started_s = self._setup.clock()
            try:
                await self._consume()
            except Weather as error:
                await self._wait(error, started_s)

    async def _consume(self) -> None:
        """The life of one consumer."""
        letters = await self._dead_letters()
        unit = self._setup.unit
        handover = Handover()
        self._consumer = self._setup.kafka.consumer(
            group=unit.consumer_group, instance=f"{unit.name}-{self._setup.instance}", topics=unit.topics
        )
        try:
            await self._consumer.start(handover.assigned)
            while not self._stop.is_set():
                started_s = self._setup.clock()
                try:
                    await self._produce(self._consumer, handover, letters)
                except SendFailed as error:  # the membership may stay; the folds and the producer may not
                    await self._wait(error, started_s)
        finally:
            await self._consumer.stop()
            self._consumer = None

    async def _produce(self, consumer: Consumer, handover: Handover, letters: DeadLetters) -> None:
        """The life of one producer."""
        producer = await self._setup.kafka.producer()
        self._session = Session(self._setup, consumer, producer, handover, letters, self._stop)
        try:
            await self._session.run(self._has_turned)
        finally:
            session, self._session = self._session, None
            await session.close()
            await producer.stop()

    async def _wait(self, error: Weather, started_s: float) -> None:
        setup = self._setup
        setup.metrics.count("restarts", fold=setup.unit.name, kind=type(error).__name__)
        setup.log.warning("restart", fold=setup.unit.name, error=f"{type(error).__name__}: {error}")
        if setup.clock() - started_s > setup.limits.healthy_after_s:
            self._backoff.reset()
        await self._backoff.wait(self._stop)

    async def _dead_letters(self) -> DeadLetters:
        """Where poison goes; the topics are made if they are not there. Raises: NotCoPartitioned; Weather while an input is not there."""
        setup, topics = self._setup, self._setup.unit.topics
        counts = {topic: await setup.kafka.partitions(topic) for topic in topics}
        for topic, count in counts.items():
            if not count:
                raise Weather(f"topic {topic} does not exist yet; `penstock apply` makes it")
        if len(set(counts.values())) > 1:
            raise NotCoPartitioned(setup.unit.name, counts)
        dlq = {topic: setup.dlq_topic(topic) for topic in topics}
        ready = {topic: (dlq[topic], await setup.kafka.ensure(dlq[topic], kind="dlq", partitions=1)) for topic in topics}
        return DeadLetters(ready, setup.unit.consumer_group, setup.service, setup.wall_ms)

    def _has_turned(self) -> None:
        self._turned.set()
        self._turned = asyncio.Event()
