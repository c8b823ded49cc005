"""The faults: what is done to which process, and from when on the platform is expected to recover."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil

from penstock.crashpoint import POINTS
from penstock.local.stack import SERVICES
from tests.faults.disk import fill, free
from tests.faults.load import Load, Schedule
from tests.faults.posting import Posting
from tests.faults.proxy import Cut, Matches, Proxy, is_commit, is_produce
from tests.faults.stack import Platform
from tests.waiting import until

NOTICED_WITHIN_S = 30.0
CRASHED_WITHIN_S = 45.0
POSTED_WITHIN_S = 90.0
CUT_S, FULL_S = 4.0, 5.0
ALL = tuple(service.name for service in SERVICES)
FOLDS = tuple(name for name in ALL if name != "registry")
PASSINGS_MAX = {"round": 40, "snapshot": 3, "outbox": 4}


@dataclass(frozen=True, slots=True)
class Window:
    """From the first moment of a fault to its last, in seconds since the epoch; recovery is counted from the last."""

    begin_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Target:
    """What a fault may touch."""

    platform: Platform
    load: Load
    chance: Random


Strike = Callable[[Target], Awaitable[Window]]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault; `row` is its line of the table."""

    name: str
    row: str
    strike: Strike
    needs_disk: bool = False


def kill(name: str, number: signal.Signals = signal.SIGKILL) -> Strike:
    """A signal that ends a process; the supervisor brings it back."""

    async def strike(on: Target) -> Window:
        before, began_s = on.platform.restarts(name), time.time()
        os.kill(on.platform.pid(name), number)
        await until(lambda: on.platform.restarts(name) > before, NOTICED_WITHIN_S)
        ended_s = began_s if number == signal.SIGKILL else on.platform.died_s[name]
        return Window(began_s, ended_s)

    return strike


def freeze(name: str, seconds: float) -> Strike:
    """SIGSTOP for a while: the process does not know that it was away."""

    async def strike(on: Target) -> Window:
        began_s = time.time()
        with _frozen(on.platform.pid(name)):
            await asyncio.sleep(seconds)
        return Window(began_s, time.time())

    return strike


def zombie(name: str, seconds: float, together_s: float = 3.0) -> Strike:
    """SIGSTOP while a second instance takes over, then SIGCONT: for a while two processes think that they own the same partitions."""

    async def strike(on: Target) -> Window:
        began_s = time.time()
        async with AsyncExitStack() as stack:
            with _frozen(on.platform.pid(name)):
                await stack.enter_async_context(on.platform.standby(name))
                await asyncio.sleep(seconds)
            await asyncio.sleep(together_s)
        return Window(began_s, time.time())

    return strike


def crash(name: str, point: str) -> Strike:
    """A process that dies at a named point of the code, at a passing that chance chooses."""

    async def strike(on: Target) -> Window:
        platform, before = on.platform, on.platform.restarts(name)
        passing = on.chance.randint(1, PASSINGS_MAX[point.partition(".")[0]])
        began_s = time.time()
        platform.arm(name, f"{point}:{passing}")
        os.kill(platform.pid(name), signal.SIGKILL)
        await until(lambda: platform.restarts(name) >= before + 2, CRASHED_WITHIN_S)
        return Window(began_s, platform.died_s[name])

    return strike


def cut(proxy_of: Callable[[Platform], Proxy], matches: Matches, seconds: float) -> Strike:
    """Half of all connections that send what matches are cut in that moment: before it arrives, or before the reply does."""

    async def strike(on: Target) -> Window:
        proxy, began_s = proxy_of(on.platform), time.time()
        proxy.cut = cutting = Cut(matches, 0.5, on.chance)
        await asyncio.sleep(seconds)
        proxy.cut = None
        assert cutting.times, "no connection was cut"
        return Window(began_s, time.time())

    return strike


def fill_disk(disk_of: Callable[[Platform], Path], seconds: float) -> Strike:
    """Not one byte is free for a while."""

    async def strike(on: Target) -> Window:
        began_s = time.time()
        fill(disk_of(on.platform))
        try:
            await asyncio.sleep(seconds)
        finally:
            free(disk_of(on.platform))
        return Window(began_s, time.time())

    return strike


def spoil(seconds: float, share: float = 0.05) -> Strike:
    """Bad records beside the load."""

    async def strike(on: Target) -> Window:
        began_s = time.time()
        on.load.schedule.bad_share = share
        await asyncio.sleep(seconds)
        on.load.schedule.bad_share = 0.0
        return Window(began_s, time.time())

    return strike


def kill_while_posting(seconds: float, rate_per_s: float = 300.0) -> Strike:
    """Ingestion dies while somebody posts events to its gateway, beside the load; who posts sends again what nobody has answered."""

    async def strike(on: Target) -> Window:
        schedule = Schedule(on.chance.randrange(2**32), rate_per_s, f"posted-{on.platform.restarts('ingestion')}")
        posting = Posting(on.platform.addresses.gateway, schedule, on.load.sent)
        async with posting.running():
            schedule.go_on(time.time())
            await asyncio.sleep(on.chance.uniform(0.2, 0.8) * seconds)
            window = await kill("ingestion")(on)
            await asyncio.sleep(seconds)
            schedule.hold()
            await until(lambda: posting.settled, POSTED_WITHIN_S)
        return window

    return strike


@contextmanager
def _frozen(pid: int) -> Iterator[None]:
    """A process with all its children, stopped while inside."""
    parent = psutil.Process(pid)
    parent.suspend()
    stopped = [parent, *parent.children(recursive=True)]  # it makes no more of them
    for each in stopped[1:]:
        each.suspend()
    try:
        yield
    finally:
        for each in reversed(stopped):
            each.resume()


def killed() -> list[Fault]:
    """kill -9 of each service; of ingestion also while its gateway is at work."""
    alone = [Fault(f"kill {name}", f"kill -9 {name}", kill(name)) for name in ALL]
    return [*alone, Fault("kill gateway", "kill -9 ingestion while events are posted to its gateway", kill_while_posting(3.0))]


def zombies(seconds: float) -> list[Fault]:
    """Each service of folds, stopped and continued: alone, and with a second instance that takes over."""
    alone = [Fault(f"stop {name}", f"SIGSTOP {seconds:.0f} s, SIGCONT: a service", freeze(name, seconds)) for name in FOLDS]
    row = f"SIGSTOP {seconds:.0f} s while another instance takes over, SIGCONT"
    return [*alone, *(Fault(f"zombie {name}", row, zombie(name, seconds)) for name in FOLDS)]


def crashes() -> list[Fault]:
    """Each crash point, in each service that comes by it."""
    return [
        Fault(f"crash {name} {point}", f"crash at {point}", crash(name, point))
        for point in POINTS
        if point.partition(".")[0] in PASSINGS_MAX  # the others are those of the command line
        for name in (("registry",) if point.startswith("outbox.") else FOLDS)
        if (name, point) != ("monitor", "round.sent")  # it sends something only when it sees drift
    ]


def broker(stopped_s: float) -> list[Fault]:
    """What befalls Kafka."""
    return [
        Fault("kill kafka", "kill -9 Kafka", kill("kafka")),
        Fault("stop kafka", f"Kafka stopped for {stopped_s:.0f} s", freeze("kafka", stopped_s)),
        Fault("cut kafka", "connections to Kafka cut while records are appended", cut(lambda on: on.kafka_proxy, is_produce, CUT_S)),
        Fault("kafka disk full", f"disk under Kafka full for {FULL_S:.0f} s", fill_disk(lambda on: on.kafka_disk, FULL_S), needs_disk=True),
    ]


def database(stopped_s: float) -> list[Fault]:
    """What befalls PostgreSQL."""
    return [
        Fault("restart postgres fast", "PostgreSQL restarted (fast)", kill("postgres", signal.SIGINT)),
        Fault("restart postgres immediate", "PostgreSQL restarted (immediate)", kill("postgres", signal.SIGQUIT)),
        Fault("kill postgres", "kill -9 PostgreSQL", kill("postgres")),
        Fault("stop postgres", f"PostgreSQL stopped for {stopped_s:.0f} s", freeze("postgres", stopped_s)),
        Fault("cut postgres", "connections to PostgreSQL cut at COMMIT", cut(lambda on: on.postgres_proxy, is_commit, CUT_S)),
        Fault(
            "postgres disk full",
            f"disk under PostgreSQL full for {FULL_S:.0f} s",
            fill_disk(lambda on: on.postgres_disk, FULL_S),
            needs_disk=True,
        ),
    ]


def inputs(seconds: float) -> list[Fault]:
    """Bad input."""
    return [Fault("bad input", "corrupt and oversize input, 5 % of the load", spoil(seconds))]


def short_form(chance: Random) -> list[Fault]:
    """What CI has time for: every kind of fault; of the crash points and the zombies a few that chance chooses."""
    points: dict[str, Fault] = {}
    for fault in chance.sample(crashes(), k=len(crashes())):
        points.setdefault(fault.row, fault)
    some = chance.sample(sorted(points.values(), key=lambda fault: fault.name), k=4)
    return _shuffled(chance, [*killed(), *some, *chance.sample(zombies(8.0), k=2), *broker(10.0), *database(10.0), *inputs(4.0)])


def long_form(chance: Random) -> list[Fault]:
    """Everything, the quick ones several times."""
    often = [*killed(), *broker(60.0)[:1], *database(60.0)[:3]] * 3
    return _shuffled(chance, [*often, *crashes(), *zombies(15.0), *broker(60.0)[1:], *database(60.0)[3:], *inputs(20.0)])


def every_fault(long: bool) -> dict[str, Fault]:
    """All faults by name."""
    stopped_s, zombie_s = (60.0, 15.0) if long else (10.0, 8.0)
    found = [*killed(), *crashes(), *zombies(zombie_s), *broker(stopped_s), *database(stopped_s), *inputs(5.0)]
    return {fault.name: fault for fault in found}


def _shuffled(chance: Random, faults: list[Fault]) -> list[Fault]:
    return chance.sample(faults, k=len(faults))
