"""Rows of a table as events: the question for `<stream>`, the label for `<stream>-labels`, each at its time."""

import heapq
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from penstock.spec.errors import SpecError
from penstock.spec.specification import Spec
from penstock.spec.stream import Stream
from penstock.spec.values import Value, field_name, parse_value

LABELS = "-labels"
ROW_ID = "row_id"
KNOWN_AT = "known_at"
Event = dict[str, Value]

Fit = Callable[[Any, str], Value]
"""Makes a cell the value of a field with this type."""


class Planned(NamedTuple):
    """One event to produce; `event_time_ms` is None where the stream has no time of its own."""

    stream: str
    event_time_ms: int | None
    event: Event


def split_row(
    row: Mapping[str, Any], spec: Spec, stream: str, *, number: int = 0, delay_ms: int = 0, fit: Fit = parse_value
) -> tuple[Event, Event | None]:
    """The event of one row, and its label, if the row has one and the spec declares `<stream>-labels`.

    `fit` makes a cell a value: those of a CSV file are text, empty ones null, and what does not fit its type stays text, for ingestion to
    refuse. `number` is the row's, for a stream whose id is `row_id` and not in the file. The label is known `delay_ms` after the event.
    """
    declared, labels = _stream(spec, stream), spec.streams.get(stream + LABELS)
    cells = {field_name(header): cell for header, cell in row.items() if header is not None and cell is not None}
    if declared.id == ROW_ID:
        cells.setdefault(ROW_ID, str(number))
    event = event_of(cells, declared, fit)
    time = event.get(declared.time) if declared.time else None
    if labels is None:
        return event, None
    label = event_of(cells, labels, fit)
    if labels.time == KNOWN_AT and isinstance(time, int):
        label[KNOWN_AT] = time + delay_ms
    own = [name for name in labels.fields if name not in declared.fields and name != KNOWN_AT]
    return event, label if any(label[name] is not None for name in own) else None


def plan_rows(
    rows: Iterable[Mapping[str, Any]], spec: Spec, stream: str, *, delay_ms: int = 0, fit: Fit = parse_value
) -> Iterator[Planned]:
    """The events of a table in the order to produce them: a label follows when event time has reached it, or at the end.

    Rows are taken in their order. Without a time, a label follows its row at once.
    """
    time_field = _stream(spec, stream).time
    waiting: list[tuple[int, int, Event]] = []
    for number, row in enumerate(rows):
        event, label = split_row(row, spec, stream, number=number, delay_ms=delay_ms, fit=fit)
        time = event.get(time_field) if time_field else None
        time_ms = time if isinstance(time, int) else None
        while waiting and time_ms is not None and waiting[0][0] < time_ms:
            yield _due(waiting, stream)
        yield Planned(stream, time_ms, event)
        if label is not None and time_ms is None:
            yield Planned(stream + LABELS, None, label)
        elif label is not None and time_ms is not None:
            heapq.heappush(waiting, (time_ms + delay_ms, number, label))
    while waiting:
        yield _due(waiting, stream)


def event_of(cells: Mapping[str, Any], stream: Stream, fit: Fit) -> Event:
    """The fields of a stream, from cells by their names; what has none is null."""
    return {name: fit(cells[name], field.type) if name in cells else None for name, field in stream.fields.items()}


def _stream(spec: Spec, name: str) -> Stream:
    if name not in spec.streams:
        raise SpecError(f"no stream is called {name} ({', '.join(spec.streams)}). Try: penstock ls")
    return spec.streams[name]


def _due(waiting: list[tuple[int, int, Event]], stream: str) -> Planned:
    time_ms, _, label = heapq.heappop(waiting)
    return Planned(stream + LABELS, time_ms, label)
