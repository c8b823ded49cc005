"""Waiting for a condition with a deadline: the one place in the tests that sleeps."""

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

PAUSE_S = 0.02

Condition = Callable[[], bool | Awaitable[bool]]


def until(condition: Condition, timeout_s: float = 60.0) -> Awaitable[None]:
    """Return as soon as `condition()` holds: await it in an async test; in one without a loop it has waited when it returns.

    Raises: AssertionError when the condition does not hold within `timeout_s`.
    """
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(_until(condition, timeout_s))
        return _nothing
    return _until(condition, timeout_s)


class _Nothing:
    def __await__(self):  # type: ignore[no-untyped-def]  # a generator that ends at once
        return iter(())


_nothing = _Nothing()


async def _until(condition: Condition, timeout_s: float) -> None:
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + timeout_s
    while not await _holds(condition):
        assert loop.time() < deadline_s, f"not within {timeout_s} s"
        await asyncio.sleep(PAUSE_S)


async def _holds(condition: Condition) -> bool:
    answer = condition()
    return await answer if isawaitable(answer) else bool(answer)
