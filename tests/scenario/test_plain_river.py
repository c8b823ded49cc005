"""What the platform says a model has learned is what plain River learns from the same log, to the last bit."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from penstock.cli.platform import registry
from tests.scenario.flights import Run
from tests.scenario.running import DEADLINE_S, Platform

pytestmark = pytest.mark.timeout(400)  # the first one waits for the stack, the platform and a whole replay

SCRIPT = Path(__file__).with_name("plain_river.py")
METRICS = ("log_loss", "rocauc", "accuracy")


async def test_plain_river_gets_the_same_metrics_and_the_same_digest(platform: Platform, recorded: Run) -> None:
    plain = _plain_river(platform, recorded.model)
    async with registry(platform.folder) as client:
        checkpoints = {f"{each.version}@{each.position}": each for each in await client.checkpoints(recorded.model, limit=10_000)}
    assert plain.keys() == checkpoints.keys()
    assert len({each.version for each in checkpoints.values()}) >= 2, "a version was born of drift"
    assert recorded.counts.get("labels.too_late", 0) == 0, "plain River has no clock"
    for reference, checkpoint in checkpoints.items():
        found, kept = plain[reference], json.loads(checkpoint.metrics)
        assert {name: repr(found[name]) for name in METRICS} == {name: repr(kept[name]) for name in METRICS}, reference
        assert found["digest"] == checkpoint.digest, reference
    assert recorded.counts["labelled"] > 3_000  # which version had learned how many of them depends on when drift came back


def _plain_river(platform: Platform, model: str) -> dict[str, dict[str, float | str]]:
    at = platform.at
    done = subprocess.run(
        [sys.executable, str(SCRIPT), at.bootstrap, at.registry, at.schema_registry_url, model],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "0"},  # the order of a set of texts is part of the runtime in which bits are promised
        timeout=DEADLINE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: dict[str, dict[str, float | str]] = json.loads(done.stdout)
    return results
