"""Lines of a file, a pipe or a terminal, each as soon as it is there, while everything else goes on."""

import asyncio
import os
import stat
from collections.abc import AsyncGenerator

from penstock.errors import PenstockError

CHUNK_BYTES = 1 << 16


async def read_lines(fd: int, bytes_max: int) -> AsyncGenerator[bytes]:
    """The lines of an open file, with their ends. Raises: PenstockError for one of more than so many bytes, or if it cannot be read."""
    number, begun = 1, bytearray()
    while chunk := await _read(fd):
        *ends, rest = chunk.split(b"\n")
        for end in ends:
            begun += end
            _check(begun, number, bytes_max)
            yield bytes(begun + b"\n")
            begun.clear()
            number += 1
        begun += rest
        _check(begun, number, bytes_max)
    if begun:
        yield bytes(begun)


def _check(line: bytearray, number: int, bytes_max: int) -> None:
    if len(line) > bytes_max:
        raise PenstockError(f"line {number} has more than {bytes_max:,} bytes. Try: one event a line")


async def _read(fd: int) -> bytes:
    """What is there, once something is; nothing at the end."""
    try:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            await _something(fd)
        return os.read(fd, CHUNK_BYTES)
    except OSError as error:
        raise PenstockError(f"the lines cannot be read: {error.strerror}") from error


async def _something(fd: int) -> None:
    """Wait until something is there to be read, or the end.

    A thread that waits in a read would not end at Ctrl-C, and a terminal that is told not to block stays so for the shell.
    """
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(fd, there.set)
    except PermissionError:  # epoll's answer for what is always ready, such as /dev/null
        return
    try:
        await there.wait()
    finally:
        loop.remove_reader(fd)
