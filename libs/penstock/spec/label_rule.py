"""How questions are labelled: by which events, for how long, and what a label does that comes again and says otherwise."""

from dataclasses import dataclass
from typing import Any

from penstock.spec.duration import format_duration
from penstock.spec.section import Section
from penstock.tasks import LABELLED, Task

COUNT, RELEARN = "count", "relearn"
CORRECTION_DEPTH, CORRECTION_DEPTH_MAX = 100_000, 10_000_000
CORRECTION_WAIT = "1h"
UNLABELLED_HORIZON_MS = 3_600_000  # who waits for no label still remembers ids: twice as long


@dataclass(frozen=True, slots=True)
class LabelRule:
    """Which events of `stream` answer questions: `id` holds the question's event id, and an expression over the fields says the label.

    That is `positive`, a condition, or `value`, by the task. A model of anomalies may have no labels: then the rule is false.
    With `on_correction: relearn` a label that contradicts what was learned is learned in its place, if its question is at most
    `correction_depth` records of the log back; corrections are gathered for `correction_wait_ms` of event time.
    """

    stream: str
    id: str
    positive: str | None
    value: str | None
    horizon_ms: int
    on_expiry: str = "drop"
    on_correction: str = COUNT
    correction_depth: int = 0
    correction_wait_ms: int = 0

    def __bool__(self) -> bool:
        return bool(self.stream)

    @property
    def expression(self) -> str:
        """What says the label."""
        return self.positive or self.value or ""


def read_label(parent: Section, task: Task) -> LabelRule:
    """The rule that a model declares; what is wrong is noted."""
    wanted, other, example = ("positive", "value", '"y > 15"') if task.condition else ("value", "positive", "y")
    needed = task.paced_by == LABELLED
    node = parent.node("label", required=needed, cure=f"label: {{from: stream, id: field, {wanted}: {example}, horizon: 48h}}")
    if node is None:
        return LabelRule("", "", None, None, UNLABELLED_HORIZON_MS)
    keys = ("from", "id", "positive", "horizon", "on_expiry", "on_correction", "correction_depth", "correction_wait", "value")
    section = Section(node, (*parent.path, "label"), parent.problems, keys)
    if other in section:
        what = "condition that holds or not" if task.condition else "value"
        section.note(other, f"does not fit: a label of {task.article} is a {what}", f"{wanted}: {example}")
    said = section.text(wanted, required=other not in section, cure=f"{wanted}: {example}")
    horizon_ms = section.duration("horizon")
    if horizon_ms == 0:
        section.note("horizon", "must be longer than nothing: a question without a label expires after it", "horizon: 48h")
    on_correction = section.choice("on_correction", (COUNT, RELEARN), COUNT)
    if on_correction == RELEARN and not needed:
        section.note("on_correction", f"does not fit: {task.article} is learned without its label", f"on_correction: {COUNT}")
    for key in ("correction_depth", "correction_wait"):
        if key in section and on_correction != RELEARN:
            section.note(key, "says how corrections are learned, and they are only counted", f"on_correction: {RELEARN}, or leave it out")
    relearns = on_correction == RELEARN
    return LabelRule(
        stream=section.text("from", cure="from: the stream that brings the labels") or "",
        id=section.text("id", cure="id: the field that names the question") or "",
        positive=said if task.condition else None,
        value=None if task.condition else said,
        horizon_ms=horizon_ms or 0,
        on_expiry=section.choice("on_expiry", ("drop",), "drop", later="nothing else yet"),
        on_correction=on_correction,
        correction_depth=section.integer("correction_depth", CORRECTION_DEPTH, 1, CORRECTION_DEPTH_MAX) if relearns else 0,
        correction_wait_ms=(section.duration("correction_wait", CORRECTION_WAIT) or 0) if relearns else 0,
    )


def label_body(rule: LabelRule) -> dict[str, Any]:
    """The rule as it would stand in the file, every default written out."""
    answer = {"positive": rule.positive} if rule.positive is not None else {"value": rule.value}
    handling: dict[str, Any] = {
        "horizon": format_duration(rule.horizon_ms),
        "on_expiry": rule.on_expiry,
        "on_correction": rule.on_correction,
    }
    if rule.on_correction == RELEARN:
        handling |= {"correction_depth": rule.correction_depth, "correction_wait": format_duration(rule.correction_wait_ms)}
    return {"from": rule.stream, "id": rule.id, **answer, **handling}
