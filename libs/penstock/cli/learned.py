"""What the models of the running platform have learned since now: the fast question goes to Kafka, the slow one to the trainer."""

import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import AIOKafkaConsumer, TopicPartition

from penstock.cli.apply import describe
from penstock.cli.platform import addresses, topic
from penstock.errors import PenstockError
from penstock.kafka.consumer import READER

EXPIRED_EVERY_S = 1.0


@dataclass(slots=True)
class Learned:
    """How many labels a model has learned: the outcomes since this was opened, less the predictions that expired meanwhile."""

    folder: Path
    consumer: AIOKafkaConsumer
    _first: dict[str, tuple[int, int]] = field(default_factory=dict)  # model → end of its outcomes and count of expired, in the beginning
    _expired: dict[str, tuple[int, float]] = field(default_factory=dict)

    async def begin(self, model: str) -> None:
        """Count from here on. Raises: PenstockError when the trainer does not answer for it."""
        if not await self.is_there(model):
            raise PenstockError(
                f"the trainer does not answer for {model}, so nobody knows what it has learned; nothing was sent. "
                "Try: penstock status; penstock logs trainer; or --rate 0, which waits for nobody"
            )
        self._first[model] = (await self._end(model), await self._ask_expired(model))

    async def count(self, model: str) -> int:
        """How many labels this model has learned since `begin`."""
        end, expired = self._first[model]
        return await self._end(model) - end - (await self._ask_expired(model) - expired)

    async def is_there(self, model: str) -> bool:
        """Whether the trainer answers for this model."""
        return await describe(model, self.folder) is not None

    async def _end(self, model: str) -> int:
        partition = TopicPartition(topic(f"outcomes.{model}"), 0)
        return int((await self.consumer.end_offsets([partition]))[partition])

    async def _ask_expired(self, model: str) -> int:
        """What the trainer has counted; while it is away, what it said last."""
        known, due_s = self._expired.get(model, (0, 0.0))
        if time.monotonic() >= due_s:
            described = await describe(model, self.folder)
            known = max(known, described.counts.get("expired", 0)) if described else known
            self._expired[model] = (known, time.monotonic() + EXPIRED_EVERY_S)
        return known


@contextlib.asynccontextmanager
async def learned_since_now(models: Iterable[str], folder: Path) -> AsyncIterator[Learned]:
    """Counts for these models from now on."""
    async with AIOKafkaConsumer(bootstrap_servers=addresses(folder).bootstrap, group_id=None, **READER) as consumer:
        learned = Learned(folder, consumer)
        for model in models:
            await learned.begin(model)
        yield learned
