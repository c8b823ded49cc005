"""The catalogue: what the registry's compacted topic says, kept up to date in every service."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from types import TracebackType
from typing import Any, Self

import httpx
import structlog

from penstock.errors import PenstockError
from penstock.fold.protocol import Record
from penstock.kafka import compacted
from penstock.records import Wire
from penstock.records.schemas import SchemaRegistryError
from penstock.spec import Model, Stream, View, part_from_json

KINDS = ("stream", "view", "model", "version", "checkpoint", "alias")  # the topic also keeps schemas, which are asked for by id
NOT_NOW: tuple[type[Exception], ...] = (httpx.HTTPError, SchemaRegistryError)
WEATHER = compacted.WEATHER + NOT_NOW

_Found = tuple[int, Any]


class Catalogue:
    """The registry's things by name, each at its highest revision; read from the topic's beginning, without a group.

    Used as `async with Catalogue(bootstrap, topic, wire) as catalogue: await catalogue.ready()`. It outlives Kafka's and the
    schema registry's absence: what was read stays, and reading goes on. Specification parts are (version, part).
    """

    def __init__(self, bootstrap: str, topic: str, wire: Wire) -> None:
        self._wire = wire
        self._found: dict[str, dict[str, _Found]] = {}
        self._follower = compacted.Follower(bootstrap, topic, self._take, self._tell, NOT_NOW)
        self._tasks = asyncio.TaskGroup()
        self._log = structlog.get_logger().bind(topic=topic)

    @property
    def streams(self) -> Mapping[str, tuple[int, Stream]]:
        """The streams: (version, stream) by name."""
        return self._found.get("stream", {})

    @property
    def views(self) -> Mapping[str, tuple[int, View]]:
        """The views: (version, view) by name."""
        return self._found.get("view", {})

    @property
    def models(self) -> Mapping[str, tuple[int, Model]]:
        """The models: (version, model) by name."""
        return self._found.get("model", {})

    @property
    def versions(self) -> Mapping[str, dict[str, Any]]:
        """What is known of each version, by flights-late/2: parent, learner, cause, born_position, state."""
        return self._bodies("version")

    @property
    def checkpoints(self) -> Mapping[str, dict[str, Any]]:
        """The newest checkpoint of each version, by flights-late/2, without its bytes."""
        return self._bodies("checkpoint")

    @property
    def aliases(self) -> Mapping[str, dict[str, Any]]:
        """Each alias, by flights-late@champion: version, revision, cause."""
        return self._bodies("alias")

    async def ready(self) -> None:
        """Returns when the topic has been read to the end that it had when reading began."""
        await self._follower.ready()

    def changes(self) -> AsyncIterator[None]:
        """Yields when ready, then whenever something has changed since the last time: many changes are one."""
        return self._follower.changes()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._following = self._tasks.create_task(self._follower.run())
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._following.cancel()
        await self._tasks.__aexit__(kind, error, traceback)

    def take(self, kind: str, name: str, revision: int, body: str) -> bool:
        """Keep an entry if it is newer than what is here; whether it was. Raises: PenstockError or ValueError for a senseless body."""
        if kind not in KINDS:
            return False
        known = self._found.setdefault(kind, {})
        if name in known and known[name][0] >= revision:
            return False
        is_part = kind in ("stream", "view", "model")
        known[name] = (revision, part_from_json(kind, name, body) if is_part else json.loads(body))
        return True

    def _bodies(self, kind: str) -> Mapping[str, dict[str, Any]]:
        return {name: body for name, (_, body) in self._found.get(kind, {}).items()}

    async def _take(self, record: Record) -> bool:
        """Whether the record changed anything; one that cannot be understood is told of and passed over."""
        if record.value is None:
            return False
        try:
            _, entry = await self._wire.read_or_fetch(record.value)
            return self.take(entry["kind"], entry["name"], entry["revision"], entry["body"])
        except WEATHER:
            raise
        except (PenstockError, ValueError, KeyError, TypeError) as error:
            self._log.error("an entry of the registry cannot be read", offset=record.offset, error=str(error))
            return False

    def _tell(self, reason: str) -> None:
        self._log.warning("the registry topic cannot be read", error=reason)
