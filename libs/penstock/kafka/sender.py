"""Sends for those who are no fold, such as agents: idempotent, acknowledged, and with a new producer after every failure."""

import asyncio
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from penstock.fold.poison import DeadLetters
from penstock.fold.protocol import Output, Poison, Record
from penstock.kafka.cluster import KafkaCluster
from penstock.kafka.ports import Producer

AGENT_GROUP_PREFIX = "penstock.agent."


class Sender:
    """Sends outputs, one call at a time. After Weather nobody knows what stands in the log, so what is sent must be idempotent."""

    def __init__(self, kafka: KafkaCluster) -> None:
        self._kafka = kafka
        self._producer: Producer | None = None
        self._one_at_a_time = asyncio.Lock()

    async def send(self, outputs: Sequence[Output]) -> None:
        """Returns when every output is acknowledged."""
        async with self._one_at_a_time:
            producer = self._producer or await self._kafka.producer()
            self._producer = None
            try:
                await producer.send(outputs)
            except BaseException:
                await producer.stop()
                raise
            self._producer = producer

    async def bury(self, record: Record, topic: str, poison: Poison, group: str, service: str) -> None:
        """Send a record that could not be handled to the dead-letter topic `topic`, which is made if it is not there."""
        partitions = await self._kafka.ensure(topic, kind="dlq", partitions=1)
        letters = DeadLetters({record.topic: (topic, partitions)}, group, service, lambda: time.time_ns() // 1_000_000)
        await self.send([letters.letter(record, poison)])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None) -> None:
        if self._producer is not None:
            await self._producer.stop()
