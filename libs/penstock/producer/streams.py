"""Which streams there are, as the registry's topic tells it, and under which ids their records are known."""

import json
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from penstock.records.avsc import spelled
from penstock.spec import Stream, part_from_json
from penstock.spec.avro import producer_schema

ENTRY = "RegistryEntry"


class Known(NamedTuple):
    """A stream at one revision; `schema_id` is that of its producers' records, None while the topic does not tell it."""

    revision: int
    stream: Stream
    schema_id: int | None


class _Told(NamedTuple):
    revision: int
    stream: Stream
    schema: str
    at_s: float


class Streams:
    """The streams by name, each at the revision that its producers should follow now.

    When a stream changes, ingestion goes over to the new specification within seconds, and registers the schema of its producers'
    records then. Until this schema is told, or for `follow_after_s`, the revision before is followed: what is judged by it on the way is
    judged as its producer was told.

    The ids are those of the registry of Penstock. If the platform writes with another registry, the entries themselves stand under an id
    that this topic does not explain, and no id is given.
    """

    def __init__(self, follow_after_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._follow_after_s = follow_after_s
        self._clock = clock
        self._newest: dict[str, _Told] = {}
        self._followed: dict[str, Known] = {}
        self._ids: dict[str, int] = {}
        self._names: dict[int, str] = {}
        self._entry_id = -1

    def take(self, entry_id: int, kind: str, name: str, revision: int, body: str) -> bool:
        """Keep an entry that stands on the topic under this schema id; whether it changed anything.

        Raises: PenstockError, ValueError or KeyError for a body without sense.
        """
        self._entry_id = entry_id
        if kind == "schema":
            return self._take_schema(int(name), json.loads(json.loads(body)["schema"]))
        return kind == "stream" and self._take_stream(name, revision, body)

    def find(self, name: str) -> Known | None:
        """The stream as its producers should follow it; None if there is none."""
        if name not in self._newest:
            return None
        told = self._newest[name]
        newest = Known(told.revision, told.stream, self._schema_id(told.schema))
        before = self._followed.get(name)
        if before is not None and before.revision != newest.revision and self._waits(before, newest, told.at_s):
            return before
        if before != newest:
            self._followed[name] = newest
        return self._followed[name]

    def names(self) -> Iterable[str]:
        """The names of all streams."""
        return self._newest.keys()

    def _waits(self, before: Known, newest: Known, since_s: float) -> bool:
        return before.schema_id is not None and newest.schema_id is None and self._clock() - since_s < self._follow_after_s

    def _take_schema(self, id: int, schema: Any) -> bool:
        self._names[id] = schema["name"] if isinstance(schema, dict) else ""
        return self._ids.setdefault(_text(schema), id) == id

    def _take_stream(self, name: str, revision: int, body: str) -> bool:
        if name in self._newest and self._newest[name].revision >= revision:
            return False
        stream = part_from_json("stream", name, body)
        assert isinstance(stream, Stream)
        self._newest[name] = _Told(revision, stream, _text(producer_schema(stream)), self._clock())
        return True

    def _schema_id(self, schema: str) -> int | None:
        if self._names.get(self._entry_id, "").rpartition(".")[2] != ENTRY:
            return None
        return self._ids.get(schema)


def _text(schema: Any) -> str:
    """What is equal for schemas that are one to the registry."""
    return json.dumps(spelled(schema), sort_keys=True)
