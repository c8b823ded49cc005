"""What the platform says of itself while it runs: its metrics, and the trainer's description of the living fold."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import grpc
import httpx
from prometheus_client.parser import text_string_to_metric_families

from penstock.local.state import StackAddresses
from penstock.rpc.trainer.v1 import trainer_pb2, trainer_pb2_grpc

TIMEOUT_S = 2.0


@dataclass(slots=True)
class Look:
    """What all services said at one moment: who did not answer, how far all folds are behind, and what each unit has counted."""

    silent: list[str] = field(default_factory=list)
    lag: int = 0
    counts: dict[str, Counter[str]] = field(default_factory=dict)

    def count(self, fold: str, name: str) -> int:
        """One count of a unit such as ingestion/payments, over its partitions."""
        return self.counts.get(fold, Counter())[name]


async def look(client: httpx.AsyncClient, at: StackAddresses) -> Look:
    """Ask every service once."""
    seen = Look()
    for service, url in at.metrics.items():
        try:
            text = (await client.get(url, timeout=TIMEOUT_S)).text
        except httpx.HTTPError:
            seen.silent.append(service)
            continue
        for family in text_string_to_metric_families(text):
            if family.name == "penstock_count":
                for sample in family.samples:
                    seen.counts.setdefault(sample.labels["fold"], Counter())[sample.labels["name"]] += int(sample.value)
    seen.lag = sum(counts.pop("lag", 0) for counts in seen.counts.values())
    return seen


async def describe(at: StackAddresses, model: str) -> Any | None:
    """The trainer's living fold; None when it does not answer."""
    async with grpc.aio.insecure_channel(at.trainer) as channel:
        try:
            return await trainer_pb2_grpc.TrainerStub(channel).Describe(trainer_pb2.DescribeRequest(model=model), timeout=TIMEOUT_S)
        except grpc.aio.AioRpcError:
            return None
