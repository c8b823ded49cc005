"""A pytest plugin that writes what became of each test as lines of JSON, for whoever started pytest."""

import json
from pathlib import Path

import pytest

HANG = "from pytest-timeout"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take the file to write."""
    parser.addoption("--outcomes", type=Path, required=True)


def pytest_configure(config: pytest.Config) -> None:
    """Write from now on."""
    config.pluginmanager.register(_Recorder(config.getoption("--outcomes")))


class _Recorder:
    def __init__(self, file: Path) -> None:
        self._file = file

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test has three reports: setup, call, teardown."""
        line = {
            "test": report.nodeid,
            "when": report.when,
            "outcome": report.outcome,
            "hung": report.failed and HANG in report.longreprtext,
            "seconds": report.duration,
        }
        with self._file.open("a") as file:
            file.write(json.dumps(line) + "\n")
