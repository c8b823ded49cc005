"""Answers computed anew by a process of its own: learners are decoded under PYTHONHASHSEED=0, as where they serve."""

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, BinaryIO

import msgspec

from penstock.errors import PenstockError
from penstock.tasks import TASKS, Answer

LENGTH_BYTES = 8
STOP_S = 5.0

Features = Mapping[str, Any]


class Recomputer:
    """A child that is given a learner's bytes and questions, one learner after the other; `runtime` is what it runs under."""

    def __init__(self, child: asyncio.subprocess.Process, runtime: str) -> None:
        self._child = child
        self.runtime = runtime

    async def answers(self, task: str, blob: bytes, questions: Sequence[Features]) -> list[Answer | None]:
        """The learner's answer to each question. Raises: PenstockError when its bytes cannot be read."""
        assert self._child.stdin is not None
        self._child.stdin.write(_framed([task, blob, list(questions)]))
        await self._child.stdin.drain()
        answer = await _answer(self._child)
        if isinstance(answer, str):
            raise PenstockError(answer)
        return list(answer)


@contextlib.asynccontextmanager
async def recomputer() -> AsyncIterator[Recomputer]:
    """Start the child; it ends with this block."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "penstock.inspection.recompute",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, env={**os.environ, "PYTHONHASHSEED": "0"},
    )  # fmt: skip
    try:
        yield Recomputer(child, await _answer(child))
    finally:
        assert child.stdin is not None
        child.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await child.wait()
        except TimeoutError:
            child.kill()
            await child.wait()


def _framed(value: Any) -> bytes:
    data = msgspec.msgpack.encode(value)
    return len(data).to_bytes(LENGTH_BYTES, "big") + data


async def _answer(child: asyncio.subprocess.Process) -> Any:
    assert child.stdout is not None
    try:
        length = int.from_bytes(await child.stdout.readexactly(LENGTH_BYTES), "big")
        return msgspec.msgpack.decode(await child.stdout.readexactly(length))
    except asyncio.IncompleteReadError as error:
        raise PenstockError(f"the process that recomputes answers ended with exit code {await child.wait()}") from error


def answer(inward: BinaryIO, outward: BinaryIO) -> None:
    """The child: say the runtime, then answer until there is nothing more."""
    from penstock import codec  # noqa: PLC0415  (River takes a second, and only the child needs it)
    from penstock.learning import answer_of  # noqa: PLC0415
    from penstock.spec.specification import canonical  # noqa: PLC0415

    outward.write(_framed(canonical(codec.runtime())))
    outward.flush()
    while head := inward.read(LENGTH_BYTES):
        task, blob, questions = msgspec.msgpack.decode(inward.read(int.from_bytes(head, "big")))
        try:
            learner = codec.decode(blob)
            outward.write(_framed([answer_of(TASKS[task], learner, features) for features in questions]))
        except codec.StateError as error:
            outward.write(_framed(f"a checkpoint cannot be read: {error}"))
        outward.flush()


if __name__ == "__main__":
    answer(sys.stdin.buffer, sys.stdout.buffer)
