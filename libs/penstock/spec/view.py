"""Views: named features computed from streams."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from penstock.spec.document import Node
from penstock.spec.duration import format_duration
from penstock.spec.errors import Path, Problems, quoted
from penstock.spec.expression import stream_of
from penstock.spec.section import FIELD, FIELD_RULE, NAME, Section

PARTS = ("hour", "weekday", "month", "day", "minute")
AGGREGATES = ("mean", "share", "count", "sum", "min", "max")
FEATURES_MAX = 500
KINDS = ("calendar", "last", *AGGREGATES)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A part of a timestamp in a time zone: hour 0–23, weekday 0 (Monday)–6, month 1–12, day 1–31, minute 0–59."""

    part: str
    of: str
    zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class Last:
    """The last value of `stream.field` as of event time, not older than `max_age_ms`; `by` None: the key of both streams."""

    stream: str
    field: str
    by: str | None = None
    max_age_ms: int | None = None
    default: Any = None


@dataclass(frozen=True, slots=True)
class Aggregate:
    """An aggregate over the events of the last `window_ms` of event time; `count` of a whole stream has the expression `true`."""

    kind: str
    stream: str
    expression: str
    by: str | None = None
    window_ms: int = 0
    default: Any = None


Compute = Calendar | Last | Aggregate


@dataclass(frozen=True, slots=True)
class View:
    """Features of each event of `source`: the selected fields, then the computed ones in the order of their names."""

    name: str
    source: str
    select: tuple[str, ...]
    compute: Mapping[str, Compute]

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features, in their order everywhere."""
        return (*self.select, *self.compute)


def read_view(name: str, node: Node, path: Path, problems: Problems) -> View:
    """The view that a node declares; what is wrong is noted."""
    section = Section(node, path, problems, ("from", "select", "compute"))
    source = section.text("from", cure="from: the stream whose events ask the questions") or ""
    select = section.words("select")
    compute: dict[str, Compute] = {}
    for feature, item, inside in section.entries("compute", FIELD, FIELD_RULE, size_max=FEATURES_MAX):
        if feature in select:
            problems.add(item.key_position, inside, f"{quoted(feature)} is selected too", "give it another name")
        found = _read_compute(item, inside, problems)
        if found is not None:
            compute[feature] = found
    if not select and "compute" not in section:
        section.note("select", "a view without features", "select: [field, …]")
    return View(name, source, select, compute)


def view_body(view: View) -> dict[str, Any]:
    """The view as it would stand in the file, every default written out."""
    return {
        "from": view.source,
        "select": list(view.select),
        "compute": {name: _compute_body(compute) for name, compute in view.compute.items()},
    }


def _read_compute(node: Node, path: Path, problems: Problems) -> Compute | None:
    kind = next((kind for kind in KINDS if isinstance(node.value, dict) and kind in node.value), None)
    if kind is None:
        problems.add(node.position, path, f"says nothing to compute ({', '.join(KINDS)})", "{mean: stream.field, window: 3h, default: 0}")
        return None
    if kind == "calendar":
        return _read_calendar(Section(node, path, problems, ("calendar", "of", "zone")))
    if kind == "last":
        return _read_last(Section(node, path, problems, ("last", "by", "max_age", "default")))
    return _read_aggregate(kind, Section(node, path, problems, (kind, "by", "window", "default")))


def _read_calendar(section: Section) -> Calendar:
    part = section.choice("calendar", PARTS)
    zone = section.text("zone", required=False) or "UTC"
    try:
        ZoneInfo(zone)
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError that some platforms turn into these
        section.note("zone", f"{quoted(zone)} is not a time zone", "zone: Europe/Berlin")
    except KeyError:
        section.note("zone", f"{quoted(zone)} is not a time zone", "zone: Europe/Berlin")
    return Calendar(part, section.text("of", cure="of: a field of type timestamp") or "", zone)


def _read_last(section: Section) -> Last:
    stream, _, field = (section.text("last") or "").partition(".")
    if not (NAME.fullmatch(stream) and FIELD.fullmatch(field)):
        section.note("last", "must name a field of a stream", "last: weather.wind_speed")
    return Last(stream, field, section.text("by", required=False), section.duration("max_age", required=False), _read_default(section))


def _read_aggregate(kind: str, section: Section) -> Aggregate:
    text = section.text(kind) or ""
    whole = kind == "count" and NAME.fullmatch(text) is not None
    stream = text if whole else stream_of(text)
    if stream is None:
        section.note(
            kind, "must name fields of a stream", f'{kind}: "arrivals.arr_delay > 15"' if kind == "share" else f"{kind}: arrivals.arr_delay"
        )
    window_ms = section.duration("window")
    if window_ms == 0:
        section.note("window", "must be longer than nothing", "window: 3h")
    return Aggregate(
        kind, stream or "", "true" if whole else text, section.text("by", required=False), window_ms or 0, _read_default(section)
    )


def _read_default(section: Section) -> Any:
    default = section.plain("default")
    if isinstance(default, dict | list):
        section.note("default", "must be one value", "default: 0")
    return default


def _compute_body(compute: Compute) -> dict[str, Any]:
    match compute:
        case Calendar(part, of, zone):
            return {"calendar": part, "of": of, "zone": zone}
        case Last(stream, field, by, max_age_ms, default):
            limits = {"max_age": None if max_age_ms is None else format_duration(max_age_ms)}
            body: dict[str, Any] = {"last": f"{stream}.{field}", "by": by, **limits, "default": default}
        case Aggregate(kind, stream, expression, by, window_ms, default):
            counted = stream if kind == "count" and expression == "true" else expression
            body = {kind: counted, "by": by, "window": format_duration(window_ms), "default": default}
    return {key: value for key, value in body.items() if value is not None}
