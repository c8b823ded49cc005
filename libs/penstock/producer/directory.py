"""The streams as Kafka tells them while a producer runs: all that is needed is a bootstrap address."""

import asyncio
import contextlib
import logging

from fastavro import parse_schema

from penstock.errors import PenstockError
from penstock.fold.protocol import Record
from penstock.kafka.compacted import Follower
from penstock.producer.errors import Unavailable, UnknownStream
from penstock.producer.streams import ENTRY, Known, Streams
from penstock.records.schemas import platform_schema
from penstock.records.wire import HEADER, Known as Schema, decode, schema_id

NEW_STREAM_WAIT_S = 2.0  # a stream that was applied a moment ago is told within milliseconds
FOLLOW_AFTER_S = 10.0
log = logging.getLogger(__name__)


class Directory:
    """Follows the registry's topic. Its entries are read with the platform's own schema, so no schema registry has to be known."""

    def __init__(self, bootstrap: str, topic: str) -> None:
        self._bootstrap = bootstrap
        self._streams = Streams(FOLLOW_AFTER_S)
        self._entry = Schema(ENTRY, parse_schema(platform_schema(ENTRY)), platform_schema(ENTRY))
        self._follower = Follower(bootstrap, topic, self._take, self._tell)
        self._silence = "it does not answer"

    async def run(self) -> None:
        """Follow until cancelled."""
        await self._follower.run()

    async def ready(self, timeout_s: float) -> None:
        """Return when all that is on the topic has been read. Raises: Unavailable."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._follower.ready()
        except TimeoutError:
            raise Unavailable(f"no platform could be read at {self._bootstrap}: {self._silence}. Try: penstock status") from None

    async def find(self, name: str) -> Known:
        """The stream of this name. Raises: UnknownStream, after a moment: it may just have been applied."""
        known = self._streams.find(name)
        if known is None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(NEW_STREAM_WAIT_S):
                    while (known := self._streams.find(name)) is None:
                        await self._follower.change()
        if known is None:
            raise UnknownStream(name, self._streams.names())
        return known

    async def _take(self, record: Record) -> bool:
        """Whether the record changed anything; one that cannot be understood is told of and passed over, as in the catalogue."""
        if record.value is None:
            return False
        try:
            entry = decode(self._entry, record.value, HEADER.size)
            return self._streams.take(schema_id(record.value), entry["kind"], entry["name"], entry["revision"], entry["body"])
        except (PenstockError, ValueError, KeyError, TypeError) as error:
            log.warning("offset %d of %s cannot be read: %s. Try: a newer penstock", record.offset, record.topic, error)
            return False

    def _tell(self, reason: str) -> None:
        self._silence = reason
        log.warning("the streams cannot be read from %s: %s", self._bootstrap, reason)
