"""The command line as a stranger meets it."""

import itertools
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from penstock.cli import app
from penstock.cli.platform import NotRunning
from penstock.cli.produce import speed_of
from penstock.cli.rebuild import describe_rebuild
from penstock.cli.rewind import describe_rewind, read_range
from penstock.cli.sending import followed_by
from penstock.cli.show import open_proposals
from penstock.errors import UsageError
from penstock.inspection.rebuild import Rebuilt
from penstock.inspection.rewind import Heir, Rewound
from penstock.replay import closing_ticks
from penstock.spec import Spec, load

FLIGHTS = Path(__file__).parents[3] / "examples" / "flights" / "penstock.yaml"
VERBS = (
    "up",
    "down",
    "status",
    "logs",
    "doctor",
    "init",
    "apply",
    "produce",
    "tail",
    "promote",
    "rewind",
    "quarantine",
    "release",
    "rebuild",
    "ls",
    "show",
    "verify",
    "dlq",
)
PROVING = ("diff", "impact", "backtest")


def spec() -> Spec:
    return load(FLIGHTS.read_text(encoding="utf-8"))


def test_help_names_every_verb() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    assert [verb for verb in (*VERBS, *PROVING) if verb not in result.output] == []


@pytest.mark.parametrize("arguments", [["no-such-verb"], ["tail"], ["up", "--no-such-option"]])
def test_a_command_that_cannot_be_understood_is_exit_code_2(arguments: list[str]) -> None:
    assert CliRunner().invoke(app, arguments).exit_code == 2


def test_without_a_platform_the_message_names_the_next_command(tmp_path: Path) -> None:
    environment = {"PENSTOCK_BOOTSTRAP": "", "PENSTOCK_REGISTRY": ""}
    result = CliRunner().invoke(app, ["ls", "--folder", str(tmp_path)], env=environment)
    assert isinstance(result.exception, NotRunning)
    assert (result.exception.exit_code, str(result.exception)[-16:]) == (1, "Try: penstock up")


@pytest.mark.parametrize("text", ["7", "a:b", "7:", "7-9", "-1:3"])
def test_a_range_that_is_none_is_exit_code_2(text: str) -> None:
    with pytest.raises(UsageError, match="no range of offsets") as raised:
        read_range(text)
    assert raised.value.exit_code == 2


def test_a_dry_run_says_what_would_happen_and_that_nothing_did() -> None:
    heir = Heir(version=0, parent=2, learner="sgd", digest="", proposed=False)
    would = Rewound("m", True, "", 900, 300, [(400, 500), (600, 610)], 601, 1.26, 41, 39, [heir], 2)
    assert describe_rewind(would).splitlines() == [
        "m would be folded again from offset 300 up to 900, without 400:500, 600:610: 601 records, about 1.3 s",
        "  41 predictions and 39 labels stand there and would reach no learner",
        "  1 versions would go on as new ones; version 2 would serve until its heir does",
        "nothing was changed",
    ]


def test_a_rewind_says_who_goes_on_and_who_is_to_serve() -> None:
    heirs = [Heir(3, 1, "sgd", "ab" * 32, True), Heir(4, 2, "adagrad", "cd" * 32, False)]
    done = Rewound("m", False, "rewind:7:9:1f", 900, 0, [(7, 9)], 901, 0.5, 2, 0, heirs, 1)
    assert describe_rewind(done).splitlines() == [
        "m was folded again from the beginning without 7:9: 901 records in 0.5 s (rewind:7:9:1f)",
        "  2 more predictions are quarantined",
        "  version 3 goes on for 1 (sgd), digest abababababababab, to serve",
        "  version 4 goes on for 2 (adagrad), digest cdcdcdcdcdcdcdcd",
    ]


def test_a_rebuild_says_under_which_runtime_and_who_goes_on_and_a_dry_run_that_nothing_changed() -> None:
    heirs = [Heir(3, 1, "sgd", "ab" * 32, True)]
    done = Rebuilt("m", False, "rebuild:1f", 900, 800, 1.26, '{"river":"0.26.1","python":"3.11"}', heirs, 1, [1, 2])
    assert describe_rebuild(done).splitlines() == [
        "m was folded again from the beginning up to 900 in 1.3 s (rebuild:1f)",
        "  under python 3.11, river 0.26.1",
        "  version 3 goes on for 1 (sgd), digest abababababababab, to serve",
    ]
    assert describe_rebuild(replace(done, dry_run=True, heirs=[])).splitlines() == [
        "m would be folded again from the beginning up to 900: about 1.3 s",
        "  under python 3.11, river 0.26.1",
        "  the living among its versions 1, 2 would go on as new ones; their checkpoints keep the runtime that they have",
        "  what came since offset 800 was not told yet, and would be",
        "nothing was changed",
    ]


def history(*events: tuple[int, str, int]) -> list[dict[str, Any]]:
    return [
        {"position": position, "kind": kind, "version": version, "cause": "c", "detail": {"labels": 9, "difference": 0.1}}
        for position, kind, version in events
    ]


def test_a_proposal_is_open_while_its_version_lives_and_nobody_has_come_to_serve_since() -> None:
    versions = [{"version": number, "state": "retired" if number == 4 else "live"} for number in range(1, 6)]
    events = history((1, "serve", 1), (5, "proposal", 2), (8, "serve", 5), (9, "drift", 5), (10, "proposal", 3), (11, "proposal", 4))
    found = open_proposals({"versions": versions, "champion": 5, "history": events})
    assert found == [{"version": 3, "position": 10, "cause": "c", "labels": 9, "difference": 0.1}]


def test_who_learns_from_what_a_file_brings_is_waited_for() -> None:
    assert [(each.model, each.label_stream) for each in followed_by(spec(), "arrivals")] == [("flights-late", "arrivals")]
    assert followed_by(spec(), "weather") == []


def test_closing_ticks_go_no_further_at_once_than_a_clock_may_jump() -> None:
    day_ms = 86_400_000
    ticks = list(closing_ticks(spec(), {"flights": 0, "arrivals": 30 * day_ms}))
    for stream in ("flights", "arrivals"):
        times = [datetime.fromisoformat(json.loads(body)["penstock.tick"]).timestamp() * 1000 for name, _, body in ticks if name == stream]
        assert times[-1] == 34 * day_ms + 1_000
        assert all(later - earlier <= 7 * day_ms for earlier, later in itertools.pairwise(times))


@pytest.mark.parametrize(("speed", "rate"), [("60", None), ("x", None), ("0x", None), ("-1x", None), ("1.2.3x", None), ("60x", 5.0)])
def test_a_speed_that_is_none_is_exit_code_2(speed: str, rate: float | None) -> None:
    with pytest.raises(UsageError, match="--speed"):
        speed_of(speed, rate)


def test_what_comes_from_standard_input_cannot_go_on(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["produce", "halls", "-", "--resume", "--folder", str(tmp_path)])
    assert isinstance(result.exception, UsageError)
    assert "standard input" in str(result.exception)
