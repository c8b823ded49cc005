"""What an agent does with one record: weather is waited for, all else has so many tries, then the record is buried."""

from collections.abc import Iterable, Iterator

import httpx
import pytest

from penstock.fold.protocol import LogRecord, Record
from penstock.fold.weather import SendFailed, Weather
from penstock.kafka.agent import Agent, Retry, handle_one
from penstock.rpc import Unavailable

QUICK = Retry(attempts_max=3, first_wait_s=0.001, wait_max_s=0.002)
RECORD = LogRecord("registry", 0, 7, 0, b"model/late", b"entry", ())


class Desk:
    """A handler that raises what it is given, one error a try, then works; and the dead letters."""

    def __init__(self, errors: Iterable[Exception]) -> None:
        self.errors: Iterator[Exception] = iter(errors)
        self.tries = 0
        self.handled: list[Record] = []
        self.dead: list[tuple[Record, str]] = []

    async def handle(self, record: Record) -> None:
        self.tries += 1
        for error in self.errors:
            raise error
        self.handled.append(record)

    async def bury(self, record: Record, error: Exception) -> None:
        self.dead.append((record, str(error)))

    async def take(self) -> None:
        await handle_one(Agent("one", RECORD.topic, self.handle), RECORD, self.bury, QUICK)


@pytest.mark.parametrize("weather", [Weather("away"), SendFailed("away"), Unavailable("away"), OSError("away"), httpx.ConnectError("away")])
async def test_weather_is_waited_for_as_long_as_it_takes_and_never_buried(weather: Exception) -> None:
    desk = Desk([weather] * 20)
    await desk.take()
    assert (desk.handled, desk.dead, desk.tries) == ([RECORD], [], 21)


async def test_weather_in_between_is_no_attempt() -> None:
    desk = Desk([ValueError("one"), Weather("away"), ValueError("two"), Weather("away"), Weather("away")])
    await desk.take()
    assert (desk.handled, desk.dead, desk.tries) == ([RECORD], [], 6)


async def test_what_is_no_weather_is_buried_after_so_many_tries() -> None:
    desk = Desk([Weather("away"), *(ValueError(f"bad {number}") for number in range(9))])
    await desk.take()
    assert (desk.handled, desk.dead, desk.tries) == ([], [(RECORD, "bad 2")], 1 + QUICK.attempts_max)
