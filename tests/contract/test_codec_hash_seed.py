"""Processes with other hash seeds reach the same digests."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
NAMES = ["logistic-adagrad", "tree-adaptive-many", "forest-text", "prior", "f1"]
PROGRAM = f"""
from penstock.codec import decode, digest
from tests.codec.supported import BY_NAME, trained
names = {NAMES}
print([digest(trained(name)) for name in names])
case = BY_NAME["tree-adaptive-many"]
model = decode(trained(case.name))
print([list(model.predict_proba_one(x).items()) for x, _ in case.events(300)])
"""


def _process(hash_seed: str) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    return subprocess.Popen([sys.executable, "-c", PROGRAM], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)


def test_two_hash_seeds_give_the_same_digests_and_probabilities() -> None:
    first, second = _process("0"), _process("4242")
    answers = [process.communicate(timeout=60)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0)
    assert len(answers[0]) > 64 * len(NAMES)
    assert answers[0] == answers[1]
