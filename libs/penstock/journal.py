"""How far a producer has come with a source, on disk, so that it can go on after an interrupt."""

import hashlib
import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from penstock.errors import PenstockError

MARK_EVERY_S = 0.5

Source = Mapping[str, Any]
"""What is sent and how, as plain values: another one gives other events."""


@dataclass(slots=True)
class Journal:
    """One run over one source: its name, how many of its first events are acknowledged, and where each topic ended then.

    Neither is ever too high: events beyond may have been sent too. Those carry `id_of` their number as ce_id, and stand in the log behind
    `ends` (by topic:partition): so a run that goes on finds them there.
    """

    path: Path
    source: Source
    run: str
    ends: dict[str, int]
    acknowledged: int = 0
    clock: Callable[[], float] = time.monotonic
    _marked_s: float = field(default=float("-inf"))

    @classmethod
    def begin(cls, folder: Path, source: Source, ends: Mapping[str, int]) -> Self:
        """A new run, before anything is sent; what was known of an earlier one is forgotten. Raises: OSError."""
        journal = cls(_path(folder, source), source, uuid.uuid4().hex[:16], dict(ends))
        journal.write()
        return journal

    @classmethod
    def resume(cls, folder: Path, source: Source) -> Self:
        """The run that was interrupted. Raises: PenstockError when there is none, or its source was another one."""
        path, what = _path(folder, source), f"{source['file']} on its way to {source['stream']}"
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            journal = cls(path, found["source"], found["run"], found["ends"], found["acknowledged"])
        except FileNotFoundError:
            raise PenstockError(f"no run with {what} was interrupted. Try: without --resume") from None
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PenstockError(f"{path} cannot be read: {error!r}. Try: without --resume, which sends all of it again") from error
        other = [name for name in source if journal.source.get(name) != source[name]]
        if other:
            raise PenstockError(f"{what}: {', '.join(other)} is another since the run was interrupted. Try: without --resume")
        return journal

    @classmethod
    def left(cls, folder: Path, source: Source) -> int:
        """How many events an interrupted run had acknowledged; 0 if there is none that can go on."""
        try:
            return cls.resume(folder, source).acknowledged
        except PenstockError:
            return 0

    def id_of(self, number: int) -> str:
        """What names an event of this run, and no other event."""
        return f"{self.run}:{number}"

    def number_of(self, id: str) -> int | None:
        """The number of the event of this run with this id."""
        run, _, number = id.partition(":")
        return int(number) if run == self.run and number.isdecimal() else None

    def is_own(self, id: str) -> bool:
        """Whether an event with this id came from this run."""
        return self.number_of(id) is not None

    def mark(self, acknowledged: int, ends: Mapping[str, int]) -> None:
        """The first `acknowledged` events are, and stand below these offsets; written down now and then."""
        self.acknowledged = acknowledged
        self.ends.update(ends)
        if self.clock() - self._marked_s >= MARK_EVERY_S:
            self._marked_s = self.clock()
            self.write()

    def write(self) -> None:
        """Write it down. Raises: OSError."""
        write_whole(self.path, {"source": dict(self.source), "run": self.run, "ends": self.ends, "acknowledged": self.acknowledged})

    def end(self) -> None:
        """All is acknowledged: there is nothing to go on with."""
        self.path.unlink(missing_ok=True)


def source_of(file: Path, **given: Any) -> Source:
    """A file by its place, size and time of change, and how it is sent."""
    stat = file.stat()
    return {"file": str(file.resolve()), "size": stat.st_size, "changed_ns": stat.st_mtime_ns, **given}


def write_whole(path: Path, kept: Mapping[str, Any]) -> None:
    """Write it down as JSON, so that it survives a crash of the machine: the old file stands until the new one is whole."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(kept, file)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def _path(folder: Path, source: Source) -> Path:
    name = hashlib.sha256(json.dumps([source["stream"], source["file"]]).encode()).hexdigest()[:16]
    return folder / "produce" / f"{name}.json"
