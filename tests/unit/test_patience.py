"""What passes by itself is waited for; what does not is raised at once."""

from typing import Any

import asyncpg
import httpx
import pytest

from penstock.errors import PenstockError
from penstock.fold.weather import Weather
from penstock.patience import as_weather, patiently
from penstock.records.schemas import SchemaRegistryError, SchemaRegistryUnavailable


class Log:
    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warning(self, _: str, **fields: Any) -> None:
        self.warnings.append(fields["reason"])


async def test_weather_is_waited_for_and_told() -> None:
    errors: list[Exception] = [OSError("away"), httpx.ConnectError("away")]

    async def attempt() -> str:
        if errors:
            raise errors.pop()
        return "done"

    log = Log()
    assert await patiently(log, attempt) == "done"
    assert log.warnings == ["ConnectError: away", "OSError: away"]


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
        asyncpg.DiskFullError("could not extend file"),
        asyncpg.CrashShutdownError("another server process crashed"),
        asyncpg.QueryCanceledError("statement timeout"),
        asyncpg.DeadlockDetectedError("deadlock detected"),
    ],
)
def test_a_database_that_is_cut_off_full_or_crashing_is_weather(error: Exception) -> None:
    with pytest.raises(Weather), as_weather("a checkpoint"):
        raise error


@pytest.mark.parametrize("error", [asyncpg.UniqueViolationError("duplicate key"), asyncpg.UndefinedTableError("no such table")])
def test_what_a_database_refuses_for_good_is_no_weather(error: Exception) -> None:
    with pytest.raises(type(error)), as_weather("a checkpoint"):
        raise error


@pytest.mark.parametrize("error", [PenstockError("ours"), SchemaRegistryError("refused"), ZeroDivisionError()])
async def test_what_will_not_pass_is_raised_at_once(error: Exception) -> None:
    async def attempt() -> None:
        raise error

    with pytest.raises(type(error)):
        await patiently(Log(), attempt)


def test_a_schema_registry_that_is_away_is_weather_and_one_that_refuses_is_not() -> None:
    with pytest.raises(Weather, match="schema 7"), as_weather("schema 7"):
        raise SchemaRegistryUnavailable("500")
    with pytest.raises(SchemaRegistryError) as refused, as_weather("schema 7"):
        raise SchemaRegistryError("409")
    assert not isinstance(refused.value, Weather)
