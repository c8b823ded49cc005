"""The label that an event brings for a model."""

from collections.abc import Callable, Mapping
from typing import Any

from penstock.spec.expression import compile_expression
from penstock.spec.model import Model
from penstock.spec.specification import Spec
from penstock.tasks import TASKS, Label


def label_of(model: Model, spec: Spec) -> Callable[[Mapping[str, Any]], Label | None]:
    """A function of a record of the label's stream: what it says for this model, or None; of a model without labels always None."""
    rule, task = model.label, TASKS[model.task]
    if not rule:
        return lambda _: None
    evaluate = compile_expression(rule.expression, spec.streams[rule.stream].types).evaluate

    def label(record: Mapping[str, Any]) -> Label | None:
        found = evaluate(record)
        return None if found is None else task.label(found)

    return label
