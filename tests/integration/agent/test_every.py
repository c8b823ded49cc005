"""The reconciler's timer."""

import asyncio

import pytest

from penstock.kafka.agent import every

TIMEOUT_S = 10.0


async def test_it_calls_at_once_and_again_and_stops_cleanly() -> None:
    calls: list[int] = []
    twice = asyncio.Event()

    async def work() -> None:
        calls.append(len(calls))
        if len(calls) == 2:
            twice.set()

    async with every(0.001, work), asyncio.timeout(TIMEOUT_S):
        await twice.wait()
    before = len(calls)
    await asyncio.wait({asyncio.create_task(twice.wait())})
    assert len(calls) == before


async def test_weather_is_waited_out() -> None:
    calls: list[int] = []
    third = asyncio.Event()

    async def work() -> None:
        calls.append(len(calls))
        if len(calls) < 3:
            raise ConnectionError("away")
        third.set()

    async with every(0.001, work, (ConnectionError,)), asyncio.timeout(TIMEOUT_S):
        await third.wait()


async def test_a_bug_ends_the_service() -> None:
    async def work() -> None:
        raise LookupError("a bug")

    async def serve() -> None:
        async with every(0.001, work, (ConnectionError,)), asyncio.timeout(TIMEOUT_S):
            await asyncio.Event().wait()

    with pytest.raises(BaseExceptionGroup) as ended:
        await serve()
    assert ended.group_contains(LookupError)
