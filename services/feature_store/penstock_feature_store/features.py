"""A view, compiled: which values of which streams are remembered, and the features of one event as of its time."""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from penstock.records import Features
from penstock.spec import Aggregate, Calendar, Last, Spec, Stream
from penstock.spec.avro import feature_fields
from penstock.spec.expression import compile_expression
from penstock_feature_store.calendar import calendar_part
from penstock_feature_store.last import LastValues
from penstock_feature_store.table import Table
from penstock_feature_store.windows import AGGREGATES

Fields = Mapping[str, Any]
Ask = Callable[[Fields, int, int], Any]
"""(fields of the event, its time in ms, the horizon in ms) → one feature."""
Joined = Last | Aggregate


@dataclass(frozen=True, slots=True)
class _Update:
    """What one feature takes from a record of a stream: the entity, and a value (None: nothing)."""

    table: Table
    by: str
    read: Callable[[Fields], Any]


class ViewFeatures:
    """The features of one view: `update` with every record of its streams, `ask` with those of its source.

    A record may be older than the specification and lack a field: then the field is null.
    Two features of the same name in an older and a newer view share state if `Table.definition` is the same.
    """

    def __init__(self, view: str, spec: Spec) -> None:
        declared = spec.views[view]
        self._source = spec.streams[declared.source]
        self._updates: dict[str, list[_Update]] = defaultdict(list)
        self.tables: dict[str, Table] = {}
        types = {field["name"]: field["type"][1] for field in feature_fields(declared, spec)}
        self._asks: list[tuple[str, Ask]] = [(name, self._select(name)) for name in declared.select]
        for name, compute in declared.compute.items():
            match compute:
                case Calendar():
                    self._asks.append((name, self._calendar(compute)))
                case Last() | Aggregate():
                    self._asks.append((name, self._join(name, compute, spec.streams[compute.stream], types[name])))

    def update(self, stream: str, fields: Fields, time_ms: int, horizon_ms: int, counts: Counter[str]) -> None:
        """Remember what the features need of one record."""
        for update in self._updates.get(stream, ()):
            value, entity = update.read(fields), fields.get(update.by)
            if value is not None and entity is not None:
                update.table.add(str(entity), time_ms, value, horizon_ms, counts)

    def ask(self, fields: Fields, time_ms: int, horizon_ms: int) -> Features:
        """The features of an event of the source, as of its time, in the order of the schema; None where there is none."""
        return {name: ask(fields, time_ms, horizon_ms) for name, ask in self._asks}

    def _select(self, name: str) -> Ask:
        if self._source.fields[name].type == "long":  # a feature that is a number is a double
            return lambda fields, _, __: None if fields.get(name) is None else float(fields[name])
        return lambda fields, _, __: fields.get(name)

    def _calendar(self, compute: Calendar) -> Ask:
        part, of = calendar_part(compute.part, compute.zone), compute.of
        return lambda fields, _, __: None if fields.get(of) is None else part(fields[of])

    def _join(self, name: str, compute: Joined, stream: Stream, type: str) -> Ask:
        by, joined_by = compute.by or self._source.key, compute.by or stream.key
        definition = f"{_content(compute)} by {joined_by}"
        table = self.tables[name] = Table(name, definition, _series(compute))
        self._updates[stream.name].append(_Update(table, joined_by, _reader(compute, stream)))
        convert = float if type == "double" else _unchanged
        default = compute.default if compute.default is not None else _none_counted(compute)
        default = None if default is None else convert(default)

        def ask(fields: Fields, time_ms: int, horizon_ms: int) -> Any:
            entity = fields.get(by)
            value = None if entity is None else table.as_of(str(entity), time_ms, horizon_ms)
            return default if value is None else convert(value)

        return ask


def _content(compute: Joined) -> str:
    """What the values of a feature are; another window or age over the same values keeps them."""
    what = compute.field if isinstance(compute, Last) else f"{compute.kind} {compute.expression}"
    return f"{type(compute).__name__} {compute.stream} {what}"


def _series(compute: Joined) -> Callable[[], Any]:
    if isinstance(compute, Last):
        return partial(LastValues, compute.max_age_ms)
    return partial(AGGREGATES[compute.kind], compute.window_ms)


def _reader(compute: Joined, stream: Stream) -> Callable[[Fields], Any]:
    if isinstance(compute, Last):
        field = compute.field
        return lambda fields: fields.get(field)
    evaluate = compile_expression(compute.expression, stream.types).evaluate
    if compute.kind == "count":
        return lambda fields: evaluate(fields) or None  # only what is true counts
    return evaluate


def _none_counted(compute: Joined) -> int | None:
    return 0 if isinstance(compute, Aggregate) and compute.kind == "count" else None


def _unchanged(value: Any) -> Any:
    return value
