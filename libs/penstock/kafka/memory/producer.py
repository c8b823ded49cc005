"""The twin of KafkaProducer: one batch in flight per partition, each with a fate of its own, and useless after the first error."""

import asyncio
from collections.abc import Sequence

from penstock.fold.poison import LETTER_BYTES_MAX, check_sizes
from penstock.fold.protocol import Output
from penstock.fold.weather import SendFailed, Weather
from penstock.kafka.memory.broker import MemoryBroker
from penstock.kafka.memory.faults import Fate, Faults
from penstock.kafka.ports import TopicPartition

DELAYED_S, LATE_S = 1.0, 3.0


class MemoryProducer:
    """The twin of KafkaProducer: useless after the first error."""

    def __init__(self, broker: MemoryBroker, faults: Faults) -> None:
        self._broker = broker
        self._faults = faults
        self._broken = False

    async def stop(self) -> None:
        """Nothing is open."""

    async def send(self, outputs: Sequence[Output]) -> None:
        """See ports.Producer; the batches of a round travel side by side, so one may fail while another stands in the log."""
        check_sizes(outputs, LETTER_BYTES_MAX)
        if self._broken:
            raise SendFailed("this producer has failed before")
        batches: dict[TopicPartition, list[Output]] = {}
        for output in outputs:
            batches.setdefault(TopicPartition(output.topic, output.partition), []).append(output)
        results = await asyncio.gather(*(self._send_to(*each) for each in batches.items()), return_exceptions=True)
        failures = [result for result in results if result is not None]
        self._broken = bool(failures)
        for failure in failures:
            if not isinstance(failure, Weather):
                raise failure
        if failures:
            raise SendFailed(str(failures[0])) from failures[0]

    async def _send_to(self, partition: TopicPartition, batch: Sequence[Output]) -> None:
        await self._faults.point("send")
        fate = self._faults.fate()
        if partition.partition >= self._broker.partitions(partition.topic):
            raise SendFailed(f"{partition} does not exist")
        if fate is Fate.DELAYED:
            await asyncio.sleep(DELAYED_S)
        if fate is Fate.LATE:
            asyncio.get_running_loop().call_later(LATE_S, self._append, partition, batch)
        if fate is Fate.CUT:
            self._append(partition, batch[: len(batch) // 2])
        if fate in {Fate.LATE, Fate.CUT, Fate.FAILED}:
            raise SendFailed(f"a batch for {partition} was given up")
        self._append(partition, batch)
        if fate is Fate.DUPLICATED:
            self._append(partition, batch)
        await self._faults.point("acknowledge")
        if fate is Fate.UNACKNOWLEDGED:
            raise SendFailed(f"the acknowledgement of a batch for {partition} was lost")

    def _append(self, partition: TopicPartition, batch: Sequence[Output]) -> None:
        for output in batch:
            self._broker.append(partition, output.key, output.value, output.headers)
