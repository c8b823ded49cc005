"""Topics are made and compared, however far the brokers' metadata lags behind what the controller has made."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka.admin import NewTopic
from aiokafka.errors import LeaderNotAvailableError, TopicAlreadyExistsError, UnknownTopicOrPartitionError

from penstock.kafka.topics import TopicError, TopicSpec, counts, ensure, make


class LaggingAdmin:
    """A cluster whose metadata shows a topic only when it has been looked for so many times; it speaks as aiokafka's admin client does."""

    def __init__(self, lag: int, **partitions: int) -> None:
        self.there = partitions
        self.unseen = dict.fromkeys(partitions, lag)

    async def describe_topics(self, names: Sequence[str]) -> list[dict[str, Any]]:
        return [self._described(name) for name in names or self.there]

    def _described(self, name: str) -> dict[str, Any]:
        left = self.unseen.get(name, 1)
        self.unseen[name] = left - 1 if name in self.there else 1
        if left > 0:
            error = LeaderNotAvailableError if left == 1 and name in self.there else UnknownTopicOrPartitionError
            return {"topic": name, "error_code": error.errno, "partitions": []}
        return {"topic": name, "error_code": 0, "partitions": [{}] * self.there[name]}

    async def create_topics(self, topics: Sequence[NewTopic]) -> Any:
        errors = [(topic.name, TopicAlreadyExistsError.errno if topic.name in self.there else 0, None) for topic in topics]
        self.there |= {topic.name: topic.num_partitions for topic in topics if topic.name not in self.there}
        return SimpleNamespace(topic_errors=errors)


@pytest.mark.parametrize("lag", [0, 1, 3])
async def test_a_topic_that_is_there_is_compared_even_if_it_is_not_seen_yet(lag: int) -> None:
    admin: Any = LaggingAdmin(lag, a=2)
    with pytest.raises(TopicError, match="topic a has 2 partitions, not 3"):
        await ensure(admin, [TopicSpec("b", "validated"), TopicSpec("a", "validated", 3)])


@pytest.mark.parametrize("lag", [0, 1, 3])
async def test_making_a_topic_tells_how_many_partitions_it_really_has(lag: int) -> None:
    admin: Any = LaggingAdmin(lag, a=2)
    assert await make(admin, [TopicSpec("a", "dlq", 3), TopicSpec("b", "dlq", 4)]) == {"a": 2, "b": 4}


async def test_to_ask_for_none_is_not_to_ask_for_all() -> None:
    admin: Any = LaggingAdmin(0, a=2)
    assert await counts(admin, []) == {}
    assert await make(admin, []) == {}
