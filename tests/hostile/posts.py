"""Hostile requests to the gateway: bodies, encodings and headers that are broken, and bytes that are hardly HTTP."""

import asyncio
import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from random import Random
from typing import NamedTuple
from urllib.parse import urlsplit

import httpx
import zstandard

from tests.hostile.messages import envelope, mutated
from tests.hostile.stream import as_json, sighting

ANSWER_TIMEOUT_S = 30.0
RAW_TIMEOUT_S = 15.0  # the gateway waits 10 s for a body; a connection that is closed before could still bring events
RAW_EVERY = 10
SIDE_BY_SIDE = 4
BOMB_BYTES = 60_000_000
MEDIA_TYPES = (
    "application/json",
    "application/x-ndjson",
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "text/plain",
    "",
)


class Post(NamedTuple):
    """A request: its body and headers."""

    body: bytes
    headers: dict[str, str]


def posts(count: int, seed: int) -> Iterator[Post]:
    """So many hostile requests."""
    chance = Random(seed)
    bombs = gzip.compress(bytes(BOMB_BYTES)), zstandard.compress(bytes(BOMB_BYTES))
    for number in range(count):
        event = sighting(number, chance) | {"sighting_id": f"posted {number}"}
        plain = as_json(chance.choice((event, [event, event | {"size": 101}], [event] * 1_001, envelope(event), [envelope(event)])))
        body, encoding = chance.choice(((plain, ""), (gzip.compress(plain), "gzip"), (zstandard.compress(plain), "zstd"), (plain, "br")))
        if chance.random() < 0.8:
            body = chance.choice((mutated(body, chance), body[: chance.randrange(len(body))], body + body, chance.choice(bombs)))
        headers = {
            "content-type": chance.choice(MEDIA_TYPES),
            "content-encoding": chance.choice((encoding, encoding, "gzip", "gzip, zstd, gzip")),
        }
        yield Post(body, headers | chance.choice(MORE))


MORE: tuple[dict[str, str], ...] = (
    {},
    {"idempotency-key": "k" * 3_000},
    {"ce-id": "%ff%fe", "ce-type": "penstock.tick"},
    {"ce-time": "soon", "ce-specversion": "1.0"},
    {"ce-specversion": "0.3", "ce-id": "%00", "ce-source": "x" * 5_000, "ce-type": "sightings"},
    {"traceparent": "00-" + "0" * 32 + "-" + "0" * 16 + "-01"},
)


async def send(gateway: str, stream: str, count: int, seed: int) -> Counter[int]:
    """Send the requests; how often each status was answered. 0: bytes that were hardly HTTP got no answer."""
    statuses: Counter[int] = Counter()
    waiting = enumerate(posts(count, seed))

    async def work(client: httpx.AsyncClient) -> None:
        for number, post in waiting:
            raw = number % RAW_EVERY == 0
            statuses[await _raw(gateway, stream, post, Random(seed + number)) if raw else await _post(client, stream, post)] += 1

    async with httpx.AsyncClient(base_url=gateway, trust_env=False, timeout=ANSWER_TIMEOUT_S) as client, asyncio.TaskGroup() as tasks:
        for _ in range(SIDE_BY_SIDE):
            tasks.create_task(work(client))
    return statuses


async def _post(client: httpx.AsyncClient, stream: str, post: Post) -> int:
    return (await client.post(f"/events/{stream}", content=post.body, headers=post.headers)).status_code


async def _raw(gateway: str, stream: str, post: Post, chance: Random) -> int:
    """A request with bytes changed anywhere, on a connection of its own; its status."""
    at = urlsplit(gateway)
    head = (
        f"POST /events/{stream} HTTP/1.1\r\nhost: {at.netloc}\r\ncontent-type: application/json\r\ncontent-length: {len(post.body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection(at.hostname, at.port)
    answer = b""
    with suppress(OSError, TimeoutError):
        writer.write(mutated(head.encode(), chance) + post.body[:2_000])
        async with asyncio.timeout(RAW_TIMEOUT_S):
            answer = await reader.readline()
    writer.close()
    words = answer.split()
    return int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
