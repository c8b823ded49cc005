"""The whole platform in one process, in a world drawn from a seed: every invariant holds whatever goes wrong."""

from collections import Counter

import pytest

from tests.simulation.campaign import fingerprint, play
from tests.simulation.checks import violations_of
from tests.simulation.platform import Choices, simulate
from tests.simulation.virtual import run

SEEDS = 30
KINDS = {
    *("crash", "kill", "clean stop", "freeze", "weather", "storm", "restart"),
    *("batch delayed", "batch duplicated", "batch unacknowledged", "batch late", "batch cut", "batch failed"),
    *(
        "lost commit reply",
        "corrupt snapshot",
        "stale snapshot",
        "snapshots away",
        "late command",
        "junk",
        "drift drill",
        "rewind",
        "upgrade",
        "two owners",
        "live before restore",
    ),
}


@pytest.mark.parametrize("seed", range(SEEDS))
def test_every_invariant_holds_whatever_goes_wrong(seed: int) -> None:
    outcome = play(seed)
    assert outcome.broken == [], f"replay: make simulate SEED={seed}"


@pytest.mark.parametrize("seed", range(2))
def test_every_invariant_holds_when_nothing_goes_wrong(seed: int) -> None:
    async def live() -> tuple[Counter[str], list[str]]:
        ended = await simulate(Choices(seed, faults=0.0))
        return ended.injected, await violations_of(ended)

    assert run(live()) == (Counter(), [])


def test_the_same_seed_is_the_same_run_byte_for_byte() -> None:
    async def live() -> str:
        ended = await simulate(Choices(7, orders=40))
        return fingerprint(ended.broker, ended.injected, await violations_of(ended))

    assert run(live()) == run(live())


def test_the_faults_happen() -> None:
    async def live(seed: int) -> Counter[str]:
        return (await simulate(Choices(seed, orders=40))).injected

    injected: Counter[str] = Counter()
    for seed in range(6):
        injected += run(live(seed))
    assert KINDS - injected.keys() == set()
