"""A proof: the learning log folded anew, offline, in a process of its own, as fast as it can; it shares nothing with the living fold."""

import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import asdict, dataclass

from penstock import codec
from penstock.errors import PenstockError
from penstock.fold.drive import replay as fold_log
from penstock.fold.protocol import Missing, Record
from penstock.records import Wire, platform_schema
from penstock.records.schemas import HttpSchemaRegistry
from penstock.settings import Settings
from penstock_trainer.checkpoints import record_of
from penstock_trainer.cohort import canonical
from penstock_trainer.fold import TrainerFold
from penstock_trainer.log import read_log

PROGRESS_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the fold of a log's first `records` gave for one version."""

    records: int
    seconds: float
    chain: str
    digest: str
    metrics: str


async def replay(settings: Settings, model: str, version: int, position: int) -> AsyncIterator[int | Replayed]:
    """Fold the learning log from offset 0 up to `position`: first the numbers of records done so far, at last the result.

    Raises: PenstockError when the log does not begin at 0 or ends too early, or when it never gave birth to the version.
    """
    began = heard = time.monotonic()
    schemas = HttpSchemaRegistry(settings.schema_registry_url)
    wire = Wire(schemas)
    outcomes = f"{settings.topic_prefix}outcomes.{model}"
    fold = TrainerFold(model, wire, await wire.writer(outcomes, platform_schema("Outcome")), outcomes, canonical(codec.runtime()))

    async def resolve(missing: Missing) -> None:
        await wire.fetch(int(missing.reference))

    def read(start: int) -> AsyncGenerator[list[Record]]:
        return read_log(settings.bootstrap, f"{settings.topic_prefix}learning.{model}", start, position)

    try:
        async for _ in fold_log(fold, read, resolve):
            if time.monotonic() - heard > PROGRESS_EVERY_S:
                heard = time.monotonic()
                yield fold.chain.position
    finally:
        await schemas.aclose()
    if version not in fold.cohort.versions:
        raise PenstockError(f"the log of {model} up to {position} never gave birth to version {version}. Try: penstock show {model}")
    learned = fold.cohort.versions[version]
    blob = learned.remark() if learned.live else learned.mark
    chain, metrics = fold.chain.value.hex(), canonical(record_of(learned))
    yield Replayed(fold.chain.position, time.monotonic() - began, chain, codec.digest(blob), metrics)


async def _print(model: str, version: int, position: int) -> None:
    async for step in replay(Settings(), model, version, position):
        line = {"done": step} if isinstance(step, int) else {"result": asdict(step)}
        sys.stdout.write(json.dumps(line) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    try:
        asyncio.run(_print(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
    except PenstockError as error:
        sys.stdout.write(json.dumps({"error": str(error)}) + "\n")
        sys.exit(error.exit_code)
