"""Where the platform answers: addresses in the environment win over those of the local stack in this folder."""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Coroutine
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.local.state import StackAddresses
    from penstock.registry_client import RegistryClient

Result = TypeVar("Result")
DEFAULT_FOLDER = Path(".penstock")
ENVIRONMENT = {
    "bootstrap": "PENSTOCK_BOOTSTRAP",
    "dsn": "PENSTOCK_DSN",
    "registry": "PENSTOCK_REGISTRY",
    "schema_registry_url": "PENSTOCK_SCHEMA_REGISTRY_URL",
    "trainer": "PENSTOCK_TRAINER",
    "monitor": "PENSTOCK_MONITOR",
    "feature_store": "PENSTOCK_FEATURE_STORE",
    "gateway": "PENSTOCK_GATEWAY",
}


class Output(StrEnum):
    """How to print: for people or for programs."""

    TABLE = "table"
    JSON = "json"


OutputOption = Annotated[Output, typer.Option("--output", "-o", help="Table for people, json for programs.")]
FolderOption = Annotated[Path, typer.Option("--folder", help="Where the local stack keeps its data, logs and state.")]


class NotRunning(PenstockError):
    """There is no platform to talk to."""


def addresses(folder: Path = DEFAULT_FOLDER) -> "StackAddresses":
    """Every address that is known. Raises: NotRunning when neither the environment nor a local stack names Kafka and the registry."""
    from dataclasses import replace  # noqa: PLC0415

    from penstock.local.state import StackAddresses, read_state  # noqa: PLC0415

    state = read_state(folder)
    found = state.addresses if state is not None and state.is_alive else StackAddresses()
    given: dict[str, Any] = {field: os.environ[name] for field, name in ENVIRONMENT.items() if os.environ.get(name)}
    found = replace(found, **given)
    if not (found.bootstrap and found.registry):
        raise NotRunning(f"nothing runs in {folder}, and no PENSTOCK_BOOTSTRAP and PENSTOCK_REGISTRY are set. Try: penstock up")
    return found


def topic(name: str) -> str:
    """The full name of a topic: with the prefix of the installation (PENSTOCK_TOPIC_PREFIX), unless it has that already."""
    from penstock.settings import Settings  # noqa: PLC0415

    prefix = Settings().topic_prefix
    return name if prefix and name.startswith(prefix) else prefix + name


@contextlib.asynccontextmanager
async def registry(folder: Path = DEFAULT_FOLDER) -> "AsyncIterator[RegistryClient]":
    """A client of the registry."""
    from penstock.registry_client import RegistryClient  # noqa: PLC0415

    async with RegistryClient(addresses(folder).registry) as client:
        yield client


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Run a verb's work to its end."""
    return asyncio.run(work)
