"""The trainer's agent: a specification becomes the command that a learning log begins with."""

from collections.abc import Iterable, Mapping
from typing import Any

from penstock.fold.protocol import Output
from penstock.records import Writer
from penstock_trainer.agent import Applied, CommandAgent, Ports
from penstock_trainer.fold import TrainerFold
from tests.learning_log import TOPIC, LearningLog

APPLIED = Applied("m", 3, "{}", 7)


class Around:
    """The world of the agent in memory: a model that was applied, its fold, and the partitions of its features topic."""

    def __init__(self, log: LearningLog, partitions: int) -> None:
        self.sent: list[Output] = []
        self.partitions_now = partitions
        self._log = log
        self._fold = log.fold()
        self.agent = CommandAgent(
            log.wire,
            Ports(self.send, self.writer, lambda _: TOPIC, self.live, self.applied, self.partitions, self.drifts, lambda: 0.0, "{}"),
        )

    def commands(self) -> list[tuple[str, dict[str, Any]]]:
        return [self._log.wire.read(output.value) for output in self.sent]

    async def send(self, outputs: list[Output]) -> None:
        self.sent += outputs

    async def writer(self, _: str, name: str) -> Writer:
        return self._log.writer(name)

    def live(self) -> Iterable[TrainerFold]:
        return [self._fold]

    async def applied(self, _: str) -> Applied | None:
        return APPLIED

    async def partitions(self, _: str) -> int:
        return self.partitions_now

    async def drifts(self) -> Iterable[Mapping[str, Any]]:
        return []


async def test_the_command_says_how_many_partitions_feed_the_clock() -> None:
    around = Around(await LearningLog.new(), partitions=4)
    await around.agent.reconcile()
    ((name, command),) = around.commands()
    assert (name, command["spec_version"], command["partitions"]) == ("SpecApplied", 3, 4)


async def test_without_a_features_topic_the_command_waits_for_the_timer() -> None:
    around = Around(await LearningLog.new(), partitions=0)
    await around.agent.reconcile()
    assert around.sent == []
    around.partitions_now = 2
    await around.agent.reconcile()
    assert [command["partitions"] for _, command in around.commands()] == [2]
