"""Lines of a file, a pipe or a terminal, each as soon as it is there, while everything else goes on."""

import asyncio
import os
from collections.abc import AsyncGenerator

from penstock.errors import PenstockError

CHUNK_BYTES = 1 << 16


async def read_lines(fd: int, bytes_max: int) -> AsyncGenerator[bytes]:
    """The lines of an open file, with their ends. Raises: PenstockError for one of more than so many bytes; OSError."""
    number, begun = 1, b""
    while chunk := await _read(fd):
        *whole, begun = (begun + chunk).split(b"\n")
        for line in whole:
            _check(line, number, bytes_max)
            yield line + b"\n"
            number += 1
        _check(begun, number, bytes_max)
    if begun:
        yield begun


def _check(line: bytes, number: int, bytes_max: int) -> None:
    if len(line) > bytes_max:
        raise PenstockError(f"line {number} has more than {bytes_max:,} bytes. Try: one event a line")


async def _read(fd: int) -> bytes:
    """What is there, once something is; nothing at the end.

    A thread that waits in a read would not end at Ctrl-C, and a terminal that is told not to block stays so for the shell.
    """
    loop, there = asyncio.get_running_loop(), asyncio.Event()
    try:
        loop.add_reader(fd, there.set)
    except PermissionError:  # epoll's answer for a regular file, where something is always there
        return os.read(fd, CHUNK_BYTES)
    try:
        await there.wait()
    finally:
        loop.remove_reader(fd)
    return os.read(fd, CHUNK_BYTES)
