"""Rows of a table as events: the question for `<stream>`, the label for `<stream>-labels`, each at its time."""

import csv
import gzip
import heapq
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

from penstock.spec.errors import SpecError
from penstock.spec.specification import Spec
from penstock.spec.stream import Stream
from penstock.spec.values import Value, field_name, parse_value

LABELS = "-labels"
ROW_ID = "row_id"
KNOWN_AT = "known_at"
SAMPLE_CHARACTERS = 64_000
Event = dict[str, Value]


class Planned(NamedTuple):
    """One event to produce; `event_time_ms` is None where the stream has no time of its own."""

    stream: str
    event_time_ms: int | None
    event: Event


def split_row(row: Mapping[str, str], spec: Spec, stream: str, *, number: int = 0, delay_ms: int = 0) -> tuple[Event, Event | None]:
    """The event of one CSV row, and its label, if the row has one and the spec declares `<stream>-labels`.

    Empty cells are null; a cell that does not fit its type stays text, and ingestion refuses the event. `number` is the row's, for a stream
    whose id is `row_id` and not in the file. The label is known `delay_ms` after the event.
    """
    declared, labels = _stream(spec, stream), spec.streams.get(stream + LABELS)
    cells = {field_name(header or ""): text or "" for header, text in row.items() if isinstance(text, str)}
    if declared.id == ROW_ID:
        cells.setdefault(ROW_ID, str(number))
    event = _event(cells, declared)
    time = event.get(declared.time) if declared.time else None
    if labels is None:
        return event, None
    label = _event(cells, labels)
    if labels.time == KNOWN_AT and isinstance(time, int):
        label[KNOWN_AT] = time + delay_ms
    own = [name for name in labels.fields if name not in declared.fields and name != KNOWN_AT]
    return event, label if any(label[name] is not None for name in own) else None


def plan_rows(rows: Iterable[Mapping[str, str]], spec: Spec, stream: str, *, delay_ms: int = 0) -> Iterator[Planned]:
    """The events of a table in the order to produce them: a label follows when event time has reached it, or at the end.

    Rows are taken in their order. Without a time, a label follows its row at once.
    """
    time_field = _stream(spec, stream).time
    waiting: list[tuple[int, int, Event]] = []
    for number, row in enumerate(rows):
        event, label = split_row(row, spec, stream, number=number, delay_ms=delay_ms)
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


def read_rows(path: Path) -> Iterator[dict[str, str]]:
    """The rows of a CSV file with a header line, whatever its delimiter; `.gz` is unpacked on the way.

    Raises: SpecError if it is not such a file; OSError.
    """
    try:
        with _open(path) as file:
            sample = file.read(SAMPLE_CHARACTERS)
            file.seek(0)
            reader = csv.DictReader(file, delimiter=_delimiter(sample), strict=True)
            _check_header(list(reader.fieldnames or ()), path)
            yield from reader
    except (UnicodeDecodeError, csv.Error, EOFError, gzip.BadGzipFile) as error:
        raise SpecError(f"{path} cannot be read as CSV: {error}. Try: a UTF-8 file with a header line") from error


def _open(path: Path) -> TextIO:
    return gzip.open(path, "rt", encoding="utf-8-sig", newline="") if path.suffix == ".gz" else path.open(encoding="utf-8-sig", newline="")


def _delimiter(sample: str) -> str:
    """The sign that the header has most of; csv.Sniffer is led astray by texts."""
    header = sample.partition("\n")[0]
    return max(",;\t|", key=header.count)


def _check_header(headers: list[str], path: Path) -> None:
    names = [field_name(header) for header in headers]
    twice = sorted({name for name in names if names.count(name) > 1})
    if not names or twice:
        reason = f"these columns have the same name: {', '.join(twice)}" if twice else "it is empty"
        raise SpecError(f"{path}: {reason}. Try: a header line with different names (letters, digits, underscores)")


def _stream(spec: Spec, name: str) -> Stream:
    if name not in spec.streams:
        raise SpecError(f"no stream is called {name} ({', '.join(spec.streams)}). Try: penstock ls")
    return spec.streams[name]


def _event(cells: Mapping[str, str], stream: Stream) -> Event:
    return {name: parse_value(cells.get(name, ""), field.type) for name, field in stream.fields.items()}


def _due(waiting: list[tuple[int, int, Event]], stream: str) -> Planned:
    time_ms, _, label = heapq.heappop(waiting)
    return Planned(stream + LABELS, time_ms, label)
