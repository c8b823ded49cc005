"""Who may come in: so many requests at once, so many in a second, and the others are told when to come back."""

import contextlib
import math
import time
from collections.abc import Callable, Iterator

RETRY_AFTER_S = 2


class Crowded(Exception):
    """A request that has to come back, after so many seconds."""

    def __init__(self, reason: str, retry_after_s: int) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class Admission:
    """At most `requests_max` requests at once, and `rate_max` a second on average (0: no limit), as many as that at a time.

    A token bucket. A request that is turned away costs no token: who comes back as told gets in.

    >>> admission = Admission(requests_max=1, rate_max=2, clock=lambda: 0.0)
    >>> with admission.slot(): pass
    >>> with admission.slot(): pass
    >>> with admission.slot(): pass
    Traceback (most recent call last):
    penstock_ingestion.admission.Crowded: 2 requests a second are taken
    """

    def __init__(self, requests_max: int, rate_max: float = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._requests_max = requests_max
        self._rate_max = rate_max
        self._clock = clock
        self._requests = 0
        self._burst = max(1.0, rate_max)
        self._tokens = self._burst
        self._filled_s = clock()

    @contextlib.contextmanager
    def slot(self) -> Iterator[None]:
        """A place for one request. Raises: Crowded, at once."""
        if self._requests >= self._requests_max:
            raise Crowded(f"{self._requests_max} requests are under way", RETRY_AFTER_S)
        self._take_token()
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    def _take_token(self) -> None:
        if not self._rate_max:
            return
        now_s = self._clock()
        self._tokens = min(self._burst, self._tokens + (now_s - self._filled_s) * self._rate_max)
        self._filled_s = now_s
        if self._tokens < 1:
            raise Crowded(f"{self._rate_max:g} requests a second are taken", math.ceil((1 - self._tokens) / self._rate_max))
        self._tokens -= 1
