"""What every source is: something that gives its events in order, in bounded memory, and says how far it has come."""

import json
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol

from penstock.replay import Message
from penstock.sources.cells import Cell
from penstock.spec import Spec
from penstock.spec.rows import Fit, plan_rows


class Progress(Protocol):
    """How far it has come: `done` and `total` are in its own unit (rows, bytes); `total` is None where nobody knows it."""

    @property
    def done(self) -> int: ...

    @property
    def total(self) -> int | None: ...


class Reader(Progress, Protocol):
    """A source."""

    def messages(self) -> AsyncIterator[Message]:
        """Its events in order; read as they are taken. Raises: PenstockError, OSError."""
        ...


class Table(Progress, Protocol):
    """Rows by the names of their columns, in order; `fit` makes a cell the value of a field; no field can hold the columns `left_out`."""

    @property
    def left_out(self) -> tuple[str, ...]: ...

    @property
    def fit(self) -> Fit: ...

    def rows(self) -> Iterator[Mapping[str, Cell]]: ...


@dataclass(slots=True)
class Rows:
    """A table whose rows are events of a stream, and their labels events of <stream>-labels, `delay_ms` later; `limit` rows (0: all)."""

    table: Table
    spec: Spec
    stream: str
    delay_ms: int = 0
    limit: int = 0
    taken: int = field(default=0, init=False)

    @property
    def done(self) -> int:
        return self.taken if self.limit else self.table.done

    @property
    def total(self) -> int | None:
        return self.limit or self.table.total

    async def messages(self) -> AsyncIterator[Message]:
        """See Reader."""
        for planned in plan_rows(self._counted(), self.spec, self.stream, delay_ms=self.delay_ms, fit=self.table.fit):
            key = planned.event.get(self.spec.streams[planned.stream].key)
            yield Message(planned.stream, str(key), json.dumps(planned.event).encode(), planned.event_time_ms)

    def _counted(self) -> Iterable[Mapping[str, Cell]]:
        for row in islice(self.table.rows(), self.limit or None):
            self.taken += 1
            yield row
