"""A range of a learning log in a local file: read from Kafka once, then by every candidate as often as it likes."""

import json
import struct
from collections.abc import Generator, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

from penstock.fold.protocol import LogRecord, Record
from penstock.records.schemas import MemorySchemaRegistry, Schema

HEAD = struct.Struct("<qqii")  # offset, append time in ms, length of key and of value; -1: there is none
CHUNK_BYTES = 1 << 20
LOG, ABOUT = "log.bin", "log.json"


@dataclass(slots=True)
class About:
    """What was seen while a log was read: its range, how much it holds, and how long the platform took from a decision to its record.

    `lags_ms` holds, by "Serve" and "DriftDetected", the append time of each such record less that of the record that caused it.
    `relearns`: some specification in it lets corrected labels be learned in place of the first ones.
    """

    topic: str
    first: int
    end: int
    records: dict[str, int] = field(default_factory=dict)
    partitions: int = 0
    relearns: bool = False
    lags_ms: dict[str, list[int]] = field(default_factory=dict)
    schemas: dict[str, Schema] = field(default_factory=dict)

    @property
    def goes_back(self) -> bool:
        """Whether whoever folds the log has to fold some of it again."""
        return self.relearns or "Rewound" in self.records

    def registry(self) -> MemorySchemaRegistry:
        """Its schemas, without a registry to ask."""
        return MemorySchemaRegistry({int(id): schema for id, schema in self.schemas.items()})


class SpoolWriter:
    """Appends records to a folder's log; what an interrupted run has left there is kept, but for a record cut in two."""

    def __init__(self, folder: Path, first: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / LOG
        self._about = folder / ABOUT
        self.next_offset = first
        self._file: BinaryIO

    def __enter__(self) -> Self:
        whole = 0
        for record, size in _records(self._path):
            self.next_offset = record.offset + 1
            whole += size
        self._file = self._path.open("r+b" if self._path.exists() else "w+b")
        self._file.truncate(whole)
        self._file.seek(whole)
        return self

    def __exit__(self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None) -> None:
        self._file.close()

    def append(self, record: Record) -> None:
        """Write one record."""
        key, value = record.key or b"", record.value or b""
        lengths = (-1 if record.key is None else len(key), -1 if record.value is None else len(value))
        self._file.write(b"".join((HEAD.pack(record.offset, record.timestamp, *lengths), key, value)))
        self.next_offset = record.offset + 1

    def finish(self, about: About) -> None:
        """All is there: say what it is."""
        self._file.flush()
        write_json(self._about, asdict(about))


def about(folder: Path) -> About | None:
    """What a folder's log holds; None when it is not there as a whole."""
    path = folder / ABOUT
    return About(**json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def spooled(folder: Path, topic: str) -> Iterator[LogRecord]:
    """Every record of a folder's log, in order."""
    for record, _ in _records(folder / LOG, topic):
        yield record


def _records(path: Path, topic: str = "") -> Iterator[tuple[LogRecord, int]]:
    """The whole records of a file, each with its size in bytes."""
    if not path.exists():
        return
    buffer = b""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            buffer = yield from _cut(buffer + chunk, topic)


def _cut(buffer: bytes, topic: str) -> Generator[tuple[LogRecord, int], None, bytes]:
    """The whole records of a buffer; returns what is left of it."""
    at, size = 0, len(buffer)
    while at + HEAD.size <= size:
        offset, timestamp, key_length, value_length = HEAD.unpack_from(buffer, at)
        key_at = at + HEAD.size
        value_at = key_at + max(0, key_length)
        end = value_at + max(0, value_length)
        if end > size:
            break
        key = None if key_length < 0 else buffer[key_at:value_at]
        value = None if value_length < 0 else buffer[value_at:end]
        yield LogRecord(topic, 0, offset, timestamp, key, value), end - at
        at = end
    return buffer[at:]


def write_json(path: Path, value: Any) -> None:
    """Write a file as a whole or not at all."""
    part = path.with_suffix(path.suffix + ".part")
    part.write_text(json.dumps(value), encoding="utf-8")
    part.replace(path)
