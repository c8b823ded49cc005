"""One platform for all scenarios: Kafka, PostgreSQL and the six services as processes of their own."""

import asyncio
from collections.abc import Iterator, Sequence

import pytest

from examples.flights.events import Event, events
from penstock.local.stack import Addresses, start_detached, stop
from tests.scenario.flights import Run, changed, run
from tests.scenario.running import Platform

FLIGHTS = 4_000
QUICK = (
    (r"optim\.SGD: [0-9.]+", "optim.SGD: 0.001"),  # learns too slowly, so that what drift brings to life is better
    (r"delta: [0-9.]+}}, after_labels: \d+", "delta: 0.9}}, after_labels: 200"),
    (r"cooldown_labels: \d+, budget: \d+", "cooldown_labels: 500, budget: 2"),
    (r"metric: log_loss, after_labels: \d+, margin: [0-9.]+", "metric: log_loss, after_labels: 200, margin: 0.001"),
    (r"checkpoint_every_labels: \d+", "checkpoint_every_labels: 50"),
)


@pytest.fixture(scope="session")
def platform(stack: Addresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The services on the session's Kafka and PostgreSQL; every test brings names of its own."""
    folder = tmp_path_factory.mktemp("platform")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PENSTOCK_BOOTSTRAP", stack.bootstrap)
        environment.setenv("PENSTOCK_DSN", stack.dsn)
        start_detached(folder)
    try:
        yield Platform(folder)
    finally:
        stop(folder)


@pytest.fixture(scope="session")
def flights() -> Sequence[Event]:
    """The first flights of 2013, with their arrivals and the weather meanwhile; reading them takes seconds."""
    return list(events(FLIGHTS))


@pytest.fixture(scope="session")
def recorded(platform: Platform, flights: Sequence[Event]) -> Run:
    """One run of the demo, with a specification under which its whole story happens within days."""
    return asyncio.run(run(platform, changed(*QUICK), flights, in_step=True))
