"""The service of rebuilds: what it refuses, what a dry run says, and how a rebuild is followed to its end."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from penstock.errors import PenstockError
from penstock.fold.drive import reading
from penstock.fold.protocol import Missing, Record, Refold, Unfit
from penstock.fold.snapshots import SnapshotId
from penstock.records import Rebuilt
from penstock.rpc import NotFound, Refused
from penstock.rpc.trainer.v1 import rebuild_pb2
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rebuild import demanded
from penstock_trainer.rebuilder import Ports, RebuildService
from tests.learning_log import LearningLog, tell
from tests.runtimes import NEW
from tests.unit.trainer.test_rebuild import an_old_log


class Upgraded:
    """A trainer under the new runtime, whose model was folded under `runtime`: it folds bit by bit, whenever somebody waits."""

    def __init__(self, log: LearningLog) -> None:
        self.log = log
        self.fold: TrainerFold | None = None
        self.refused: dict[str, str] = {}
        self.told = 100
        self.now_s = 0.0
        self.tried_again = 0
        self._asked: Refold | None = None

    async def start(self) -> "Upgraded":
        """What the runner does: fold, or ask the log, or refuse."""
        self.refused.clear()
        self.fold = self.log.fold(NEW)
        try:
            self.fold.step(self.log.records[0])
        except Unfit as unfit:
            self.fold = None
            self._asked = await self._demanded("m", 0)
            if self._asked is None:
                self.refused["m"] = str(unfit)
        return self

    def service(self) -> RebuildService:
        return RebuildService(
            Ports(
                fold_of=lambda model: self.fold if model == "m" else None,
                refused=lambda: self.refused,
                try_again=self._try_again,
                append=self._append,
                demanded=self._demanded,
                snapshots=self._snapshots,
                versions=self._versions,
                end=self._end,
                read=self._read,
                make_fold=self._make_fold,
                resolve=self._resolve,
                now_ms=lambda: 1_700_000_000_000,
                clock=self._clock,
                pause=self._pause,
                runtime=NEW,
            )
        )

    async def ask(self, model: str = "m", *, dry_run: bool = False) -> list[Any]:
        request = rebuild_pb2.RebuildRequest(model=model, reason="River 0.26.1", dry_run=dry_run)
        return [message async for message in self.service().Rebuild(request, None)]

    def _try_again(self, model: str) -> None:
        assert model == "m"
        self.tried_again += 1
        self.refused.pop(model, None)

    async def _append(self, model: str, value: Rebuilt) -> None:
        assert model == "m"
        self.log.append("Rebuilt", value)

    async def _demanded(self, model: str, position: int) -> Refold | None:
        return await demanded(reading(self.log.records)(position), self.log.wire, NEW)

    async def _snapshots(self, model: str) -> Sequence[SnapshotId]:
        return [SnapshotId(f"trainer/{model}", 0, 1, 0, self.told), SnapshotId(f"trainer/{model}", 0, 1, 0, 50)] if self.told else []

    async def _versions(self, model: str) -> dict[str, str]:
        return {"1": "sgd", "4": "adagrad"}

    async def _end(self, model: str) -> int:
        return len(self.log.records)

    async def _read(self, model: str, start: int, end: int) -> AsyncGenerator[list[Record]]:
        for at in range(start, end, 64):
            yield list(self.log.records[at : min(at + 64, end)])

    async def _make_fold(self, model: str) -> TrainerFold:
        return self.log.fold()

    async def _resolve(self, missing: Missing) -> None:
        raise AssertionError(f"{missing}: everything is known")

    async def _pause(self, _: float) -> None:
        """Meanwhile the runner starts the fold, or the fold takes a few steps."""
        if self.fold is None and not self.refused:
            self.fold = self.log.fold(NEW)
            asked = await self._demanded("m", 0)
            assert asked is not None, "it was tried again without a command"
            self.fold.begin(asked)
        elif self.fold is not None:
            for record in self.log.records[self.fold.chain.position :][:40]:
                self.fold.step(record)

    def _clock(self) -> float:
        self.now_s += 0.001
        return self.now_s


async def upgraded(log: LearningLog | None = None) -> Upgraded:
    return await Upgraded(log or await an_old_log()).start()


async def test_a_rebuild_is_followed_to_its_end_and_says_who_goes_on() -> None:
    trainer = await upgraded()
    end = len(trainer.log.records)
    *progress, last = await trainer.ask()
    assert progress
    assert all(0 <= each.records <= each.records_total == end + 1 for each in progress)
    done = last.result
    assert (done.position, done.told, done.runtime, done.champion, list(done.versions)) == (end, 100, NEW, 1, [1, 4])
    (heir,) = done.heirs
    assert (heir.version, heir.parent, heir.learner, heir.proposed) == (5, 1, "sgd", True)
    assert heir.digest == (await tell(trainer.log, runtime=NEW)).digests()[1]
    name, value = trainer.log.wire.read(trainer.log.records[-1].value)
    assert (name, value["reason"], value["told"], value["versions"]) == ("Rebuilt", "River 0.26.1", 100, {"1": "sgd", "4": "adagrad"})


async def test_without_any_snapshot_everything_is_told_again() -> None:
    trainer = await upgraded()
    trainer.told = 0
    assert (await trainer.ask())[-1].result.told == 0


async def test_a_command_that_stands_in_the_log_already_is_not_written_again() -> None:
    trainer = await upgraded()
    trainer.log.rebuild(NEW, told=100)  # somebody has asked, and went away before the fold was told to try again
    records = len(trainer.log.records)
    assert (await trainer.ask())[-1].result.cause == "rebuild:1"
    assert (len(trainer.log.records), trainer.tried_again) == (records, 1)


async def test_a_rebuild_that_is_under_way_is_followed() -> None:
    trainer = await upgraded()
    trainer.log.rebuild(NEW, told=100)
    records = len(trainer.log.records)
    await trainer.start()
    await trainer._pause(0)
    assert trainer.fold is not None
    with pytest.raises(Refused, match="is being rebuilt"):
        await trainer.ask(dry_run=True)
    assert (await trainer.ask())[-1].result.cause == "rebuild:1"
    assert (len(trainer.log.records), trainer.tried_again) == (records, 0)


async def test_a_dry_run_changes_nothing_and_says_what_would_happen() -> None:
    trainer = await upgraded()
    end = len(trainer.log.records)
    (message,) = await trainer.ask(dry_run=True)
    would = message.result
    assert (would.dry_run, would.cause, would.position, would.told, list(would.versions)) == (True, "", end, 100, [1, 4])
    assert would.seconds > 0
    assert (len(trainer.log.records), trainer.tried_again, list(trainer.refused)) == (end, 0, ["m"])


async def test_what_needs_no_rebuild_or_is_not_there_is_refused() -> None:
    log = await LearningLog.new()
    log.spec(runtime=NEW)
    trainer = await upgraded(log)
    for dry_run in (False, True):
        with pytest.raises(Refused, match=r"there is nothing to rebuild. Try: penstock show m"):
            await trainer.ask(dry_run=dry_run)
        with pytest.raises(NotFound, match="no fold of n lives here"):
            await trainer.ask("n", dry_run=dry_run)
    assert len(log.records) == 1


async def test_the_models_that_wait_are_listed_with_the_cure() -> None:
    trainer = await upgraded()
    listed = await trainer.service().ListRefused(rebuild_pb2.ListRefusedRequest(), None)
    assert [(each.model, "Try: penstock rebuild m" in each.reason) for each in listed.refusals] == [("m", True)]


async def test_a_fold_that_is_refused_again_ends_the_waiting() -> None:
    trainer = await upgraded()
    service = trainer.service()
    progress = service.Rebuild(rebuild_pb2.RebuildRequest(model="m"), None)
    await anext(progress)
    trainer.fold, trainer.refused["m"] = None, "another runtime has taken over"
    with pytest.raises(PenstockError, match="another runtime has taken over"):
        await anext(progress)
