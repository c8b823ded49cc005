"""How far a query's rows have been sent: on disk, so that the next run goes on behind them."""

import fcntl
import hashlib
import json
import time
import uuid
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from penstock.errors import PenstockError, UsageError
from penstock.journal import MARK_EVERY_S, Source, write_whole

ROWS_OF_A_VALUE_MAX = 100_000
FIELDS = ("source", "run", "ends", "value", "rows", "ended")


@dataclass(slots=True)
class Reached:
    """The greatest value of the column so far, as text (None: none yet), and which rows with that value there were, and how often."""

    value: str | None = None
    rows: Counter[str] = field(default_factory=Counter)

    def take(self, value: str, row: str) -> int:
        """Go on to this row; how many like it, with this value, came before. Raises: PenstockError when too many have one value."""
        if value != self.value:
            self.value, self.rows = value, Counter()
        elif len(self.rows) >= ROWS_OF_A_VALUE_MAX:
            raise PenstockError(f"more than {ROWS_OF_A_VALUE_MAX:,} rows have the value {value}. Try: --by with a finer column")
        self.rows[row] += 1
        return self.rows[row] - 1

    def copy(self) -> "Reached":
        """As it is now."""
        return Reached(self.value, Counter(self.rows))


@dataclass(slots=True)
class Place:
    """How far one query has come on its way to a stream.

    `acknowledged` is never too far: every row up to there is in Kafka. Rows beyond may be there too: an event is named by the content of
    its row (`ce_id`) and stands behind `ends` (by topic:partition), so a run that goes on finds it, whatever was committed in between.
    `read` is where reading stands; `behind` are the rows with the first value that the present reading of the query need not take again;
    `found` are the events that an interrupted run has left in the log.
    """

    path: Path
    source: Source
    run: str
    ends: dict[str, int]
    acknowledged: Reached = field(default_factory=Reached)
    ended: bool = True
    clock: Callable[[], float] = time.monotonic
    read: Reached = field(default_factory=Reached)
    behind: Reached = field(default_factory=Reached)
    found: set[str] = field(default_factory=set)
    _under_way: deque[tuple[str, str]] = field(default_factory=deque)
    _first: int = 0
    _met: int = 0
    _newest: str = ""
    _marked_s: float = field(default=float("-inf"))

    @classmethod
    def of(cls, folder: Path, source: Source, *, anew: bool = False) -> Self:
        """Where this query has come to. Raises: UsageError when only others have filled this stream, unless it is to begin `anew`."""
        path = _path(folder, source)
        if path.exists() and not anew:
            return cls._kept(path)
        if not anew and (others := _others(path, source)):
            raise UsageError(
                f"{source['stream']} was filled by {others} before, and never by this query. Try: the same text and --by, "
                "to go on behind what was sent; or --anew, which sends all that this one gives"
            )
        return cls(path, source, uuid.uuid4().hex[:16], {})

    @classmethod
    def _kept(cls, path: Path) -> Self:
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
            source, run, ends, value, rows, ended = (found[name] for name in FIELDS)
            reached = Reached(value, Counter(rows))
            return cls(path, source, run, dict(ends), reached, bool(ended), read=reached.copy())
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PenstockError(f"{path} cannot be read: {error!r}. Try: --anew, which sends all of it again") from error

    def again(self) -> str | None:
        """Before the query is read (again): the value at which to begin, that value included; None for the first row of all."""
        self.behind = self.read.copy()
        return self.behind.value

    def take(self, value: str, cells: Sequence[str | None]) -> str | None:
        """Go on to a row, given by its text: the id of its event, the same whenever it is read; None if the row was taken before.

        Raises: PenstockError when too many rows have the same value.
        """
        row = _digest(cells)
        if value == self.behind.value and self.behind.rows[row]:
            self.behind.rows[row] -= 1
            return None
        times = self.read.take(value, row)
        self._under_way.append((value, row))
        self._newest = f"{self.run}:{_digest([value, row, times])}"
        return self._newest

    def was_sent(self, number: int) -> bool:
        """Whether the row that was taken last, this run's with that number, stands in the log already."""
        if self._newest not in self.found:
            return False
        self.found.remove(self._newest)
        self._met = number + 1
        return True

    def is_own(self, id: str) -> bool:
        """Whether an event with this id came from here."""
        return id.startswith(f"{self.run}:")

    def mark(self, acknowledged: int, ends: Mapping[str, int]) -> None:
        """So many of this run's rows are acknowledged, and stand below these offsets; written down now and then."""
        while self._first < acknowledged:
            self.acknowledged.take(*self._under_way.popleft())
            self._first += 1
        if not self.found and acknowledged >= self._met:  # else what was found lies before these ends, and must be found again
            self.ends.update(ends)
        if self.clock() - self._marked_s >= MARK_EVERY_S:
            self._marked_s = self.clock()
            self.write()

    def begin(self, ends: Mapping[str, int]) -> None:
        """Before anything is sent: from here on events may stand in the log that nobody has noted."""
        if self.ended:
            self.ends, self.ended = dict(ends), False
        self.write()

    def end(self) -> None:
        """All that was taken is acknowledged."""
        self.ended, self._marked_s = True, self.clock()
        self.mark(self._first + len(self._under_way), {})
        self.write()

    def write(self) -> None:
        """Write it down. Raises: OSError."""
        kept = (dict(self.source), self.run, self.ends, self.acknowledged.value, self.acknowledged.rows, self.ended)
        write_whole(self.path, dict(zip(FIELDS, kept, strict=True)))

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else goes on from here meanwhile. Raises: PenstockError when somebody does."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.with_suffix(".lock").open("w") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise PenstockError("another run sends this query's rows already. Try: wait for its end, or stop it") from None
            yield


def _digest(content: Sequence[Any]) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:32]


def _path(folder: Path, source: Source) -> Path:
    name = hashlib.sha256(json.dumps(dict(source), sort_keys=True).encode()).hexdigest()[:16]
    return folder / "produce" / f"query-{name}.json"


def _others(path: Path, source: Source) -> str:
    """The queries that went to the same stream, by their columns; empty if there are none."""
    kept: list[Any] = [json.loads(other.read_text(encoding="utf-8")) for other in sorted(path.parent.glob("query-*.json"))]
    others = [each["source"] for each in kept if each["value"] is not None and each["source"]["stream"] == source["stream"]]
    return ", ".join(f'"{other["query"]}" --by {other["by"]} of {other["database"]}' for other in others)
