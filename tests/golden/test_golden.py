"""What a kept log gives is what it gave: an upgrade of River, NumPy or Python that changes learning is seen here first."""

import hashlib
import json
import os
import subprocess
import sys
from typing import Any

from tests.golden.golden import FOLDER, expected

NOTE = "If that is wanted: python -m tests.golden, and tell users that models that live need `penstock rebuild` (docs/operations.md)"
LOG = "5000a5a220ded70cb80607e7dd3f9054ee25e851448d66784ea113692841e881"


def folded() -> dict[str, Any]:
    """The fold of the kept log, under the hash seed of learners."""
    program = "import json; from penstock import codec; from tests.golden.golden import fold; "
    program += "print(json.dumps({'runtime': dict(codec.runtime()), **fold()}))"
    done = subprocess.run([sys.executable, "-c", program], env={**os.environ, "PYTHONHASHSEED": "0"}, capture_output=True, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_kept_log_gives_what_it_gave() -> None:
    found = folded()
    same = [each for each in expected() if each["runtime"]["river"] == found["runtime"]["river"]]
    for each in same or expected():
        assert found["chain"] == each["chain"], "the chain is a matter of ours alone"
        assert found["counts"] == each["counts"], "the life of labels, too"
    scores = {name: version["scores"] for name, version in found["versions"].items()}
    known = [{name: version["scores"] for name, version in each["versions"].items()} for each in expected()]
    assert scores in known, f"under {found['runtime']} learners answer otherwise than under any runtime before. {NOTE}"
    digests = {name: version["digest"] for name, version in found["versions"].items()}
    known = [{name: version["digest"] for name, version in each["versions"].items()} for each in same]
    assert digests in known, f"under {found['runtime']} learners answer the same, but their bytes are others. {NOTE}"


def test_the_kept_log_is_the_one_that_was_kept() -> None:
    assert hashlib.sha256((FOLDER / "log.bin").read_bytes()).hexdigest() == LOG
