"""What the demo knows of the running platform: asked again and again, kept when a service is away for a moment."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from penstock.cli.platform import addresses
from penstock.cli.show import model_quality, model_state

LOOK_EVERY_S = 0.5
TIMEOUT_S = 2.0

Counts = dict[str, float]


@dataclass(slots=True)
class Watch:
    """The newest state of one model and of the folds on its way; `counts` by fold, such as "ingestion/flights"."""

    model: str
    folder: Path
    learning: dict[str, Any] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    counts: dict[str, Counts] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)

    async def follow(self) -> None:
        """Look for ever."""
        async with httpx.AsyncClient(timeout=TIMEOUT_S) as client:
            while True:
                await self.look(client)
                await asyncio.sleep(LOOK_EVERY_S)

    async def look(self, client: httpx.AsyncClient) -> None:
        """Ask everyone once; who does not answer is noted as stale, and what it said last is kept."""
        self.stale.clear()
        learning, quality = await model_state(self.model, self.folder), await model_quality(self.model, self.folder)
        self.learning = learning or self.learning
        self.quality = quality or self.quality
        self.stale |= {name for name, answer in (("trainer", learning), ("monitor", quality)) if answer is None}
        for service, url in addresses(self.folder).metrics.items():
            try:
                self._take((await client.get(url)).text)
            except httpx.HTTPError:
                self.stale.add(service)

    def count(self, name: str) -> int:
        """One of the trainer's counts."""
        return int(self.learning.get("counts", {}).get(name, 0))

    def total(self, prefix: str, name: str) -> int:
        """A count summed over all folds whose name begins so."""
        return int(sum(counts.get(name, 0) for fold, counts in self.counts.items() if fold.startswith(prefix)))

    @property
    def settled(self) -> bool:
        """Whether nothing is on its way: everyone answers, nobody is behind, no prediction is open."""
        return not self.stale and bool(self.counts) and not self.total("", "lag") and self.count("pending") == 0

    def _take(self, text: str) -> None:
        for family in text_string_to_metric_families(text):
            if family.name == "penstock_count":
                for sample in family.samples:
                    fold = f"{sample.labels['fold']}[{sample.labels['partition']}]"
                    self.counts.setdefault(fold, {})[sample.labels["name"]] = sample.value
