"""The proxy of the fault campaign cuts what it is told to cut, before it arrives or when only the reply is on its way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random

from penstock.local.ports import HOST, choose_ports
from tests.faults.proxy import Cut, Proxy, is_commit, is_produce


@contextlib.asynccontextmanager
async def echo(heard: list[bytes]) -> AsyncIterator[Proxy]:
    """A server that says what it hears, behind a proxy; it ends when every connection has."""
    done = asyncio.Semaphore(0)
    taken = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal taken
        taken += 1
        with contextlib.suppress(ConnectionResetError):
            while chunk := await reader.read(100):
                heard.append(chunk)
                writer.write(chunk)
        await closed(writer)
        done.release()

    ports = choose_ports(("server", "proxy"), {})
    proxy = Proxy(ports["proxy"], ports["server"])
    server = await asyncio.start_server(answer, HOST, ports["server"])
    async with server:
        async with proxy.serving():
            yield proxy
        for _ in range(taken):
            await done.acquire()


async def say(proxy: Proxy, text: bytes) -> bytes:
    """What comes back; nothing when the connection is cut."""
    reader, writer = await asyncio.open_connection(HOST, proxy.port)
    writer.write(text)
    try:
        return await reader.read(100)
    except ConnectionResetError:
        return b""
    finally:
        await closed(writer)


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_a_proxy_forwards_both_ways() -> None:
    async with echo([]) as proxy:
        assert await say(proxy, b"hello") == b"hello"


async def test_what_matches_is_cut_before_it_arrives_or_before_the_reply() -> None:
    heard: list[bytes] = []
    async with echo(heard) as proxy:
        proxy.cut = Cut(is_commit, share=1.0, chance=Random(1))
        replies = {await say(proxy, b"Q\0\0\0\x0cCOMMIT;\0") for _ in range(20)}
        assert 0 < len(heard) < 20, "some have arrived"
        assert proxy.cut.times == 20
        assert b"" in replies
        assert await say(proxy, b"Q\0\0\0\x0cSELECT 1;\0")


async def test_a_server_that_is_away_cuts_the_client() -> None:
    ports = choose_ports(("server", "proxy"), {})
    proxy = Proxy(ports["proxy"], ports["server"])
    async with proxy.serving():
        assert await say(proxy, b"hello") == b""


def test_commits_and_appends_are_known_by_their_first_bytes() -> None:
    assert is_commit(b"Q\0\0\0\x0cCOMMIT;\0")
    assert not is_commit(b"P\0\0\0\x0cCOMMIT;\0")
    assert is_produce(b"\0\0\0\x40\0\0\0\x09rest")
    assert is_produce(b"\0\0\0\x40\0\x08\0\x09rest")
    assert not is_produce(b"\0\0\0\x40\0\x01\0\x09rest")
    assert not is_produce(b"\0\0")
