"""Processes with other hash seeds reach the same digests."""

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.codec.cases import TRAINING
from tests.codec.supported import CASES

ROOT = Path(__file__).parents[2]
PROBABILITIES = """
from penstock.codec import decode
from tests.codec.supported import BY_NAME, trained
case = BY_NAME["tree-adaptive-many"]
model = decode(trained(case.name))
print([list(model.predict_proba_one(x).items()) for x, _ in case.events(300)])
"""


def _process(hash_seed: str, *arguments: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def _answers(*arguments: str) -> list[str]:
    processes = [_process(hash_seed, *arguments) for hash_seed in ("0", "4242")]
    answers = [process.communicate(timeout=120)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    return answers


def test_two_hash_seeds_give_the_same_digests_of_every_case_that_is_not_pinned() -> None:
    first, second = ({line["name"]: line["digest"] for line in map(json.loads, said.splitlines())} for said in _digests())
    differing = {name for name in first if first[name] != second[name]}
    assert set(first) == {case.name for case in CASES}
    assert differing <= {case.name for case in CASES if case.pinned}


def _digests() -> list[str]:
    return _answers("-m", "tests.codec", "digests", str(TRAINING))


def test_two_hash_seeds_give_the_same_probabilities() -> None:
    first, second = _answers("-c", PROBABILITIES)
    assert len(first) > 1_000
    assert first == second
