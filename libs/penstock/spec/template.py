"""The text of a first specification, with comments on what was guessed."""

import json
import re

from penstock.spec.columns import Column
from penstock.spec.duration import format_duration
from penstock.spec.guess import Guess
from penstock.spec.rows import KNOWN_AT, LABELS
from penstock.spec.section import NAME
from penstock.spec.sketches import SKETCHES
from penstock.tasks import TASKS

SERIES_RATE = 50  # events a second: a forecast is worth little when the value before it is still under way
YAML_WORDS = re.compile(r"null|true|false", re.IGNORECASE)
TEMPLATE = """\
# Written by `penstock init` from the first {rows} rows of {file}. Read what it guessed, change it, then:
#
#   penstock up                                # Kafka, PostgreSQL and the six services
#   penstock apply penstock.yaml
#   penstock produce {name} {path}{delay}
#   penstock tail predictions.{model} -o json
#   penstock show {model}
#   penstock verify {model}@champion
{notes}
streams:
  {name}:
    key: {key}    # the entity: {key_reason}
    id: {id}    # {id_reason}
{time}    partitions: 1
    fields:    # a range is the one seen, ten times as wide on either side: what lies outside goes to dlq.events.{name}
{fields}
{label_stream}views:
  {name}-features:
    from: {name}
    select: [{select}]
{dropped}{compute}
models:
  {model}:
    task: {task}
    view: {name}-features
{label}{sketch}"""
LABEL_STREAM = """\
  {name}{labels}:    # the label, in a stream of its own: it is known later than the question
    key: {label_key}
    id: {id}
{label_time}    partitions: 1
    fields:
{label_fields}
"""
LABEL = """\
    label:    # {reason}
      from: {name}{labels}
      id: {id}
      {says}: {expression}
      horizon: {horizon}    # a question without a label for so long is closed
"""


def write_spec(guess: Guess, *, name: str, path: str, rows: int, delay_ms: int) -> str:
    """The YAML of a guess; `load` takes it as it is."""
    label = guess.target.column
    features = [column for column in guess.columns.values() if label is None or column.name != label.name]
    return TEMPLATE.format(
        rows=rows,
        file=_printable(path.rpartition("/")[2]),
        path=json.dumps(_printable(path), ensure_ascii=False) if " " in path else _printable(path),
        delay=_produce_options(guess, delay_ms),
        name=name,
        model=stream_name(f"{name}-{label.name if label else guess.target.task}"),
        notes=_notes(guess),
        **{topic: _word(getattr(guess, topic)) for topic in ("key", "id")},
        **{f"{topic}_reason": _printable(guess.reasons[topic]) for topic in ("key", "id")},
        time=_time_lines(guess),
        fields="\n".join(_field_line(column) for column in features),
        label_stream=_label_stream(guess, name, label) if label else "\n",
        label=_label(guess, name) if label else "",
        task=guess.target.task,
        sketch=SKETCHES[guess.target.task].text(guess.target.margin),
        select=", ".join(_word(feature) for feature in guess.select),
        dropped="".join(f"    # {feature} is left out: {reason}\n" for feature, reason in guess.dropped.items()),
        compute=_compute_lines(guess),
    )


def stream_name(text: str) -> str:
    """A name for a stream or a model: small letters, digits, hyphens.

    >>> stream_name("My Data_2013")
    'my-data-2013'
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:90]
    return name if NAME.fullmatch(name) else f"data-{name}".rstrip("-")


def _produce_options(guess: Guess, delay_ms: int) -> str:
    delay = f" --delay {format_duration(delay_ms)}" if delay_ms else ""
    return f"{delay} --rate {SERIES_RATE}" if TASKS[guess.target.task].in_order else delay


def _notes(guess: Guess) -> str:
    if guess.sorted:
        return ""
    return f"#\n# The rows are not in the order of {guess.time}: sort the file first, for a model's clock never goes back.\n"


def _time_lines(guess: Guess) -> str:
    if guess.time is None:
        return f"    # time: {guess.reasons['time']}\n"
    jump = f"    max_jump: {format_duration(guess.max_jump_ms)}    # an event further ahead than this is refused\n"
    return f"    time: {_word(guess.time)}    # {guess.reasons['time']}\n{jump}"


def _label_stream(guess: Guess, name: str, label: Column) -> str:
    identity = guess.columns[guess.id]
    lines = [f"      {identity.name}: {identity.type}", f"      {label.name}: {_label_type(guess, label)}"]
    return LABEL_STREAM.format(
        name=name,
        labels=LABELS,
        id=_word(guess.id),
        label_key=_word(guess.id),
        label_time=f"    time: {KNOWN_AT}\n    max_jump: {format_duration(guess.max_jump_ms)}\n" if guess.time else "",
        label_fields="\n".join([*lines, f"      {KNOWN_AT}: timestamp"] if guess.time else lines) + "\n",
    )


def _label_type(guess: Guess, label: Column) -> str:
    if TASKS[guess.target.task].label_type != "string":
        return label.type
    return f"{{type: string, enum: {json.dumps(sorted(map(str, label.counts)), ensure_ascii=False)}}}"


def _label(guess: Guess, name: str) -> str:
    return LABEL.format(
        name=name,
        labels=LABELS,
        id=_word(guess.id),
        reason=_printable(guess.reasons["label"]),
        says="positive" if TASKS[guess.target.task].condition else "value",
        expression=json.dumps(guess.target.expression, ensure_ascii=False),
        horizon=format_duration(guess.horizon_ms),
    )


def _compute_lines(guess: Guess) -> str:
    if guess.calendar is None:
        return ""
    of = _word(guess.calendar)
    parts = {"hour_of_day": "hour", "day_of_week": "weekday"} if guess.time else {"month_of_year": "month", "day_of_week": "weekday"}
    return "    compute:\n" + "".join(f"      {name}: {{calendar: {part}, of: {of}, zone: UTC}}\n" for name, part in parts.items())


def _field_line(column: Column) -> str:
    extra = ["nullable: true"] if column.nullable else []
    if column.enum:
        extra.append(f"enum: {json.dumps(column.enum, ensure_ascii=False)}")
    if column.range:
        extra.append(f"range: [{column.range[0]:g}, {column.range[1]:g}]")
    return f"      {column.name}: " + (f"{{{', '.join([f'type: {column.type}', *extra])}}}" if extra else column.type)


def _word(name: str) -> str:
    return json.dumps(name) if YAML_WORDS.fullmatch(name) else name


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)
