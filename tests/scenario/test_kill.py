"""kill -9 on any of the six services in the middle of the work changes nothing of what is counted, nor the proof."""

import asyncio
import os
import signal
from collections.abc import Sequence

import asyncpg
import pytest

from examples.flights.events import Event
from examples.flights.summary import counts_add_up
from penstock.cli.verify import prove
from penstock.local.stack import SERVICES
from tests.scenario.flights import Run, changed, first, run
from tests.scenario.running import DEADLINE_S, Platform
from tests.waiting import until

pytestmark = pytest.mark.timeout(400)  # the first one waits for the stack, the platform and a whole replay

FLIGHTS = 3_000
SAME = ("sent", "validated", "rejected", "duplicates", "predictions", "labelled", "expired", "quarantined", "pending")


@pytest.fixture(scope="module")
def undisturbed(platform: Platform, flights: Sequence[Event]) -> Run:
    return asyncio.run(run(platform, changed(), first(flights, FLIGHTS)))


@pytest.mark.parametrize("victim", [service.name for service in SERVICES])
async def test_the_counts_and_the_proof_survive(platform: Platform, flights: Sequence[Event], undisturbed: Run, victim: str) -> None:
    killed = platform.pid(victim)

    async def strike(own: str) -> None:
        if victim != "registry":  # the only one that has no fold
            await until(lambda: _has_stored(platform, victim, own), DEADLINE_S)
        os.kill(killed, signal.SIGKILL)

    result = await run(platform, changed(), first(flights, FLIGHTS), halfway=strike)
    await until(platform.is_ready, DEADLINE_S)
    assert platform.pid(victim) != killed, "another process has taken its place"
    assert {name: result.summary[name] for name in SAME} == {name: undisturbed.summary[name] for name in SAME}
    assert counts_add_up(result.summary)
    proof = await prove(f"{result.model}@champion", platform.folder)
    assert proof.equal, proof


async def _has_stored(platform: Platform, service: str, own: str) -> bool:
    """Whether a fold of this run has a snapshot in which something is counted: one that starts with nothing proves no restore."""
    connection = await asyncpg.connect(platform.at.dsn)
    try:
        rows = f"select 1 from penstock_{service}.fold_snapshots where fold like '%' || $1 || '%' and counts <> '{{}}' limit 1"
        return bool(await connection.fetchval(rows, own))
    finally:
        await connection.close()
