"""The learning logs of all models, as the trainer's services read them, and the folds that are made for them."""

from collections.abc import AsyncGenerator, Callable, Sequence

from penstock.fold.protocol import Record, Refold
from penstock.fold.snapshots import SnapshotId
from penstock.kafka.consumer import translated
from penstock.kafka.ports import TopicPartition
from penstock.world import World, as_weather
from penstock_trainer.cohort import canonical
from penstock_trainer.fold import TrainerFold
from penstock_trainer.rebuild import demanded

UNIT = "trainer/"


class LearningLogs:
    """What `learning.<model>` holds and what was stored of its fold; each log has one partition."""

    def __init__(self, world: World) -> None:
        self._world = world

    def topic(self, model: str) -> str:
        """The topic of a model's log."""
        return self._world.process.topic("learning", model)

    async def end(self, model: str) -> int:
        """The offset behind the last record. Raises: Weather."""
        return (await self._world.kafka.bounds(TopicPartition(self.topic(model), 0))).end

    def read(self, model: str, start: int, end: int) -> AsyncGenerator[list[Record]]:
        """The records from an offset up to another."""
        return self._world.read_log(self.topic(model), start, end)

    async def demanded(self, model: str, position: int) -> Refold | None:
        """What a log demands, behind this position, of a fold that cannot go on there. Raises: Weather."""
        end, world = await self.end(model), self._world
        with as_weather(f"{self.topic(model)} cannot be read"), translated(self.topic(model)):
            return await demanded(self.read(model, min(position, end), end), world.wire, canonical(world.runtime))

    async def snapshots(self, model: str) -> Sequence[SnapshotId]:
        """The snapshots of a model's fold, the newest first. Raises: Weather."""
        return await self._world.snapshots.newest(UNIT + model, 0, 1)

    async def maker(self, model: str, runtime: str | None = None) -> Callable[[], TrainerFold]:
        """How new folds of a model are made: under the runtime of this process, or whatever the log says ("")."""
        runtime = canonical(self._world.runtime) if runtime is None else runtime
        outcomes = self._world.process.topic("outcomes", model)
        write_outcome = await self._world.writer(outcomes, "Outcome")
        return lambda: TrainerFold(model, self._world.wire, write_outcome, outcomes, runtime)

    async def make_fold(self, model: str) -> TrainerFold:
        """A fold that asks for no runtime, to be thrown away."""
        return (await self.maker(model, runtime=""))()
