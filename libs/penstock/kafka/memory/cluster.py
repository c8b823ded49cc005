"""The twin of KafkaCluster: what one process sees of the broker, with faults of its own."""

from collections.abc import Sequence

from penstock.fold.protocol import Record
from penstock.kafka.memory.broker import MemoryBroker
from penstock.kafka.memory.consumer import MemoryConsumer
from penstock.kafka.memory.faults import Faults, NoFaults
from penstock.kafka.memory.producer import MemoryProducer
from penstock.kafka.ports import Bounds, Consumer, Producer, TopicPartition


class MemoryKafka:
    """What one process sees of the broker; the twin of KafkaCluster."""

    def __init__(self, broker: MemoryBroker, faults: Faults | None = None) -> None:
        self._broker = broker
        self._faults: Faults = faults or NoFaults()

    def consumer(self, *, group: str, instance: str, topics: Sequence[str]) -> Consumer:
        """See ports.Kafka."""
        return MemoryConsumer(self._broker, self._faults, group=group, instance=instance, topics=topics)

    async def producer(self) -> Producer:
        """See ports.Kafka."""
        await self._faults.point("connect")
        return MemoryProducer(self._broker, self._faults)

    async def partitions(self, topic: str) -> int:
        """See ports.Kafka."""
        return self._broker.partitions(topic)

    async def ensure(self, topic: str, *, kind: str, partitions: int) -> int:
        """See ports.Kafka; topics here have no settings."""
        if not self._broker.partitions(topic):
            self._broker.create(topic, partitions)
        return self._broker.partitions(topic)

    async def bounds(self, partition: TopicPartition) -> Bounds:
        """See ports.Kafka."""
        await self._faults.point("bounds")
        return self._broker.bounds(partition)

    async def read(self, partition: TopicPartition, offset: int) -> Record | None:
        """See ports.Kafka."""
        await self._faults.point("read")
        start, end = self._broker.bounds(partition)
        return self._broker.read(partition, offset, 1)[0] if start <= offset < end else None
