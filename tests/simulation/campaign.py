"""Seeds by the thousand: each in a process of its own core, with the one command that replays a failure."""

import gc
import hashlib
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from multiprocessing import get_context
from typing import Any

from penstock.errors import PenstockError

SEED_S_MAX = 60.0
"""A seed takes half a second; one that takes so long runs in a circle."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one seed gave. `fingerprint` hashes every log, every fault and every violation: the same seed has the same one."""

    seed: int
    cpu_s: float
    virtual_s: float
    records: int
    fingerprint: str
    broken: list[str] = field(default_factory=list)
    injected: Counter[str] = field(default_factory=Counter)


class DoesNotEnd(PenstockError):
    """A seed that runs and runs."""


def play(seed: int) -> Outcome:
    """Run one seed here and check it. PYTHONHASHSEED must be 0, or the codec's fingerprint is another one."""
    from tests.simulation.checks import violations_of  # noqa: PLC0415  # River takes seconds to import; only those who play need it
    from tests.simulation.platform import Choices, Run, simulate  # noqa: PLC0415
    from tests.simulation.virtual import run  # noqa: PLC0415

    async def live() -> tuple[Run, list[str]]:
        ended = await simulate(Choices(seed))
        return ended, await violations_of(ended)

    began_s = time.process_time()
    with _alarm(seed):
        ended, broken = run(live())
    print_ = fingerprint(ended.broker, ended.injected, broken)
    return Outcome(seed, time.process_time() - began_s, ended.virtual_s, ended.broker.appended, print_, broken, ended.injected)


def played(seed: int) -> Outcome:
    """As `play`, but what it raises is what the seed has broken: no error may end the others, or hide which seed it was."""
    try:
        return play(seed)
    except Exception as error:
        return Outcome(seed, 0.0, 0.0, 0, "", [f"raised {type(error).__name__}: {error}"])


def fingerprint(broker: Any, injected: Counter[str], broken: list[str]) -> str:
    """SHA-256 over everything that can be seen of a run."""
    seen = hashlib.sha256(repr((sorted(injected.items()), broken)).encode())
    for place in broker.logs():
        for record in broker.records(place):
            seen.update(repr(tuple(record)).encode())
    return seen.hexdigest()


def campaign(seeds: Iterator[int], minutes: float, cores: int) -> Iterator[Outcome]:
    """The outcomes as they come, until the seeds or the minutes have run out."""
    os.environ["PYTHONHASHSEED"] = "0"  # of the processes that are started from here on
    deadline_s = time.monotonic() + 60 * minutes if minutes else float("inf")
    with ProcessPoolExecutor(cores, mp_context=get_context("spawn"), initializer=_prepare) as pool:
        waiting: set[Future[Outcome]] = set()
        while True:
            room = 2 * cores - len(waiting) if time.monotonic() < deadline_s else 0
            waiting |= {pool.submit(played, seed) for seed in islice(seeds, room)}
            if not waiting:
                return
            done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in done:
                yield future.result()


def _prepare() -> None:
    import tests.simulation.checks  # noqa: F401, PLC0415

    gc.freeze()  # River's modules are many objects, and none of them is garbage


@contextmanager
def _alarm(seed: int) -> Iterator[None]:
    def ring(*_: Any) -> None:
        raise DoesNotEnd(f"seed {seed} has not ended after {SEED_S_MAX:.0f} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, SEED_S_MAX)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
