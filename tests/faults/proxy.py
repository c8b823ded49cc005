"""A TCP proxy between the services and Kafka or PostgreSQL, which can cut connections at the worst moment."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from random import Random

from penstock.local.ports import HOST

CHUNK_BYTES = 1 << 18
PRODUCE, OFFSET_COMMIT = 0, 8  # Kafka's API keys

Matches = Callable[[bytes], bool]


@dataclass(slots=True)
class Cut:
    """Which connections to cut: every `share`-th chunk of a client that `matches`, before it is forwarded or when it has been."""

    matches: Matches
    share: float
    chance: Random
    times: int = 0

    def decide(self, chunk: bytes) -> tuple[bool, bool]:
        """Whether to cut here, and whether the server still gets the chunk: then only the reply is lost."""
        if not (self.matches(chunk) and self.chance.random() < self.share):
            return False, True
        self.times += 1
        return True, self.chance.random() < 0.5


@dataclass(slots=True)
class Proxy:
    """Forwards connections from `port` to `target`; while there is a `cut`, it cuts those that match."""

    port: int
    target: int
    cut: Cut | None = None
    _pairs: set[asyncio.Task[None]] = field(default_factory=set)

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Serve while inside."""
        server = await asyncio.start_server(self._take, HOST, self.port, limit=CHUNK_BYTES)
        try:
            yield
        finally:
            server.close()
            for pair in self._pairs:
                pair.cancel()
            await asyncio.gather(*self._pairs, return_exceptions=True)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._pairs.add(task)
        task.add_done_callback(self._pairs.discard)
        try:
            server_reader, server_writer = await asyncio.open_connection(HOST, self.target, limit=CHUNK_BYTES)
        except OSError:
            writer.transport.abort()
            return
        ways = (self._client_way(reader, server_writer), _forward(server_reader, writer))
        try:
            await _first(*(asyncio.create_task(way) for way in ways))
        finally:
            for each in (writer, server_writer):
                each.transport.abort()

    async def _client_way(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(CHUNK_BYTES):
                cuts, reaches = self.cut.decide(chunk) if self.cut else (False, True)
                if reaches:
                    writer.write(chunk)
                    await writer.drain()
                if cuts:
                    return


async def _forward(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK_BYTES):
            writer.write(chunk)
            await writer.drain()


async def _first(*tasks: "asyncio.Task[None]") -> None:
    """Wait for the first one to end, and end the others."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def is_commit(chunk: bytes) -> bool:
    """Whether this is the end of a transaction (a simple query, protocol 3.0)."""
    return chunk[:1] == b"Q" and b"COMMIT" in chunk[:32]


def is_produce(chunk: bytes) -> bool:
    """Whether a frame begins here that appends records or commits offsets: size (int32), API key (int16)."""
    return len(chunk) > 6 and int.from_bytes(chunk[4:6], "big") in (PRODUCE, OFFSET_COMMIT)
