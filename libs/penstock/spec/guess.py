"""A first specification for a table: which column is key, id, time and feature, and what the label means."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from penstock.spec.columns import ID_NAME, Column, read_columns
from penstock.spec.duration import UNITS_MS
from penstock.spec.errors import SpecError, nearest
from penstock.spec.rows import KNOWN_AT, ROW_ID
from penstock.spec.target import Target, target
from penstock.spec.values import field_name

ENTITIES_MAX = 1_000
ROWS_PER_ENTITY = 20
MAX_JUMP_MS = 7 * UNITS_MS["d"]
REPLAYED_ROWS = 1_000  # `produce` is some hundred rows ahead of what is learned: so long a label may take in a replay
MAX_JUMP_LIMIT_MS = 3_650 * UNITS_MS["d"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said; names of columns as they stand in the file or as fields."""

    label: str | None
    key: str | None = None
    id: str | None = None
    time: str | None = None
    positive: str | None = None
    delay_ms: int = 0
    task: str | None = None


@dataclass(frozen=True, slots=True)
class Guess:
    """What was found; `reasons` says why, by topic, for the comments; `dropped` are columns that are no features.

    `calendar`: a column with times, whose parts are features.
    """

    columns: Mapping[str, Column]
    target: Target
    key: str
    id: str
    time: str | None
    calendar: str | None
    select: tuple[str, ...]
    dropped: Mapping[str, str]
    reasons: Mapping[str, str]
    max_jump_ms: int
    horizon_ms: int
    sorted: bool


def guess(rows: Sequence[Mapping[str, str]], wishes: Wishes) -> Guess:
    """Look at a sample of rows. Raises: SpecError when there is no way to a label, or a wish names no column."""
    if not rows:
        raise SpecError("the file has no rows. Try: a CSV file with a header line and rows below it")
    columns = read_columns(rows)
    label = None if wishes.label is None else _wished(wishes.label, columns, "--label")
    aim = target(None if label is None else columns[label], rows, wishes.task, wishes.positive)
    time, time_reason = _time(columns, label, wishes.time)
    id, id_reason = _id(columns, label, wishes.id)
    key, key_reason = _key(columns, {label, id, time}, wishes.key, id)
    if id == ROW_ID and ROW_ID not in columns:
        columns = {ROW_ID: Column(ROW_ID, "long", False, (), {}), **columns}
    for name in {id, key} - {ROW_ID}:
        columns[name] = _as_identity(columns[name], "--id" if name == id else "--key")
    if KNOWN_AT in columns:
        raise SpecError(f"the column {KNOWN_AT} has a name that Penstock needs. Try: another name for it in the header line")
    dropped = _dropped(columns, label, id, time)
    select = tuple(name for name in columns if name not in dropped and name != label)
    calendar = time or next((column.name for column in columns.values() if column.type == "timestamp" and column.name != label), None)
    if not select and not calendar:
        raise SpecError(f"no column is left to learn from ({_listed(dropped)}). Try: a file with columns that describe the rows")
    jump_ms, ordered = _jumps(columns[time]) if time else (0, True)
    return Guess(
        columns=columns,
        target=aim,
        key=key,
        id=id,
        time=time,
        calendar=calendar,
        select=select,
        dropped=dropped,
        reasons={"label": aim.reason, "time": time_reason, "id": id_reason, "key": key_reason},
        max_jump_ms=min(max(10 * jump_ms, MAX_JUMP_MS), MAX_JUMP_LIMIT_MS),
        horizon_ms=max(2 * wishes.delay_ms, UNITS_MS["d"], _replay_ms(columns[time]) if time else 0),
        sorted=ordered,
    )


def _listed(dropped: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {reason}" for name, reason in list(dropped.items())[:10])


def _wished(name: str, columns: Mapping[str, Column], option: str) -> str:
    field = name if name in columns else field_name(name)
    if field not in columns:
        cure = nearest(field, list(columns)) or f"one of {', '.join(list(columns)[:20])}"
        raise SpecError(f"{option} {name}: no column is called so. Try: {cure}")
    return field


def _time(columns: Mapping[str, Column], label: str | None, wish: str | None) -> tuple[str | None, str]:
    if wish is not None:
        name = _wished(wish, columns, "--time")
        if not _may_be_event_time(columns[name]):
            nullable = "has empty cells" if columns[name].nullable else "holds times before 1970"
            why = nullable if columns[name].type == "timestamp" else "holds no times"
            raise SpecError(f"--time {wish}: the column {why}. Try: ISO 8601, or leave --time out: event time is then the time of arrival")
        return name, "as you said"
    found = next((column.name for column in columns.values() if _may_be_event_time(column) and column.name != label), None)
    return (found, "the first column with times") if found else (None, "no column holds times, so event time is the time of arrival")


def _may_be_event_time(column: Column) -> bool:
    """Times, none of them missing or before 1970, which ingestion refuses."""
    return column.type == "timestamp" and not column.nullable and all(isinstance(value, int) and value >= 0 for value in column.values)


def _id(columns: Mapping[str, Column], label: str | None, wish: str | None) -> tuple[str, str]:
    if wish is not None:
        return _wished(wish, columns, "--id"), "as you said"
    fits = (column for column in columns.values() if column.unique and column.type in ("string", "long") and ID_NAME.search(column.name))
    found = next((column.name for column in fits if column.name != label), None)
    return (
        (found, "different in every row, and named like an id")
        if found
        else (ROW_ID, "no column looks like an id: produce numbers the rows")
    )


def _key(columns: Mapping[str, Column], taken: set[str | None], wish: str | None, id: str) -> tuple[str, str]:
    if wish is not None:
        return _wished(wish, columns, "--key"), "as you said"
    fits = [column for column in columns.values() if column.type == "string" and not column.nullable and column.name not in taken]
    fits = [column for column in fits if 1 < len(column.counts) <= min(ENTITIES_MAX, len(column.values) / ROWS_PER_ENTITY)]
    if fits:
        best = max(fits, key=lambda column: len(column.counts))
        return best.name, f"{len(best.counts)} different values, each often: it may be the entity"
    return id, "no column looks like an entity, so every event is its own"


def _as_identity(column: Column, option: str) -> Column:
    """A column that names something is a text or a whole number, and never empty."""
    if column.nullable or column.type not in ("string", "long", "boolean"):
        why = "has empty cells" if column.nullable else f"is a {column.type}"
        raise SpecError(f"{option} {column.name}: the column {why}, and cannot name anything. Try: another column, or leave {option} out")
    return replace(column, type="string") if column.type == "boolean" else column


def _dropped(columns: Mapping[str, Column], label: str | None, id: str, time: str | None) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for column in columns.values():
        if column.name == label:
            continue
        if column.name in (id, time):
            reasons[column.name] = "names the event" if column.name == id else "the time of the event"
        elif column.type == "timestamp":
            reasons[column.name] = "a time"
        elif column.constant:
            reasons[column.name] = "always the same"
        elif column.identifying:
            reasons[column.name] = "names rows more than it describes them"
    return reasons


def _replay_ms(column: Column) -> int:
    """Event time that goes by while so many rows are replayed, on average: days of rows may pass before a label is through."""
    times = [value for value in column.values if isinstance(value, int)]
    span_ms = (max(times) - min(times)) * REPLAYED_ROWS // len(times)
    return min(-(-span_ms // UNITS_MS["d"]) * UNITS_MS["d"], MAX_JUMP_LIMIT_MS)


def _jumps(column: Column) -> tuple[int, bool]:
    """The longest way that event time moves forward from one row to the next (ms), and whether it never moves back."""
    latest, longest_ms, ordered = None, 0, True
    for time in column.values:
        if not isinstance(time, int):
            continue
        if latest is not None:
            longest_ms, ordered = max(longest_ms, time - latest), ordered and time >= latest
        latest = time if latest is None else max(latest, time)
    return longest_ms, ordered
