"""Waiting for what is away while the service starts."""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import TypeVar

from penstock.fold.outbox import Patience
from penstock.fold.weather import Backoff
from penstock.process import Process

WAIT_FIRST_S, WAIT_LAST_S = 0.2, 5.0

T = TypeVar("T")


async def patiently(process: Process, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
    """What `attempt` gives; while `what` is away it is tried again, and the log says so. Raises: PenstockError that is not Weather."""
    results: list[T] = []

    async def once() -> None:
        results.append(await attempt())

    await Patience(Backoff(WAIT_FIRST_S, WAIT_LAST_S, Random()), asyncio.Event(), process.log).until_done(what, once)  # noqa: S311 (jitter)
    return results[0]
