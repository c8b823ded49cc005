"""Law V, the watchdog: a partition that is behind and does not move gets a new consumer (aiokafka issue 1154)."""

from collections.abc import Iterable

from penstock.fold.limits import Limits
from penstock.fold.weather import Stalled
from penstock.kafka.ports import Consumer, Kafka, TopicPartition


class Watchdog:
    """Compares partitions that are silent with the end of their log, as another connection sees it."""

    def __init__(self, kafka: Kafka, consumer: Consumer, limits: Limits) -> None:
        self._kafka = kafka
        self._consumer = consumer
        self._limits = limits
        self._behind: dict[TopicPartition, tuple[int, float]] = {}  # position, and since when it has stood there though there is more
        self._next_check_s = 0.0

    async def check(self, reading: Iterable[TopicPartition], now_s: float) -> None:
        """Look at the partitions that are being read and are not paused. Raises: Stalled."""
        if now_s < self._next_check_s:
            return
        self._next_check_s = now_s + self._limits.stall_check_s
        before, self._behind = self._behind, {}
        for partition in reading:
            position = self._consumer.position(partition)
            if (await self._kafka.bounds(partition)).end <= position:
                continue
            stood_at, since_s = before.get(partition, (position, now_s))
            self._behind[partition] = (position, since_s if stood_at == position else now_s)
            if now_s - self._behind[partition][1] >= self._limits.stall_s:
                raise Stalled(
                    f"{partition.topic}[{partition.partition}] has stood at {position} for {self._limits.stall_s:.0f} s, and there is more"
                )
