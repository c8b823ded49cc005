"""The text of a first specification, with comments on what was guessed."""

import json
import re

from penstock.spec.columns import Column
from penstock.spec.duration import format_duration
from penstock.spec.guess import Guess
from penstock.spec.rows import KNOWN_AT, LABELS
from penstock.spec.section import NAME

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
  {name}{labels}:    # the label, in a stream of its own: it is known later than the question
    key: {label_key}
    id: {id}
{label_time}    partitions: 1
    fields:
{label_fields}
views:
  {name}-features:
    from: {name}
    select: [{select}]
{dropped}{compute}
models:
  {model}:
    task: binary_classification
    view: {name}-features
    label:    # {label_reason}
      from: {name}{labels}
      id: {id}
      positive: {positive}
      horizon: {horizon}    # a question without a label for so long is closed
    preprocess:
      - {{select: numbers, then: preprocessing.StandardScaler}}
      - {{select: strings, then: {{preprocessing.OneHotEncoder: {{drop_zeros: true}}}}}}
    learners:
      adagrad: {{linear_model.LogisticRegression: {{optimizer: {{optim.AdaGrad: 0.05}}}}}}
      sgd:     {{linear_model.LogisticRegression: {{optimizer: {{optim.SGD: 0.02}}}}}}
      tree:    {{tree.HoeffdingTreeClassifier: {{grace_period: 200, max_depth: 8}}}}
    champion: adagrad    # answers
    challengers: [sgd, tree]    # learn beside it, and take over when they are better
    metrics: [log_loss, rocauc, accuracy]
    checkpoint_every_labels: 100    # what answers is at most so far behind what has been learned
    promotion: {{mode: automatic, metric: log_loss, after_labels: 1000, margin: 0.01}}
    drift:
      detectors: [{{signal: loss, use: {{drift.ADWIN: {{delta: 0.002}}}}, after_labels: 1000}}]
      reactions: [{{when: {{kind: concept}}, spawn: adagrad, cooldown_labels: 5000, budget: 2}}]
"""


def write_spec(guess: Guess, *, name: str, path: str, rows: int, delay_ms: int) -> str:
    """The YAML of a guess; `load` takes it as it is."""
    features = [column for column in guess.columns.values() if column.name != guess.label]
    return TEMPLATE.format(
        rows=rows,
        file=_printable(path.rpartition("/")[2]),
        path=json.dumps(_printable(path), ensure_ascii=False) if " " in path else _printable(path),
        delay=f" --delay {format_duration(delay_ms)}" if delay_ms else "",
        name=name,
        labels=LABELS,
        model=stream_name(f"{name}-{guess.label}"),
        notes=_notes(guess),
        **{topic: _word(getattr(guess, topic)) for topic in ("key", "id")},
        **{f"{topic}_reason": _printable(guess.reasons[topic]) for topic in ("key", "id", "label")},
        time=_time_lines(guess),
        fields="\n".join(_field_line(column) for column in features),
        label_key=_word(guess.id),
        label_time=f"    time: {KNOWN_AT}\n    max_jump: {format_duration(guess.max_jump_ms)}\n" if guess.time else "",
        label_fields=_label_lines(guess),
        select=", ".join(_word(feature) for feature in guess.select),
        dropped="".join(f"    # {feature} is left out: {reason}\n" for feature, reason in guess.dropped.items()),
        compute=_compute_lines(guess),
        positive=json.dumps(guess.positive, ensure_ascii=False),
        horizon=format_duration(guess.horizon_ms),
    )


def stream_name(text: str) -> str:
    """A name for a stream or a model: small letters, digits, hyphens.

    >>> stream_name("My Data_2013")
    'my-data-2013'
    """
    name = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:90]
    return name if NAME.fullmatch(name) else f"data-{name}".rstrip("-")


def _notes(guess: Guess) -> str:
    if guess.sorted:
        return ""
    return f"#\n# The rows are not in the order of {guess.time}: sort the file first, for a model's clock never goes back.\n"


def _time_lines(guess: Guess) -> str:
    if guess.time is None:
        return f"    # time: {guess.reasons['time']}\n"
    jump = f"    max_jump: {format_duration(guess.max_jump_ms)}    # an event further ahead than this is refused\n"
    return f"    time: {_word(guess.time)}    # {guess.reasons['time']}\n{jump}"


def _label_lines(guess: Guess) -> str:
    label, identity = guess.columns[guess.label], guess.columns[guess.id]
    lines = [f"      {identity.name}: {identity.type}", f"      {label.name}: {label.type}"]
    return "\n".join([*lines, f"      {KNOWN_AT}: timestamp"] if guess.time else lines) + "\n"


def _compute_lines(guess: Guess) -> str:
    if guess.time is None:
        return ""
    of = _word(guess.time)
    parts = {"hour_of_day": "hour", "day_of_week": "weekday"}
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
