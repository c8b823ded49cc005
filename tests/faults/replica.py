"""The model folded a second time, offline, by this process: what the platform must have come to, whatever happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from penstock import codec
from penstock.fold.drive import drive
from penstock.fold.protocol import Missing, Output, Record
from penstock.records import Wire, platform_schema
from penstock_trainer.checkpoints import CheckpointMade
from penstock_trainer.cohort import canonical
from penstock_trainer.fold import TrainerFold

CheckpointKey = tuple[int, int]  # version, position
Checkpoint = tuple[str, str, str]  # digest, chain, metrics


@dataclass(slots=True)
class Replica:
    """Folds the learning log from offset 0, record by record; keeps every checkpoint and outcome that this gives."""

    fold: TrainerFold
    wire: Wire
    checkpoints: dict[CheckpointKey, Checkpoint] = field(default_factory=dict)
    outcomes: list[bytes | None] = field(default_factory=list)
    _waiting: list[Record] = field(default_factory=list)

    @classmethod
    async def of(cls, model: str, wire: Wire) -> "Replica":
        """A replica before its first record."""
        topic = f"outcomes.{model}"
        write = await wire.writer(topic, platform_schema("Outcome"))
        return cls(TrainerFold(model, wire, write, topic, canonical(codec.runtime())), wire)

    def add(self, record: Record) -> None:
        """Take the next record of the log, to be folded later."""
        self._waiting.append(record)

    async def fold_to(self, position: int) -> None:
        """Fold every record below `position` that was added."""
        due = [record for record in self._waiting if record.offset < position]
        self._waiting = self._waiting[len(due) :]
        async for _, caused in drive(self.fold, due, self._resolve):
            self._keep(caused)

    def _keep(self, caused: Sequence[Any]) -> None:
        for each in caused:
            if isinstance(each, CheckpointMade):
                self.checkpoints[each.version, each.position] = (each.digest, each.chain, each.metrics)
            elif isinstance(each, Output):
                self.outcomes.append(each.value)

    async def _resolve(self, missing: Missing) -> None:
        await self.wire.fetch(int(missing.reference))
