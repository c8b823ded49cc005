"""The topics of Penstock: how each kind is kept, and how they are made and looked up."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from penstock.errors import PenstockError
from penstock.fold.weather import Weather

DAY_MS = 24 * 60 * 60 * 1000
FOR_EVER = -1

RETENTION_MS: Mapping[str, int] = {
    "events": 7 * DAY_MS,
    "validated": 30 * DAY_MS,
    "dlq": 30 * DAY_MS,
    "features": 7 * DAY_MS,
    "predictions": 30 * DAY_MS,
    "learning": FOR_EVER,
    "outcomes": 30 * DAY_MS,
    "drift": FOR_EVER,
    "registry": FOR_EVER,
}
"""How long records of each kind of topic are kept, by the time of their append (design, section 2)."""

COMPACTED = frozenset({"registry"})
SEEN_WITHIN_S = 10.0
SEEN_EVERY_S = 0.1
DLQ_MESSAGE_BYTES_MAX = 2 * 1024 * 1024  # a record as large as its own topic takes, and the headers


class TopicSpec(NamedTuple):
    """A topic as it should be; `kind` is a key of RETENTION_MS."""

    name: str
    kind: str
    partitions: int = 1


class TopicError(PenstockError):
    """A topic that cannot be made, or is not as it should be."""


def topic_config(kind: str) -> dict[str, str]:
    """The settings of every topic of this kind.

    LogAppendTime, because a replay carries event times of years ago and retention would delete it. Size never limits: what is kept is a
    promise in time.
    """
    config = {
        "message.timestamp.type": "LogAppendTime",
        "cleanup.policy": "compact" if kind in COMPACTED else "delete",
        "retention.ms": str(RETENTION_MS[kind]),
        "retention.bytes": str(FOR_EVER),
    }
    if kind == "dlq":
        config["max.message.bytes"] = str(DLQ_MESSAGE_BYTES_MAX)
    return config


async def ensure(admin: AIOKafkaAdminClient, topics: Iterable[TopicSpec]) -> None:
    """Make the topics that are not there, replicated as the cluster does by default.

    Raises: TopicError if one is refused, or is there with another number of partitions; Weather.
    """
    wanted = {topic.name: topic for topic in topics}
    for name, count in (await make(admin, wanted.values())).items():
        if count != wanted[name].partitions:
            raise TopicError(
                f"topic {name} has {count} partitions, not {wanted[name].partitions}: to change that breaks the order of its keys. "
                f"Set `partitions: {count}` in the spec, or use another name"
            )


async def make(admin: AIOKafkaAdminClient, topics: Iterable[TopicSpec]) -> dict[str, int]:
    """Make the topics that are not there; the number of partitions that each really has, in case it was there before.

    Raises: TopicError if one is refused; Weather, also when one that is there is not seen within SEEN_WITHIN_S.
    """
    wanted = {topic.name: topic for topic in topics}
    try:
        there = await counts(admin, list(wanted))
        new = [topic for topic in wanted.values() if not there[topic.name]]
        if new:
            known = _known_before(await admin.create_topics([_new(topic) for topic in new]))
            there |= {topic.name: topic.partitions for topic in new} | await _seen(admin, known)
    except KafkaError as error:
        raise Weather(f"the topics cannot be made now: {type(error).__name__}: {error}") from error
    return there


async def _seen(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> dict[str, int]:
    """The partitions of topics that are there for certain: the metadata of a broker lags behind what the controller has made."""
    try:
        async with asyncio.timeout(SEEN_WITHIN_S):
            while not all((found := await counts(admin, topics)).values()):
                await asyncio.sleep(SEEN_EVERY_S)
    except TimeoutError as error:
        raise Weather(f"the brokers do not show {', '.join(topics)} within {SEEN_WITHIN_S:.0f} s, though the topics are there") from error
    return found


async def counts(admin: AIOKafkaAdminClient, topics: Sequence[str]) -> dict[str, int]:
    """The number of partitions of every topic; 0 for one that is not there."""
    described = await admin.describe_topics(list(topics)) if topics else []  # for none, Kafka would describe all
    return {topic["topic"]: len(topic["partitions"]) if topic["error_code"] == 0 else 0 for topic in described}


def _new(topic: TopicSpec) -> NewTopic:
    new = NewTopic(name=topic.name, num_partitions=topic.partitions, replication_factor=1, topic_configs=topic_config(topic.kind))
    new.replication_factor = -1  # the cluster's default (KIP-464); the constructor of aiokafka 0.14 does not take it
    return new


def _known_before(response: Any) -> list[str]:
    """The topics that were there already. `create_topics` does not raise: the errors stand in its answer. Raises: TopicError."""
    known = []
    for name, code, *rest in response.topic_errors:
        kind = cast("type[KafkaError]", for_code(code))
        if issubclass(kind, TopicAlreadyExistsError):
            known.append(name)
        elif code:
            message = rest[0] if rest and rest[0] else getattr(kind, "description", "")
            raise TopicError(f"topic {name} cannot be made: {kind.__name__}: {message}")
    return known
