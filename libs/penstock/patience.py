"""Patience: what passes by itself is waited for, with back-off and jitter (design, law V)."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterator
from random import Random
from typing import Any, TypeVar

import httpx

from penstock import postgres
from penstock.fold.weather import Backoff, Weather
from penstock.rpc import Unavailable

WAIT_FIRST_S, WAIT_MAX_S = 0.2, 5.0
WEATHER: tuple[type[Exception], ...] = (*postgres.WEATHER, Weather, Unavailable, httpx.HTTPError)
"""What passes by itself: a broker, a database or another service that is away."""

Result = TypeVar("Result")


async def patiently(log: Any, attempt: Callable[[], Awaitable[Result]]) -> Result:
    """What an attempt gives, tried again while the weather is bad. Raises: what is no weather."""
    waits = backoff()
    while True:
        try:
            return await attempt()
        except WEATHER as error:
            log.warning("waiting", reason=f"{type(error).__name__}: {error}")
        await asyncio.sleep(waits.next_s())


@contextlib.contextmanager
def as_weather(what: str) -> Iterator[None]:
    """Turns what passes by itself into Weather, which a runner waits for."""
    try:
        yield
    except WEATHER as error:
        raise Weather(f"{what}: {type(error).__name__}: {error}") from error


def backoff() -> Backoff:
    """The waits of a service that has nothing else to do: from `WAIT_FIRST_S` to `WAIT_MAX_S`."""
    return Backoff(WAIT_FIRST_S, WAIT_MAX_S, Random())  # noqa: S311 (jitter)
