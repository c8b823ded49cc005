"""Hostile bytes by the hundred thousand, read in a child process whose memory is capped by the kernel."""

import json
import os
import random
import resource
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from penstock.codec import Limits, StateError, decode, encode
from penstock.codec.attributes import ATTRIBUTES
from penstock.codec.classes import name_of
from penstock.codec.encoder import Walk
from penstock.codec.kinds import kinds_by_type
from tests.codec.supported import CASES, trained

ROOT = Path(__file__).parents[2]
CHUNK = 5_000  # inputs a child: a new one now and then, so that growth shows as growth
MIB = 1024 * 1024
STATE_BYTES_MAX = 6_000  # larger ones would only be slower
SLOW_S = 5.0
LIMITS = Limits(size_bytes_max=MIB, nodes_max=20_000, decode_s_max=SLOW_S)
SEED_EVENTS = 30
CHILD_TIMEOUT_S = 1_200
NUMBERS = (0, -1, 1, 255, 2**31, 2**63 - 1, -(2**63), 2**64 - 1, 0.0, -0.0, 1e308, float("inf"), float("-inf"), float("nan"))
WORDS = ("os.system", "builtins.eval", "subprocess.Popen", "__class__", "__init__", "river.stats.mean.Mean", "copy.deepcopy", "", "a" * 999)


@dataclass
class Report:
    """What became of the inputs."""

    inputs: int = 0
    refused: int = 0
    accepted: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    crashes: int = 0
    memory_mib_max: float = 0.0
    growth_mib_max: float = 0.0
    slowest_ms: float = 0.0

    @property
    def clean(self) -> bool:
        """Whether no input did what none may."""
        return not self.faults and not self.crashes

    def __str__(self) -> str:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in sorted(self.kinds.items()))
        return (
            f"{self.inputs:,} inputs: {self.refused:,} refused ({kinds}), {self.accepted:,} accepted as another state; "
            f"crashes {self.crashes}, faults {len(self.faults)} {self.faults[:5]}; slowest {self.slowest_ms:.0f} ms; "
            f"memory of a child at most {self.memory_mib_max:.0f} MiB, {self.growth_mib_max:.0f} MiB of it while reading"
        )


def campaign(inputs: int, seed: int, memory_mib: int, say: Callable[[str], None]) -> Report:
    """Read so many inputs in children, each of which may use `memory_mib` of address space; a child that ends is a crash."""
    report = Report()
    for start in range(0, inputs, CHUNK):
        count = min(CHUNK, inputs - start)
        command = [sys.executable, "-m", "tests.codec.fuzz", str(seed + start), str(count), str(memory_mib)]
        child = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=CHILD_TIMEOUT_S, env={**os.environ})
        if child.returncode:
            report.crashes += 1
            report.faults.append(f"seed {seed + start}: exit code {child.returncode}: {child.stderr[-300:]}")
        else:
            _add(report, json.loads(child.stdout.splitlines()[-1]))
        say(f"{start + count:,}: {report.refused:,} refused, {report.accepted:,} accepted, crashes {report.crashes}")
    return report


def _add(report: Report, found: dict[str, Any]) -> None:
    report.inputs += found["inputs"]
    report.refused += sum(found["kinds"].values())
    report.accepted += found["accepted"]
    report.kinds.update(found["kinds"])
    report.faults.extend(found["faults"])
    report.memory_mib_max = max(report.memory_mib_max, found["memory_mib"])
    report.growth_mib_max = max(report.growth_mib_max, found["growth_mib"])
    report.slowest_ms = max(report.slowest_ms, found["slowest_ms"])


def read(count: int, seed: int) -> dict[str, Any]:
    """Read so many inputs here; what became of them."""
    kinds: Counter[str] = Counter()
    accepted, faults, slowest_s = 0, [], 0.0
    source = random.Random(seed)
    states = _states(source)
    before_mib = peak_mib()
    for number in range(count):
        data = mutated(source.choice(states), states, source)
        began = time.monotonic()
        outcome = tried(data)
        slowest_s = max(slowest_s, time.monotonic() - began)
        if outcome == "accepted":
            accepted += 1
        elif outcome in ("Malformed", "NotAllowed", "TooLarge", "WrongVersion"):
            kinds[outcome] += 1
        else:
            faults.append(f"seed {seed}, input {number}: {outcome}")
    memory_mib = peak_mib()
    figures = {"memory_mib": memory_mib, "growth_mib": memory_mib - before_mib, "slowest_ms": 1e3 * slowest_s}
    return {"inputs": count, "accepted": accepted, "kinds": dict(kinds), "faults": faults[:20], **figures}


def tried(data: bytes) -> str:
    """What one input does: the name of our error, "accepted" when it is a state that the list allows, or what it must not do."""
    try:
        model = decode(data, LIMITS)
    except StateError as error:
        return type(error).__name__
    except BaseException as error:
        return f"raised {type(error).__name__}: {error}"
    foreign = _foreign(model)
    if foreign:
        return f"made a {foreign}"
    return "accepted" if encode(model) == data else "is not canonical"


def _foreign(model: Any) -> str | None:
    walk = Walk(model)
    walk.document()
    names = {name_of(type(obj)) for obj in walk.objects if type(obj) not in kinds_by_type()}
    return ", ".join(sorted(names - set(ATTRIBUTES))) or None


def peak_mib() -> float:
    """The most memory that this process has had at once, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _states(source: random.Random) -> Sequence[bytes]:
    cases = source.sample(CASES, 40)
    states = [trained(case.name, SEED_EVENTS) for case in cases]
    return [state for state in states if len(state) <= STATE_BYTES_MAX]


def mutated(state: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    """Another input from a state: by its bytes, by its structure, or from nothing."""
    roll = source.random()
    if roll < 0.35:
        return _by_bytes(state, others, source)
    if roll < 0.9:
        return _by_structure(state, source)
    return bytes(source.getrandbits(8) for _ in range(source.randrange(200)))


def _by_bytes(state: bytes, others: Sequence[bytes], source: random.Random) -> bytes:
    data = bytearray(state)
    for _ in range(source.choice((1, 1, 1, 2, 8))):
        place = source.randrange(len(data))
        match source.randrange(5):
            case 0:
                data[place] ^= 1 << source.randrange(8)
            case 1:
                data[place] = source.getrandbits(8)
            case 2:
                del data[place : place + source.randrange(1, 9)]
            case 3:
                data[place:place] = bytes(source.getrandbits(8) for _ in range(source.randrange(1, 9)))
            case _:
                other = source.choice(others)
                begin = source.randrange(len(other))
                data[place : place + 20] = other[begin : begin + 20]
        if not data:
            return b""
    return bytes(data)


def _by_structure(state: bytes, source: random.Random) -> bytes:
    """Canonical bytes of another document: what byte flips seldom reach."""
    document = msgspec.msgpack.decode(state)
    for _ in range(source.choice((1, 1, 2, 3))):
        holder, index = source.choice(list(_places(document, source)))
        holder[index] = _other(holder[index], document, source)
    return msgspec.msgpack.encode(document)


def _places(document: list[Any], source: random.Random) -> Iterator[tuple[list[Any], int]]:
    """A part somewhere in the document: of its head, of a layout, of a node, or of a value inside."""
    yield document, source.randrange(len(document))
    for table in (document[2], document[3]):
        if isinstance(table, list) and table:
            yield table, source.randrange(len(table))
            holder = source.choice(table)
            while isinstance(holder, list) and holder:
                index = source.randrange(len(holder))
                yield holder, index
                holder = holder[index]


def _other(value: Any, document: list[Any], source: random.Random) -> Any:
    match source.randrange(8):
        case 0:
            return source.choice(NUMBERS)
        case 1:
            return source.choice(WORDS)
        case 2:
            return [source.randrange(-1, len(document[3]) + 1) if isinstance(document[3], list) else 0]
        case 3:
            return source.choice((None, True, False, b"", b"\xff" * 30, [], [[]], [32, 1, 2], [35, "builtins.eval"], [37, [0], "x"]))
        case 4 if isinstance(value, list):
            return [*value, source.choice(NUMBERS)]
        case 5 if isinstance(value, list):
            return value[:-1]
        case 6 if isinstance(value, list):
            return source.sample(value, len(value))
        case _:
            return [source.randrange(40), value] if source.random() < 0.5 else source.randrange(40)


if __name__ == "__main__":
    _seed, _count, _memory_mib = map(int, sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_AS, (_memory_mib * MIB, _memory_mib * MIB))
    sys.stdout.write(json.dumps(read(_count, _seed)) + "\n")
