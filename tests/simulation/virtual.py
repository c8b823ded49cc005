"""An event loop whose clock jumps instead of waiting: a simulation of minutes runs in milliseconds, and the same way every time."""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from penstock.kafka.memory import Crash

T = TypeVar("T")


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time passes only when every task waits, and then at once."""

    def __init__(self) -> None:
        self._now_s = 0.0
        super().__init__(_Jumping(self))

    def time(self) -> float:
        return self._now_s

    def jump(self, by_s: float) -> None:
        self._now_s += by_s


class _Jumping(selectors.DefaultSelector):
    """A selector that never waits for anything outside: there is nothing outside."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        assert timeout is not None, "every task waits for something that will never come"
        if timeout > 0:
            self._loop.jump(timeout)
        return []


def run(main: Coroutine[Any, Any, T]) -> T:
    """As asyncio.run, in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.get_loop().set_exception_handler(_heed)
        return runner.run(main)


def _heed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """A process that has crashed leaves tasks behind whose end nobody asks for; anything else is told."""
    if not isinstance(context.get("exception"), Crash):
        loop.default_exception_handler(context)
