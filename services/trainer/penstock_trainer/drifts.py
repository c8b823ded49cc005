"""Every drift there has been: the topic `drift`, read from its beginning, so that none stays without a command."""

from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from penstock.fold.protocol import Poison, Record
from penstock.fold.weather import Weather
from penstock.kafka.consumer import FOLLOWER
from penstock.patience import WEATHER
from penstock.records import Wire


class Drifts:
    """Reads on whenever it is asked. Few and small, they are all kept (retention: for ever)."""

    def __init__(self, bootstrap: str, topic: str, wire: Wire) -> None:
        self._bootstrap = bootstrap
        self._partition = TopicPartition(topic, 0)
        self._wire = wire
        self._consumer: AIOKafkaConsumer | None = None
        self._known: dict[str, Mapping[str, Any]] = {}

    async def all(self) -> Iterable[Mapping[str, Any]]:
        """Every DriftDetected so far, oldest first. Raises: Weather."""
        try:
            consumer = self._consumer or await self._open()
            while batch := (await consumer.getmany(self._partition, timeout_ms=0)).get(self._partition, []):
                for record in batch:
                    await self._take(record)
        except (KafkaError, *WEATHER) as error:
            await self._close()  # what was fetched and not taken must be read again
            raise Weather(f"{self._partition.topic} cannot be read: {error}") from error
        return self._known.values()

    async def _take(self, record: Record) -> None:
        try:
            _, value = await self._wire.read_or_fetch(record.value)
        except Poison:  # the agent has put it aside with its reason
            return
        self._known.setdefault(value["cause"], value)

    async def _open(self) -> AIOKafkaConsumer:
        self._consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap, group_id=None, **FOLLOWER)
        await self._consumer.start()
        self._consumer.assign([self._partition])
        await self._consumer.seek_to_beginning(self._partition)
        return self._consumer

    async def _close(self) -> None:
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            await consumer.stop()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None) -> None:
        await self._close()
