"""The HTTP gateway on the local stack: single requests, batches, and the delay of acknowledgements at half of the rate of single requests.

It starts the whole platform in a folder of its own, or uses the one whose addresses are in the environment, and applies one stream of ten
fields. A client in this process (httpx, CLIENTS connections that stay open) sends SINGLES events one by one, then BATCHES requests of
BATCH_EVENTS events as JSON lines; rounds are interleaved. Rates are events with a 202, which means that Kafka has them, over wall-clock
seconds. *Half load*: HALF_S seconds of single requests at half of the median rate, at fixed times whatever the answers do; a delay counts
from the time at which a request was due. Client, gateway, Kafka and the other services share the cores. At the end every acknowledged event
must stand on its topic once, or there is no figure. Environment: SINGLES (default 3000), BATCHES (default 60), HALF_S (default 20), ROUNDS
(default 3), CLIENTS (default 16).
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import httpx

from benchmarks.ingestion import SPECIFICATION, event
from benchmarks.machine import environment
from benchmarks.pipeline import platform, spread
from benchmarks.report import Result
from penstock.cli.platform import addresses, registry
from penstock.errors import PenstockError
from penstock.kafka.cluster import opened
from penstock.kafka.ports import TopicPartition
from penstock.spec import load

GOAL = 20.0
BATCH_EVENTS = 500
READY_TIMEOUT_S = 60.0
LOOK_EVERY_S = 0.2
UNKNOWN_YET = (404, 503)
REQUEST_TIMEOUT_S = 30.0

Post = Callable[[int], Awaitable[None]]


def measure(folder: Path) -> Result:
    """Run all rounds; the figures. Raises: PenstockError when an acknowledged event is not where the receipt says."""
    with platform(folder) as place:
        return asyncio.run(_measure(place))


async def _measure(place: Path) -> Result:
    name, singles, batches = f"gate-{uuid.uuid4().hex[:8]}", environment("SINGLES", 3_000), environment("BATCHES", 60)
    async with registry(place) as client:
        await client.apply(load(SPECIFICATION.replace("flights:", f"{name}:"), "benchmarks/ingestion.py").to_json())
    at = addresses(place)
    clients = environment("CLIENTS", 16)
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    async with httpx.AsyncClient(base_url=at.gateway, limits=limits, timeout=REQUEST_TIMEOUT_S) as http:
        bench = Bench(http, name, clients)
        await bench.until_open()
        rates = [
            {"single": await bench.rate_per_s(singles, bench.one), "batch": BATCH_EVENTS * await bench.rate_per_s(batches, bench.many)}
            for _ in range(environment("ROUNDS", 3))
        ]
        half_per_s = median(each["single"] for each in rates) / 2
        delays_ms = await bench.paced(half_per_s, environment("HALF_S", 20))
    async with opened(at.bootstrap) as kafka:
        end = (await kafka.bounds(TopicPartition(f"events.{name}", 0))).end
    if not sorted(bench.offsets) == list(range(end)):
        raise PenstockError(f"{len(bench.offsets):,} events were acknowledged, {end:,} stand on the topic. Try: SINGLES=100")
    return _result(rates, half_per_s, delays_ms, end)


@dataclass
class Bench:
    """A client of one stream's gateway; `offsets` are those of the receipts."""

    http: httpx.AsyncClient
    stream: str
    clients: int
    offsets: list[int] = field(default_factory=list)
    _sent: int = 0

    async def until_open(self) -> None:
        """Wait until the gateway knows the stream. Raises: PenstockError."""
        until_s = time.monotonic() + READY_TIMEOUT_S
        while (answer := await self._post("application/json", self._bodies(1)[0])).status_code in UNKNOWN_YET:
            if time.monotonic() > until_s:
                raise PenstockError(f"the gateway does not know {self.stream}: {answer.text}. Try: python -m benchmarks gateway")
            await asyncio.sleep(LOOK_EVERY_S)
        self._note([answer.json()])

    async def one(self, _: int) -> None:
        """One event in one request."""
        answer = await self._post("application/json", self._bodies(1)[0])
        self._check(answer)
        self._note([answer.json()])

    async def many(self, _: int) -> None:
        """A batch of events in one request."""
        answer = await self._post("application/x-ndjson", b"\n".join(self._bodies(BATCH_EVENTS)))
        self._check(answer)
        self._note(answer.json()["accepted"])

    async def rate_per_s(self, requests: int, post: Post) -> float:
        """Requests per second, each connection as fast as it is answered."""
        left = iter(range(requests))

        async def client() -> None:
            for number in left:
                await post(number)

        began_s = time.perf_counter()
        await asyncio.gather(*[client() for _ in range(self.clients)])
        return requests / (time.perf_counter() - began_s)

    async def paced(self, rate_per_s: float, seconds: int) -> list[float]:
        """The delay of each acknowledgement in ms, from when its request was due."""
        began_s, delays_ms = time.perf_counter(), list[float]()

        async def post(due_s: float) -> None:
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            await self.one(0)
            delays_ms.append((time.perf_counter() - due_s) * 1e3)

        async with asyncio.TaskGroup() as tasks:
            for number in range(int(rate_per_s * seconds)):
                due_s = began_s + number / rate_per_s
                await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
                tasks.create_task(post(due_s))
        return delays_ms

    async def _post(self, media_type: str, body: bytes) -> httpx.Response:
        return await self.http.post(f"/events/{self.stream}", content=body, headers={"Content-Type": media_type})

    def _bodies(self, count: int) -> list[bytes]:
        self._sent += count
        return [json.dumps(event(number)).encode() for number in range(self._sent - count, self._sent)]

    def _note(self, receipts: Sequence[dict[str, int]]) -> None:
        self.offsets += [each["offset"] for each in receipts]

    @staticmethod
    def _check(answer: httpx.Response) -> None:
        if answer.status_code != 202:
            raise PenstockError(f"the gateway says {answer.status_code}: {answer.text[:200]}. Try: CLIENTS=8 python -m benchmarks gateway")


def _result(rates: Sequence[dict[str, float]], half_per_s: float, delays_ms: Sequence[float], end: int) -> Result:
    single, batch = (median(each[name] for each in rates) for name in ("single", "batch"))
    worst = min(each["batch"] / each["single"] for each in rates)
    delay = spread(delays_ms)
    rows: list[tuple[str, ...]] = [
        ("one event a request, events/s", f"{single:,.0f}", "", ""),
        (f"{BATCH_EVENTS} events a request, events/s", f"{batch:,.0f}", "", ""),
        ("batch / single", f"{batch / single:.1f}", f"{worst:.1f}", f"≥ {GOAL:.0f}"),
        *[(f"acknowledged at {half_per_s:,.0f} requests/s, {name}, ms", f"{value:.1f}", "", "") for name, value in delay.items()],
    ]
    figures = {
        "rounds_per_s": list(rates),
        "ratio_median": batch / single,
        "ratio_worst_round": worst,
        "half_per_s": half_per_s,
        "ack_ms": delay,
    }
    return Result(
        ("", "median", "worst round", "goal"), rows, figures, [f"{end:,} events were acknowledged, and each stands on the topic once"]
    )
