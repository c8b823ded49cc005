"""An upgrade of a living platform, told by hand: who cannot fold a log says so and waits, and a rebuild goes on without a loss."""

from typing import Any

from penstock.kafka.ports import TopicPartition
from tests.simulation.shop import MODEL
from tests.simulation.stage import Stage, staged
from tests.simulation.test_rewind import LEARNING, rewind, sell
from tests.simulation.upgrade import UNIT, rebuild as command
from tests.simulation.virtual import run


async def upgrade(stage: Stage, river: str) -> None:
    """The trainer is stopped, and started again with another River."""
    stage.down("trainer")
    await stage.until(lambda: not _refused(stage) and not _lives(stage))
    stage.run.outside.runtime["river"] = river
    stage.up("trainer")
    await stage.until(lambda: bool(_refused(stage)) or _lives(stage))


async def rebuild(stage: Stage, cause: str = "rebuild:1", times: int = 1) -> int:
    """As the trainer does when somebody asks for it; the offset of the command."""
    broker = stage.run.outside.broker
    offset = await command(stage.run.outside, stage.run.wire, cause)
    for _ in range(1, times):
        broker.append(LEARNING, MODEL.encode(), broker.records(LEARNING)[offset].value)
    for host in stage.run.hosts:
        if host.name == "trainer" and host.fleet:
            host.fleet.try_again(UNIT)
    return offset


def test_after_an_upgrade_the_trainer_waits_while_the_old_version_serves_and_a_rebuild_loses_nothing() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 60)
            await stage.settled()
            ends = stage.run.trainer_now().counts["labelled"]
            await upgrade(stage, "9.0")
            assert [reason for reason in _refused(stage) if "Try: penstock rebuild" in reason]
            before = stage.end("learning")
            sell(stage, 60, 30)
            await stage.until(lambda: stage.end("learning") >= before + 60)
            learning, outcomes = stage.end("learning"), stage.end("outcomes")
            await rebuild(stage, times=2)
            await stage.settled()
            trainer = stage.run.trainer_now()
            assert (trainer.epoch, trainer.counts["rebuilds"], trainer.counts["labelled"]) == (1, 1, ends + 30)
            assert trainer.selection.champion in {version.number for version in trainer.cohort.live()}
            assert stage.end("outcomes") == outcomes + 30, "what came meanwhile is told, what was told before is not"
            asked = [value for name, value in _learned(stage)[before:learning] if name == "Prediction"]
            assert len(asked) == 30
            assert all(value["version"] for value in asked), "whoever served went on"
            assert await stage.violations() == []

    run(live())


def test_without_the_command_nothing_is_folded_and_the_way_back_is_open() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 40)
            await stage.settled()
            river = stage.run.outside.runtime["river"]
            await upgrade(stage, "9.0")
            snapshots, outcomes = stage.run.outside.snapshots.ids(), stage.end("outcomes")
            before = stage.end("learning")
            sell(stage, 40, 20)
            await stage.until(lambda: stage.end("learning") >= before + 40)
            assert stage.end("outcomes") == outcomes
            assert [id for id in stage.run.outside.snapshots.ids() if id.fold == UNIT] == [id for id in snapshots if id.fold == UNIT]
            await upgrade(stage, river)
            await stage.settled()
            assert (stage.run.trainer_now().epoch, stage.run.trainer_now().counts["rebuilds"]) == (0, 0)
            assert await stage.violations() == []

    run(live())


def test_a_rebuild_that_is_killed_begins_again_and_gives_the_same() -> None:
    async def live(kills: int) -> dict[int, bytes]:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 80)
            await stage.settled()
            await upgrade(stage, "9.0")
            await rebuild(stage)
            for _ in range(kills):
                await stage.until(lambda: _is_rebuilding(stage))
                stage.down("trainer")
                await stage.until(lambda: not _lives(stage))
                stage.up("trainer")
            await stage.settled()
            digests = {version.number: version.remark() for version in stage.run.trainer_now().cohort.live()}
            assert await stage.violations() == []
            return digests

    once, again = run(live(0)), run(live(3))
    assert again == once


def test_a_rewind_before_a_rebuild_and_one_behind_it() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 60)
            await stage.settled()
            await rewind(stage, 30, (30, 50))
            await stage.settled()
            await upgrade(stage, "9.0")
            rebuilt = await rebuild(stage)
            await stage.settled()
            sell(stage, 60, 20)
            await stage.settled()
            await rewind(stage, 20, (20, 25), (rebuilt + 5, rebuilt + 9), cause="rewind:2")
            await stage.settled()
            trainer = stage.run.trainer_now()
            assert (trainer.epoch, trainer.counts["rewinds"], trainer.counts["rebuilds"]) == (3, 2, 1)
            assert await stage.violations() == []

    run(live())


def test_upgrades_one_after_the_other_the_second_before_the_first_was_rebuilt() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 40)
            await stage.settled()
            await upgrade(stage, "9.0")
            sell(stage, 40, 10)
            await upgrade(stage, "9.1")
            await rebuild(stage)
            await stage.settled()
            sell(stage, 50, 10)
            await stage.settled()
            await upgrade(stage, "9.2")
            await rebuild(stage, cause="rebuild:2")
            sell(stage, 60, 10)
            await stage.settled()
            assert stage.run.trainer_now().counts["rebuilds"] == 2
            assert await stage.violations() == []

    run(live())


def test_without_any_snapshot_the_log_alone_says_that_it_was_rebuilt() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 40)
            await stage.settled()
            await upgrade(stage, "9.0")
            await rebuild(stage)
            await stage.settled()
            stage.down("trainer")
            await stage.until(lambda: not _lives(stage))
            snapshots = stage.run.outside.snapshots
            for id in snapshots.ids():
                if id.fold == UNIT:
                    snapshots.lose(id)
            sell(stage, 40, 10)
            stage.up("trainer")
            await stage.settled()
            assert stage.run.trainer_now().counts["rebuilds"] == 1
            assert await stage.violations() == []

    run(live())


def _learned(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    return [stage.run.wire.read(record.value) for record in stage.run.broker.records(TopicPartition(f"learning.{MODEL}", 0))]


def _refused(stage: Stage) -> list[str]:
    fleets = [host.fleet for host in stage.run.hosts if host.name == "trainer" and host.fleet]
    return [reason for fleet in fleets for reason in fleet.refused.values()]


def _lives(stage: Stage) -> bool:
    try:
        return bool(stage.run.trainer_now())
    except StopIteration:
        return False


def _is_rebuilding(stage: Stage) -> bool:
    return _lives(stage) and stage.run.trainer_now().refolding
