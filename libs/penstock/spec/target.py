"""What is to be predicted in a table: the task, and what says the label."""

import re
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from penstock.spec.columns import CATEGORIES_MAX, Column, as_text
from penstock.spec.errors import SpecError
from penstock.spec.expression import compile_expression
from penstock.tasks import TASKS

NUMBERS = ("long", "double")
MARGIN_SHARE = 0.01  # of the labels' standard deviation: by so much must a challenger's mean loss be better


@dataclass(frozen=True, slots=True)
class Target:
    """The task, the column of the label as it is declared (None without one), what says the label, why, and a margin to be better by."""

    task: str
    column: Column | None
    expression: str
    reason: str
    margin: float = MARGIN_SHARE


def target(column: Column | None, rows: Sequence[Mapping[str, str]], task: str | None, positive: str | None) -> Target:
    """What a label's column is good for, or what was wished. Raises: SpecError when it is not."""
    if task is not None and task not in TASKS:
        raise SpecError(f"--task {task} is unknown ({', '.join(TASKS)})")
    if column is None:
        if task != "anomaly":
            raise SpecError("nothing says what to predict. Try: --label COLUMN, or --task anomaly, which needs none")
        return Target(task, None, "", "")
    found = task or _guessed(column, positive)
    if TASKS[found].condition:
        return Target(found, column, *_positive(column, positive))
    if positive is not None:
        raise SpecError(f"--positive says a condition, and a label of {TASKS[found].article} is a value. Try: leave --positive out")
    return _classes(column, rows) if TASKS[found].label_type == "string" else _number(column, found)


def _guessed(column: Column, positive: str | None) -> str:
    if positive is not None or len(column.counts) <= 2:
        return "binary_classification"
    if column.type == "string" and len(column.counts) <= CATEGORIES_MAX:
        return "multiclass"
    return "regression" if column.type in NUMBERS else "binary_classification"


def _classes(column: Column, rows: Sequence[Mapping[str, str]]) -> Target:
    """The label as texts, each of them a class."""
    if not 2 <= len(column.counts) <= CATEGORIES_MAX or column.type in ("timestamp", "double"):
        what = f"{len(column.counts)} different values" if column.type in ("string", "long", "boolean") else f"values of type {column.type}"
        raise SpecError(f"the label {column.name} has {what}, and classes are 2 to {CATEGORIES_MAX} names. Try: another --label, or --task")
    return Target("multiclass", as_text(rows, column.name), column.name, f"{len(column.counts)} classes; others are refused")


def _number(column: Column, task: str) -> Target:
    if column.type not in NUMBERS or column.constant:
        what = "always the same" if column.constant else f"a {column.type}"
        raise SpecError(f"the label {column.name} is {what}, and {TASKS[task].article} needs numbers. Try: another --label, or --task")
    spread = statistics.pstdev(float(value) for value in column.values if isinstance(value, int | float))
    each = "each row is the next value of one series" if TASKS[task].in_order else "a number"
    return Target(task, column, column.name, each, float(f"{MARGIN_SHARE * spread:.2g}"))


def _positive(column: Column, wish: str | None) -> tuple[str, str]:
    """The condition of a positive label, and why."""
    if wish is not None:
        if compile_expression(wish, {column.name: column.type}).type != "boolean":
            raise SpecError(f'--positive "{wish}" is no condition. Try: --positive "{column.name} > 15"')
        return wish, "as you said"
    if len(column.counts) != 2:
        what = (
            "only one value, so there is nothing to learn"
            if column.constant
            else f"{len(column.counts)} different values, and a binary model needs two"
        )
        condition = f"{column.name} > 15" if column.type in NUMBERS else f"{column.name} == '…'"
        raise SpecError(f'the label {column.name} has {what}. Try: --positive "{condition}" to say which are positive, or another --label')
    if column.type == "boolean":
        return f"{column.name} == true", "true is positive"
    if column.type in NUMBERS:
        one, other = sorted(column.counts, key=lambda value: float(str(value)))
        return f"{column.name} == {other}", f"{other} is positive, {one} negative"
    rare = min(column.counts, key=lambda value: (column.counts[value], str(value)))
    quote = next((quote for quote in "'\"" if quote not in str(rare)), None)
    if column.type != "string" or quote is None or re.search(r"[\\\n]", str(rare)):
        raise SpecError(f"the label {column.name} cannot be compared with {rare!r}. Try: another column, or other values in the file")
    return (
        f"{column.name} == {quote}{rare}{quote}",
        f"{rare} is positive because it is the rarer of two: {column.counts[rare]} of {len(column.values)} rows",
    )
