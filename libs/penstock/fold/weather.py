"""Law V, weather is waited for: what comes back by itself, and how long to wait for it."""

import asyncio
import contextlib
from random import Random

from penstock.errors import PenstockError


class Weather(PenstockError):
    """Something outside is away and will come back: broker, database, another service."""


class SendFailed(Weather):
    """A batch was not acknowledged: nobody knows what of it stands in the log, so everything after it must be refolded."""


class Stalled(Weather):
    """A partition is behind and nothing has been fetched from it for too long."""


class Backoff:
    """Waits that double from `first_s` to `last_s`, each times a random factor in [0.5, 1): jitter, so that not all come back at once."""

    def __init__(self, first_s: float, last_s: float, random: Random) -> None:
        self._first_s = first_s
        self._last_s = last_s
        self._random = random
        self._tries = 0

    def reset(self) -> None:
        """Start from `first_s` again: the weather has passed."""
        self._tries = 0

    def next_s(self) -> float:
        """How long to wait now."""
        wait_s: float = min(self._first_s * 2.0**self._tries, self._last_s)
        self._tries = min(self._tries + 1, 30)
        return wait_s * self._random.uniform(0.5, 1.0)

    async def wait(self, stop: asyncio.Event) -> None:
        """Wait, but no longer than until `stop` is set."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.next_s()):
                await stop.wait()
