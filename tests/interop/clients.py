"""Clients: what a folder says of one, its installation on this machine, and what its programs print."""

import json
import os
import shlex
import shutil
import subprocess
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

INSTALL_TIMEOUT_S = 900
RUN_TIMEOUT_S = 120
NOT_OURS = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONHASHSEED")
TOLD_CHARACTERS = 300
SCHEMA = "reading.avsc"
"""Beside the folders: the schema that all who write Avro share. A program finds it beside itself."""


class Skipped(Exception):
    """The client is not to be had on this machine."""


class Failed(Exception):
    """The client is here, and does not do what it should."""


class Client(BaseModel):
    """A client.toml. What cannot be installed is skipped; what cannot be built or run has failed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    needs: list[str]
    install: list[str]
    build: list[str] = []
    version: list[str] = []  # prints the version of the producing client; a second one, of what it runs on. First lines count
    registry: str | None = None  # the command that speaks to the schema registry
    produce: list[str] = []  # commands that send events; each is given the stream's name and how many
    stream: str = "readings"  # which one it sends to


def load(folder: Path) -> Client:
    """The client in a folder."""
    return Client.model_validate(tomllib.loads((folder / "client.toml").read_text()))


def folders(root: Path, only: Sequence[str] = ()) -> list[Path]:
    """The folders of clients, all or those named. Raises: Failed for a name that is none."""
    found = {path.parent.name: path.parent for path in sorted(root.glob("*/client.toml"))}
    if unknown := set(only) - set(found):
        raise Failed(f"there is no client {', '.join(sorted(unknown))}; there is {', '.join(found)}")
    return [folder for name, folder in found.items() if not only or name in only]


def prepare(client: Client, source: Path, folder: Path) -> None:
    """Copy the sources to a folder and install there what they need; what an earlier run installed stays. Raises: Skipped; Failed."""
    if missing := [tool for tool in client.needs if shutil.which(tool) is None]:
        raise Skipped(f"there is no {' and no '.join(missing)} on this machine")
    shutil.copytree(source, folder, dirs_exist_ok=True)
    shutil.copy(Path(__file__).with_name(SCHEMA), folder)
    for command in client.install:
        try:
            run(command, folder, timeout_s=INSTALL_TIMEOUT_S)
        except Failed as error:
            raise Skipped(f"it could not be installed: {error}") from error
    for command in client.build:
        run(command, folder, timeout_s=INSTALL_TIMEOUT_S)


def ask(command: str, folder: Path, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run a program of a client; the JSON of its last line. Raises: Failed."""
    lines = run(command, folder, environment).strip().splitlines()
    try:
        said = json.loads(lines[-1] if lines else "")
    except ValueError as error:
        raise Failed(f"{command}: its last line is no JSON: {lines[-1:]}") from error
    assert isinstance(said, dict)
    return said


def versions(client: Client, folder: Path) -> tuple[str, str]:
    """What its commands say of the versions: of the client, and of what it runs on; nothing without a command. Raises: Failed."""
    said = [next(iter(run(command, folder).splitlines()), "") for command in client.version]
    return said[0] if said else "", said[1] if len(said) > 1 else ""


def run(command: str, folder: Path, environment: Mapping[str, str] | None = None, timeout_s: int = RUN_TIMEOUT_S) -> str:
    """What a command prints, run in a folder. Raises: Failed."""
    inherited = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    try:
        done = subprocess.run(
            shlex.split(command),
            cwd=folder,
            env=inherited | dict(environment or {}),
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise Failed(f"{command}: took longer than {timeout_s} s") from error
    if done.returncode != 0:
        said = " ".join((done.stderr or done.stdout).split())
        raise Failed(f"{command}: exit code {done.returncode}: {said[-TOLD_CHARACTERS:]}")
    return done.stdout
