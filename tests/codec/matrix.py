"""The conformance matrix: four properties of each case, its size and its times."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from penstock.codec import decode, digest, encode
from tests.codec.cases import Case, answer, run
from tests.codec.supported import BY_NAME, CASES

ROOT = Path(__file__).parents[2]
OTHER_HASH_SEED = "4242"
PARTS = 4  # an uninterrupted run against one that is resumed so often
REPEATS = 3
QUESTIONS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """What was found of one case; `bytes` and `nodes` after training, times in ms, the best of three."""

    name: str
    round_trip: bool
    hash_seeds: bool
    resumed: bool
    moves: bool
    still: bool | None
    size_bytes: int
    nodes: int
    encode_ms: float
    decode_ms: float

    @property
    def holds(self) -> bool:
        """Whether the case has all that is promised of it: one that is pinned may differ between hash seeds."""
        return (
            self.round_trip and self.resumed and self.moves and self.still is not False and (self.hash_seeds or BY_NAME[self.name].pinned)
        )


def measured(training: int, further: int) -> Iterator[Row]:
    """The rows of all cases, as they are done; each process of another hash seed learns beside this one."""
    other = _digests_elsewhere(training)
    for case in CASES:
        yield _row(case, training, further, other)


def _row(case: Case, training: int, further: int, other: "subprocess.Popen[str]") -> Row:
    events = case.events(training + further)
    original = case.model()
    run(original, events[:training])
    state = encode(original)
    copy = decode(state)
    moved = decode(state)
    run(moved, events[training : training + 1])
    alike = run(original, events[training:]) == run(copy, events[training:]) and encode(original) == encode(copy)
    assert other.stdout is not None
    elsewhere = json.loads(other.stdout.readline())
    assert elsewhere["name"] == case.name
    return Row(
        name=case.name,
        round_trip=alike and encode(decode(state)) == state,
        hash_seeds=elsewhere["digest"] == digest(state),
        resumed=encode(_interrupted(case, events[:training])) == state,
        moves=encode(moved) != state,
        still=encode(asked(state, events[training - QUESTIONS : training])) == state if case.is_learner else None,
        size_bytes=len(state),
        nodes=len(msgspec.msgpack.decode(state)[3]),
        encode_ms=_best_ms(lambda: encode(moved)),
        decode_ms=_best_ms(lambda: decode(state)),
    )


def asked(state: bytes, events: Sequence[Any]) -> Any:
    """A copy of the model that was asked about events, and told nothing."""
    model = decode(state)
    for x, y in events:
        answer(model, x, y)
    return model


def _interrupted(case: Case, events: Sequence[Any]) -> Any:
    model = case.model()
    length = -(-len(events) // PARTS)
    for start in range(0, len(events), length):
        model = decode(encode(model))
        run(model, events[start : start + length])
    return model


def _best_ms(call: Any) -> float:
    times = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - began))
    return min(times)


def _digests_elsewhere(training: int) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONHASHSEED": OTHER_HASH_SEED}
    command = [sys.executable, "-m", "tests.codec", "digests", str(training)]
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def digests(training: int) -> Iterator[dict[str, str]]:
    """The digest of each case after its training, under this process's hash seed."""
    for case in CASES:
        model = case.model()
        run(model, case.events(training))
        yield {"name": case.name, "digest": digest(encode(model))}
