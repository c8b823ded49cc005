"""The service of rewinds: what it refuses, what a dry run says, and how a rewind is followed to its end."""

from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from penstock.errors import PenstockError, UsageError
from penstock.fold.poison import reject
from penstock.fold.protocol import Missing, Poison, Record, Refold
from penstock.fold.snapshots import MemorySnapshots, Saved, SnapshotId
from penstock.records import Rewound
from penstock.rpc import NotFound, Refused
from penstock.rpc.trainer.v1 import rewind_pb2
from penstock_trainer.fold import TrainerFold
from penstock_trainer.plan import planned
from penstock_trainer.rewind import CUT_RECORDS_MAX
from penstock_trainer.rewinder import Ports, RewindService
from tests.learning_log import LearningLog, a_log, fold_all, tell
from tests.simulation.offline import state_of


class Living:
    """A model whose fold lives here: what is appended is folded bit by bit, whenever somebody waits."""

    def __init__(self, log: LearningLog) -> None:
        self.log = log
        self.snapshots = MemorySnapshots()
        self.fold = log.fold()
        self.now_s = 0.0
        self._asked: Refold | None = None
        fold_all(self.fold, log.records)

    async def save(self, position: int) -> None:
        """A snapshot that was taken long ago."""
        fold = self.log.fold()
        fold_all(fold, self.log.records[:position])
        await self.snapshots.store(Saved(SnapshotId("trainer/m", 0, 1, 0, position), fold.snapshot(), {"learning.m": position}, {}))

    def service(self) -> RewindService:
        return RewindService(
            Ports(
                fold_of=lambda model: self.fold if model == "m" else None,
                append=self._append,
                snapshots=lambda model: self.snapshots.newest(f"trainer/{model}", 0, 1),
                load=self.snapshots.load,
                read=self._read,
                make_fold=self._make_fold,
                resolve=self._resolve,
                wire=self.log.wire,
                now_ms=lambda: 1_700_000_000_000,
                clock=self._clock,
                pause=self._pause,
            )
        )

    async def ask(self, to: int, *without: tuple[int, int], model: str = "m", dry_run: bool = False) -> list[Any]:
        ranges = [rewind_pb2.Range(start=start, end=end) for start, end in without]
        request = rewind_pb2.RewindRequest(model=model, to=to, without=ranges, reason="poisoned", dry_run=dry_run)
        return [message async for message in self.service().Rewind(request, None)]

    async def _append(self, model: str, value: Rewound) -> None:
        assert model == "m"
        self.log.append("Rewound", value)

    async def _pause(self, _: float) -> None:
        """Meanwhile the fold takes a few steps, or the state is brought from which it goes on."""
        if self._asked is not None:
            self.fold = self.log.fold()
            self.fold.begin(self._asked)
            self._asked = None
        for record in self.log.records[self.fold.chain.position :][:40]:
            try:
                self.fold.step(record)
            except Poison as poison:
                reject(self.fold, record, poison, lambda *_: ())
            except Refold as refold:
                self._asked = refold

    async def _read(self, model: str, start: int, end: int) -> AsyncGenerator[list[Record]]:
        for at in range(start, end, 64):
            yield list(self.log.records[at : min(at + 64, end)])

    async def _make_fold(self, model: str) -> TrainerFold:
        return self.log.fold()

    async def _resolve(self, missing: Missing) -> None:
        raise AssertionError(f"{missing}: everything is known")

    def _clock(self) -> float:
        self.now_s += 0.001
        return self.now_s


async def a_model(questions: int = 120) -> Living:
    return Living(await a_log(questions=questions))


async def test_a_rewind_is_followed_to_its_end_and_says_who_goes_on() -> None:
    living = await a_model()
    end = len(living.log.records)
    *progress, last = await living.ask(60, (60, 90), (100, 101))
    assert progress
    assert all(0 <= each.records <= each.records_total == end + 1 for each in progress)
    assert (last.result.position, last.result.began, last.result.records, last.result.champion) == (end, 0, end + 1, 1)
    (heir,) = last.result.heirs
    assert (heir.version, heir.parent, heir.learner, heir.proposed) == (2, 1, "sgd", True)
    assert heir.digest == (await tell(living.log)).digests()[1]
    assert last.result.predictions == living.fold.counts["quarantined"] > 0
    value = living.log.wire.read(living.log.records[-1].value)[1]
    assert (value["reason"], value["to"], value["cause"].rpartition(":")[0]) == ("poisoned", 60, "rewind:60:90+100:101")


async def test_a_second_rewind_counts_only_what_it_has_quarantined_itself() -> None:
    living = await a_model()
    first = (await living.ask(60, (60, 90)))[-1].result
    second = (await living.ask(100, (100, 110)))[-1].result
    assert first.predictions + second.predictions == living.fold.counts["quarantined"]
    assert [(heir.version, heir.parent) for heir in second.heirs] == [(3, 2)]


async def test_a_dry_run_changes_nothing_and_says_what_would_happen() -> None:
    living = await a_model()
    end, before = len(living.log.records), state_of(living.fold)
    await living.save(40)
    await living.save(80)
    (message,) = await living.ask(60, (60, 90), dry_run=True)
    would = message.result
    assert (len(living.log.records), state_of(living.fold)) == (end, before)
    assert (would.dry_run, would.cause, would.position, would.began, would.records) == (True, "", end, 40, end + 1 - 40)
    names = [living.log.wire.read(record.value)[0] for record in living.log.records[60:90]]
    assert (would.predictions, would.labels) == (names.count("Prediction"), names.count("Label"))
    assert would.seconds > 0
    assert [(heir.version, heir.parent) for heir in would.heirs] == [(0, 1)]


async def test_a_dry_run_does_not_count_on_a_snapshot_that_is_bad() -> None:
    living = await a_model()
    for position in (30, 40):
        await living.save(position)
    living.snapshots.rot(SnapshotId("trainer/m", 0, 1, 0, 40))
    (message,) = await living.ask(60, (60, 90), dry_run=True)
    assert message.result.began == 30


@pytest.mark.parametrize(
    ("to", "without", "why"),
    [
        (0, [], r"--to 0 stands before the first specification of m, at offset 0: .* Try: --to 1"),
        (
            500,
            [],
            r"--to 500 stands beyond the end of the learning log of m: .* offset 162\. Try: a position from 1 to 162",
        ),
        (60, [(70, 70)], r"--without 70:70 names no offset"),
        (60, [(50, 70)], r"--without 50:70 begins before --to 60, .* Try: --to 50"),
        (60, [(70, 500)], r"--without 70:500 is not in the log of m: what is folded ends at offset 162\. Try: a range up to 163"),
    ],
)
@pytest.mark.parametrize("dry_run", [False, True])
async def test_what_makes_no_sense_is_refused_with_the_cure(to: int, without: Sequence[tuple[int, int]], why: str, dry_run: bool) -> None:
    living = await a_model(111)
    end = len(living.log.records)
    with pytest.raises(UsageError, match=why):
        await living.ask(to, *without, dry_run=dry_run)
    assert len(living.log.records) == end


async def test_more_than_one_rewind_may_cut_is_refused() -> None:
    living = await a_model(20)
    living.fold.chain.position += CUT_RECORDS_MAX  # as if so many more stood there
    with pytest.raises(UsageError, match=r"one rewind cuts at most 250,000\. Try: several"):
        planned(living.fold, 1, [])


async def test_a_model_that_is_not_here_or_was_never_applied_or_is_being_rewound_is_refused() -> None:
    living = await a_model(20)
    with pytest.raises(NotFound, match="no fold of other lives here"):
        await living.ask(5, model="other")
    with pytest.raises(Refused, match=r"no specification in its log yet.* Try: penstock apply"):
        planned((await LearningLog.new()).fold(), 0, [])
    living.log.rewind(5, (5, 6))
    with pytest.raises(Refold) as asked:
        living.fold.step(living.log.records[-1])
    living.fold = living.log.fold()
    living.fold.begin(asked.value)
    with pytest.raises(Refused, match="is being folded again"):
        await living.ask(5)


async def test_a_command_that_the_fold_refuses_is_told() -> None:
    living = await a_model(30)
    service = living.service()
    ports = service._ports._replace(append=lambda model, value: living._append(model, {**value, "to": 10_000}))
    request = rewind_pb2.RewindRequest(model="m", to=5)
    with pytest.raises(PenstockError, match=r"has refused rewind:5::.* dead letters"):
        assert [message async for message in RewindService(ports).Rewind(request, None)] == []
