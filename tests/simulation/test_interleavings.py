"""The interleavings that break naive designs, each told by hand."""

import asyncio

from penstock.fold.protocol import Effect, Output, Record
from penstock.fold.runner import Unit
from penstock.fold.snapshots import MemorySnapshots
from penstock.kafka.memory import Fate, MemoryBroker, MemoryKafka, NoFaults
from penstock.kafka.ports import TopicPartition
from tests.folds import Summing, accepted, encode, gaps
from tests.simulation.shop import MODEL
from tests.simulation.stage import staged
from tests.simulation.virtual import run
from tests.waiting import until
from tests.worlds import World, runner, running


class Twofold(Summing):
    """Says every sum on two topics, from one origin."""

    def __init__(self, partition: int) -> None:
        super().__init__(partition, "left", fan_out=1)

    def step(self, record: Record) -> list[Output | Effect]:
        outputs = [output for output in super().step(record) if isinstance(output, Output)]
        return [each for output in outputs for each in (output, output._replace(topic="right"))]


TWOFOLD = Unit("twofold", ("numbers",), Twofold)
READER = Unit("reader", ("left", "right"), lambda partition: Summing(partition, "results"))


class Scripted(NoFaults):
    """The fates of the first batches; whether assignments come hastily."""

    def __init__(self, *fates: Fate, hasty: bool = False) -> None:
        self._fates = list(fates)
        self._hasty = hasty
        self.unasked = 0

    def fate(self) -> Fate:
        return self._fates.pop(0) if self._fates else Fate.FINE

    def hasty(self) -> bool:
        self.unasked += self._hasty
        return self._hasty


def broker_of(*topics: str, partitions: int = 1) -> MemoryBroker:
    broker = MemoryBroker()
    for topic in topics:
        broker.create(topic, partitions)
    return broker


def write_numbers(broker: MemoryBroker, count: int, partitions: int = 1) -> None:
    for number in range(count):
        broker.append(TopicPartition("numbers", number % partitions), None, encode(number=number))


def test_an_assignment_that_is_live_before_the_restore_brings_records_that_are_refused() -> None:
    async def live() -> None:
        broker, snapshots, world = broker_of("numbers", "left", "right", partitions=2), MemorySnapshots(), World()
        faults = Scripted(hasty=True)
        first = runner(TWOFOLD, MemoryKafka(broker, faults), snapshots, world, instance="a")
        second = runner(TWOFOLD, MemoryKafka(broker, faults), snapshots, world, instance="b")
        write_numbers(broker, 10, partitions=2)
        async with running(first):
            await until(lambda: broker.bounds(TopicPartition("left", 1)).end == 5)
            async with running(second):
                await until(lambda: len(first.folds) == len(second.folds) == 1)
                write_numbers(broker, 10, partitions=2)
                await until(lambda: broker.bounds(TopicPartition("left", 1)).end >= 10)
            await until(lambda: len(first.folds) == 2, timeout_s=60)  # the one that left has been missed
        assert faults.unasked
        assert world.counted["refused"] > 0
        for number in range(2):
            found = accepted(broker.records(TopicPartition("left", number)))
            assert len(found) == 10
            assert gaps(found, 1) == []

    run(live())


def test_two_topics_with_the_same_origin_do_not_shadow_one_another() -> None:
    async def live() -> None:
        broker, snapshots = broker_of("numbers", "left", "right", "results"), MemorySnapshots()
        writer = runner(TWOFOLD, MemoryKafka(broker, Scripted(Fate.FINE, Fate.UNACKNOWLEDGED)), snapshots)
        reader = runner(READER, MemoryKafka(broker), snapshots)
        write_numbers(broker, 30)
        async with running(writer, reader):
            await until(lambda: broker.bounds(TopicPartition("results", 0)).end == 60)
            await reader.settled()
            counts = reader.folds[0].counts
            assert (counts["folded"], counts["echoes"] > 0) == (60, True)

    run(live())


def test_a_batch_that_fails_while_a_later_one_succeeds_leaves_no_gap() -> None:
    async def live() -> None:
        broker, world = broker_of("numbers", "left", "right"), World()
        write_numbers(broker, 5)
        async with running(runner(TWOFOLD, MemoryKafka(broker, Scripted(Fate.FAILED, Fate.FINE)), MemorySnapshots(), world)):
            await until(lambda: broker.bounds(TopicPartition("left", 0)).end >= 5)
            write_numbers(broker, 5)
            await until(lambda: broker.bounds(TopicPartition("left", 0)).end >= 10)
        assert world.counted["restarts"] == 1
        right = broker.records(TopicPartition("right", 0))
        assert len(right) > 10, "the batch that succeeded stands there twice"
        for topic in ("left", "right"):
            found = accepted(broker.records(TopicPartition(topic, 0)))
            assert len(found) == 10
            assert gaps(found, 1) == []

    run(live())


def test_labels_that_overtake_their_predictions_while_the_deployer_is_down_wait_for_them() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            stage.down("deployer")
            for number in range(12):
                stage.order(f"o{number}", minutes=number)
                stage.paid(f"o{number}", minutes=number + 5)
            await stage.until(lambda: stage.names("learning").count("Label") == 12)
            assert "Prediction" not in stage.names("learning")
            stage.up("deployer")
            assert await stage.violations() == []
            counts = stage.run.trainer().counts
            assert (counts["labels.early"], counts["labelled"]) == (12, 12)

    run(live())


def test_a_partition_that_was_idle_and_speaks_while_its_deployer_is_down_holds_the_clock() -> None:
    async def live() -> None:
        async with staged(HORIZON="40m") as stage:
            await asyncio.sleep(60)  # both partitions are idle
            stage.down("deployer")
            for number in range(12):
                stage.order(f"o{number}", minutes=number)
                stage.paid(f"o{number}", minutes=number + 5)
            await stage.until(lambda: stage.names("learning").count("Label") == 12)
            stage.tick(minutes=600)
            await asyncio.sleep(10)
            stage.up("deployer")  # either partition may come first; the tick that would end everything stands in both
            assert await stage.violations() == []
            counts = stage.run.trainer().counts
            assert (counts["labelled"], counts["expired"], counts["labels.orphan"]) == (12, 0, 0)

    run(live())


def test_a_tick_does_not_pass_the_backlog_that_stands_before_it() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1", HORIZON="40m") as stage:
            stage.order("o", minutes=0)
            await stage.settled()
            stage.down("ingestion")
            for number in range(12):
                stage.order(f"o{number}", minutes=number)
                stage.paid(f"o{number}", minutes=number + 5)
            stage.tick(minutes=600)
            stage.down("deployer")
            stage.up("ingestion")
            await stage.until(lambda: stage.names("learning").count("Label") == 12)
            await asyncio.sleep(10)
            stage.up("deployer")
            await stage.settled()
            counts = stage.run.trainer_now().counts
            assert (counts["labelled"], counts["expired"], counts["labels.orphan"]) == (12, 1, 0)
            assert await stage.violations() == []

    run(live())


def test_commands_that_a_reconciler_appends_late_change_nothing() -> None:
    async def live() -> None:
        async with staged() as stage:
            for number in range(60):  # the challenger learns faster, and becomes the champion
                stage.order(f"o{number}", minutes=number, amount=400.0 * (number % 2))
                stage.paid(f"o{number}", minutes=number + 5, paid=10.0 + 90 * (number % 2))
            await stage.settled()
            trainer = stage.run.trainer_now()
            assert trainer.selection.champion == 2
            before, digests = trainer.selection.serving, [version.remark() for version in trainer.cohort.live()]
            for family, number in (("learning", 0), ("features", 0), ("features", 1)):
                late = [record for record in stage.run.records(family, MODEL, number) if record.value and stage.is_command(record.value)]
                assert late
                for record in late:
                    stage.run.broker.append(TopicPartition(record.topic, record.partition), record.key, record.value)
            await stage.settled()
            trainer = stage.run.trainer_now()
            assert (trainer.selection.champion, trainer.selection.serving) == (2, before)
            assert [version.remark() for version in trainer.cohort.live()] == digests
            assert await stage.violations() == []

    run(live())


def test_two_owners_at_once_across_a_serve_leave_one_answer_for_every_question() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            for number in range(8):
                stage.order(f"o{number}", minutes=number)
                stage.paid(f"o{number}", minutes=number + 1)
            await stage.settled()
            first, frozen = stage.names("features").count("Serve"), stage.host("deployer", "a")
            assert frozen.faults
            frozen.faults.freeze(20.0, at="send")  # it has answered under the old Serve, and is about to say so
            stage.order("between", minutes=20)
            for number in range(8, 16):
                stage.paid(f"o{number - 8}x", minutes=number)
            await stage.until(lambda: stage.names("predictions").count("Prediction") == 9)  # the other owner has said it
            stage.paid("between", minutes=25)
            for number in range(8, 16):
                stage.order(f"o{number}", minutes=30 + number)
                stage.paid(f"o{number}", minutes=31 + number)
            await stage.until(lambda: stage.names("features").count("Serve") > first)
            await asyncio.sleep(30)  # and now it goes on
            assert stage.names("predictions").count("Prediction") > 17, "both have answered"
            assert await stage.violations() == []

    run(live())
