"""The command line as a stranger meets it."""

import itertools
import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from penstock.cli import app
from penstock.cli.platform import NotRunning
from penstock.cli.produce import closing_ticks
from penstock.spec import Spec, load

FLIGHTS = Path(__file__).parents[3] / "examples" / "flights" / "penstock.yaml"
VERBS = ("up", "down", "status", "logs", "doctor", "init", "apply", "produce", "tail", "ls", "show", "verify")


def spec() -> Spec:
    return load(FLIGHTS.read_text(encoding="utf-8"))


def test_help_names_every_verb() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert [verb for verb in VERBS if verb not in result.output] == []


@pytest.mark.parametrize("arguments", [["no-such-verb"], ["tail"], ["up", "--no-such-option"]])
def test_a_command_that_cannot_be_understood_is_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_without_a_platform_the_message_names_the_next_command(tmp_path: Path) -> None:
    environment = {"PENSTOCK_BOOTSTRAP": "", "PENSTOCK_REGISTRY": ""}
    result = CliRunner().invoke(app, ["ls", "--folder", str(tmp_path)], env=environment)
    assert isinstance(result.exception, NotRunning)
    assert (result.exception.exit_code, str(result.exception)[-16:]) == (1, "Try: penstock up")


def test_closing_ticks_go_no_further_at_once_than_a_clock_may_jump() -> None:
    day_ms = 86_400_000
    ticks = list(closing_ticks(spec(), {"flights": 0, "arrivals": 30 * day_ms}))
    for stream in ("flights", "arrivals"):
        times = [
            datetime.fromisoformat(json.loads(body)["penstock.tick"]).timestamp() * 1000
            for topic, _, body in ticks
            if topic.endswith(stream)
        ]
        assert times[-1] == 34 * day_ms + 1_000
        assert all(later - earlier <= 7 * day_ms for earlier, later in itertools.pairwise(times))
