"""The supervisor with tiny services: readiness, restarts, order, and no orphans."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from penstock.local.detached import stop
from penstock.local.running import running
from penstock.local.services import Service
from penstock.local.stack import LocalStackError, State, read_state
from tests.integration.local.looking import processes, restarted
from tests.integration.local.run_stack import services
from tests.waiting import until

SCRIPT = Path(__file__).with_name("run_stack.py")
WITHIN_S = 30.0


@pytest.fixture(autouse=True)
def no_infrastructure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PENSTOCK_BOOTSTRAP", "127.0.0.1:1")
    monkeypatch.setenv("PENSTOCK_DSN", "postgresql://u:p@127.0.0.1:2/penstock")


@contextmanager
def supervised(folder: Path, notes: Path, *names: str) -> Iterator["subprocess.Popen[bytes]"]:
    with subprocess.Popen([sys.executable, str(SCRIPT), str(folder), str(notes), *names]) as supervisor:
        try:
            until(lambda: phase(folder) == "ready", WITHIN_S)
            yield supervisor
        finally:
            supervisor.kill()


def phase(folder: Path) -> str:
    state = read_state(folder)
    return state.phase if state else ""


def noted(notes: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in notes.read_text().splitlines()]


def test_a_killed_service_comes_back_on_the_same_port(tmp_path: Path) -> None:
    folder, notes = tmp_path / "stack", tmp_path / "notes"
    with supervised(folder, notes, "a", "b"):
        before = processes(folder)
        os.kill(before["a"].pid, signal.SIGKILL)
        until(restarted(folder, "a"), WITHIN_S)
        after = processes(folder)
        assert after["a"].pid != before["a"].pid
        assert after["a"].addresses == before["a"].addresses
        assert after["a"].exit_code == -signal.SIGKILL
        assert after["b"] == before["b"]


def test_nothing_outlives_a_killed_supervisor(tmp_path: Path) -> None:
    folder, notes = tmp_path / "stack", tmp_path / "notes"
    with supervised(folder, notes, "a", "b") as supervisor:
        children = processes(folder).values()
        assert all(child.is_alive for child in children)
        supervisor.kill()
        supervisor.wait()
        until(lambda: not any(child.is_alive for child in children), WITHIN_S)
    assert phase(folder) == "ready"  # what a dead supervisor wrote last: the pid and start time tell that it is dead
    state = read_state(folder)
    assert state
    assert not state.is_alive


def test_stages_start_in_order_and_stop_in_reverse(tmp_path: Path) -> None:
    folder, notes = tmp_path / "stack", tmp_path / "notes"
    with supervised(folder, notes, "a", "b", "c") as supervisor:
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(WITHIN_S) == 0
    assert [(note["name"], note["what"]) for note in noted(notes)] == [
        *((name, "started") for name in "abc"),
        *((name, "stopped") for name in "cba"),
    ]
    assert {process.state for process in processes(folder).values()} == {"stopped"}
    assert phase(folder) == "stopped"


def test_stop_ends_a_running_stack_and_forgives_one_that_does_not_run(tmp_path: Path) -> None:
    folder, notes = tmp_path / "stack", tmp_path / "notes"
    with supervised(folder, notes, "a") as supervisor:
        stop(folder)
        assert supervisor.wait(WITHIN_S) == 0
    assert not processes(folder)["a"].is_alive
    stop(folder)
    stop(tmp_path / "never")


def test_a_second_stack_in_the_folder_is_refused(tmp_path: Path) -> None:
    folder, notes = tmp_path / "stack", tmp_path / "notes"
    with supervised(folder, notes, "a"):
        before = read_state(folder)
        with pytest.raises(LocalStackError, match=r"a stack runs in .* already"):
            asyncio.run(start_and_stop(folder))
        assert read_state(folder) == before


def test_a_service_is_told_its_addresses(tmp_path: Path) -> None:
    state = asyncio.run(start_and_stop(tmp_path / "stack", *services(tmp_path / "notes", ["registry"])))
    told = noted(tmp_path / "notes")[0]["environment"]
    assert told["PENSTOCK_OPS_PORT"] == str(state.ports["registry.ops"])
    assert told["PENSTOCK_BOOTSTRAP"] == "127.0.0.1:1"
    assert told["PYTHONHASHSEED"] == "0"


def test_ports_stay_the_same_when_the_stack_comes_back(tmp_path: Path) -> None:
    stack = services(tmp_path / "notes", ["a"])
    first = asyncio.run(start_and_stop(tmp_path / "stack", *stack))
    second = asyncio.run(start_and_stop(tmp_path / "stack", *stack))
    assert first.ports == second.ports


def test_a_service_that_dies_at_the_start_stops_all_and_its_log_says_why(tmp_path: Path) -> None:
    folder, notes = tmp_path / "stack", tmp_path / "notes"
    broken = Service("broken", (sys.executable, "-c", "raise SystemExit('no such setting')"), ("ops",), stage=1)
    with pytest.raises(LocalStackError, match=r"(?s)broken ended with code 1 .*no such setting"):
        asyncio.run(start_and_stop(folder, *services(notes, ["a"]), broken))
    assert not any(process.is_alive for process in processes(folder).values())
    assert phase(folder) == "failed"


def test_an_answer_of_another_process_is_not_readiness(tmp_path: Path) -> None:
    folder = tmp_path / "stack"
    notes, child = tmp_path / "notes", str(Path(__file__).with_name("child.py"))
    impostor = Service("a", (sys.executable, child, "a", str(notes), "claim", "1"))

    async def is_never_ready() -> None:
        starting = asyncio.create_task(start_and_stop(folder, impostor))
        await until(lambda: notes.exists() and "started" in notes.read_text())
        async with asyncio.timeout(3):
            await starting

    with pytest.raises(TimeoutError):
        asyncio.run(is_never_ready())
    assert notes.read_text().count("started") == 1


def test_the_state_file_is_private_since_it_holds_the_password(tmp_path: Path) -> None:
    asyncio.run(start_and_stop(tmp_path / "stack"))
    assert (tmp_path / "stack" / "state.json").stat().st_mode & 0o077 == 0


async def start_and_stop(folder: Path, *stack: Service) -> State:
    async with running(folder, stack) as state:
        return state
