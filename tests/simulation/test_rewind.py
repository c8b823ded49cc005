"""Rewinds of a living platform, each told by hand: while the champion serves, twice in a row, and through kill -9 of who folds."""

from typing import Any

from penstock.fold.snapshots import SnapshotId
from penstock.kafka.ports import TopicPartition
from penstock.records import platform_schema
from tests.simulation.shop import MODEL
from tests.simulation.stage import Stage, staged
from tests.simulation.virtual import run

LEARNING = TopicPartition(f"learning.{MODEL}", 0)


def sell(stage: Stage, first: int, count: int) -> None:
    """Orders, each paid five minutes later, well and badly in turn."""
    for number in range(first, first + count):
        stage.order(f"o{number}", minutes=number, amount=400.0 * (number % 2))
        stage.paid(f"o{number}", minutes=number + 5, paid=10.0 + 90 * (number % 2))


async def rewind(stage: Stage, to: int, *cuts: tuple[int, int], cause: str = "rewind:1", times: int = 1) -> int:
    """Append the command; its offset."""
    write = await stage.run.wire.writer(LEARNING.topic, platform_schema("Rewound"))
    value = {"event_time_ms": 1, "cause": cause, "to": to, "cuts": [{"start": start, "end": end} for start, end in cuts], "reason": ""}
    offsets = [stage.run.broker.append(LEARNING, MODEL.encode(), write(value)).offset for _ in range(times)]
    return offsets[0]


def test_while_a_rewind_is_folded_the_old_version_serves_and_then_its_heir() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1", CHALLENGERS="") as stage:
            sell(stage, 0, 40)
            await stage.settled()
            await rewind(stage, 30, (30, 60))
            sell(stage, 40, 10)
            await stage.settled()
            sell(stage, 50, 10)
            await stage.settled()
            trainer = stage.run.trainer_now()
            assert (trainer.epoch, trainer.selection.champion) == (1, 2)
            served = [value["version"] for name, value in _learned(stage) if name == "Prediction" and value["version"]]
            assert served == sorted(served), "nobody went back to the old one"
            assert set(served) == {1, 2}
            assert await stage.violations() == []

    run(live())


def test_two_rewinds_in_a_row_the_second_before_the_first_is_done() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 60)
            await stage.settled()
            await rewind(stage, 40, (40, 60), times=2)
            await rewind(stage, 20, (20, 30), (90, 100), cause="rewind:2")
            await stage.settled()
            trainer = stage.run.trainer_now()
            assert (trainer.epoch, trainer.counts["rewinds"]) == (2, 2)
            assert await stage.violations() == []

    run(live())


def test_a_refold_that_is_killed_begins_again_and_gives_the_same() -> None:
    async def live(kills: int) -> tuple[dict[int, bytes], int]:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 80)
            await stage.settled()
            stage.down("trainer")
            await rewind(stage, 40, (40, 80))
            stage.up("trainer")
            for _ in range(kills):
                await stage.until(lambda: _is_refolding(stage))
                stage.down("trainer")
                await stage.until(lambda: not _is_refolding(stage))
                stage.up("trainer")
            await stage.settled()
            trainer = stage.run.trainer_now()
            digests = {version.number: version.remark() for version in trainer.cohort.live()}
            assert await stage.violations() == []
            return digests, sum(host.counted["refolds"] for host in stage.run.hosts if host.name == "trainer")

    (once, refolds), (again, more) = run(live(0)), run(live(3))
    assert again == once
    assert (refolds, more) == (1, 4)


def test_what_is_poison_on_the_way_back_is_buried_once_and_counted_once() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 20)
            await stage.settled()
            stage.run.broker.append(LEARNING, b"junk", b"junk")
            sell(stage, 20, 20)
            await stage.settled()
            await rewind(stage, 10, (12, 20))
            await stage.settled()
            letters = stage.run.broker.records(TopicPartition(f"dlq.{LEARNING.topic}", 0))
            assert [letter.value for letter in letters] == [b"junk"]
            assert stage.run.trainer_now().counts["rejected"] == 1
            assert await stage.violations() == []

    run(live())


def test_a_refold_without_any_snapshot_begins_with_the_log() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 40)
            await stage.settled()
            snapshots = stage.run.outside.snapshots
            for id in snapshots.ids():
                if id.fold == f"trainer/{MODEL}":
                    snapshots.lose(SnapshotId(*id))
            await rewind(stage, 20)
            await stage.settled()
            assert stage.run.trainer_now().epoch == 1
            assert await stage.violations() == []

    run(live())


def test_a_snapshot_of_the_epoch_before_is_no_way_around_a_rewind() -> None:
    async def live() -> None:
        async with staged(PARTITIONS="1") as stage:
            sell(stage, 0, 40)
            await stage.settled()
            await rewind(stage, 20, (20, 50))
            await stage.settled()
            stage.down("trainer")
            snapshots = stage.run.outside.snapshots
            for id in snapshots.ids():
                if id.fold == f"trainer/{MODEL}" and id.epoch == 1:
                    snapshots.rot(id)
            stage.up("trainer")
            await stage.settled()
            assert stage.run.trainer_now().epoch == 1
            assert await stage.violations() == []

    run(live())


def _learned(stage: Stage) -> list[tuple[str, dict[str, Any]]]:
    return [stage.run.wire.read(record.value) for record in stage.run.records("learning")]


def _is_refolding(stage: Stage) -> bool:
    try:
        return stage.run.trainer_now().refolding
    except StopIteration:
        return False
