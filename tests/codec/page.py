"""docs/learners.md: the matrix as a page."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from penstock.codec.buildables import BUILDABLES
from penstock.codec.buildables.refused import REFUSED
from tests.codec.cases import Case
from tests.codec.matrix import Row
from tests.codec.supported import BY_NAME, CASES

FILE = Path(__file__).parents[2] / "docs" / "learners.md"
SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Classifiers": ("classifier",),
    "Regressors": ("regressor",),
    "Anomaly detectors": ("anomaly detector", "label anomaly detector"),
    "Forecasters": ("forecaster",),
    "Clusterers": ("clusterer",),
    "Transformers": ("transformer",),
    "Optimizers": ("optimizer",),
    "Drift detectors": ("detector", "warning detector", "error detector"),
    "Metrics": ("classification metric", "regression metric"),
}
HEAD = """# Learners

Every class of River's that can be proved, with the line to write in a specification. `make learners` writes this page, and a test
holds it to the code.

A case is a model with a stream: it learns from {training} events, its state is taken as bytes, and it goes on for {further}.

| column | what holds |
|---|---|
| copy | The decoded copy answers the further events as the original does, and both reach one digest. Encoding it gives the same bytes. |
| seeds | Processes with the hash seeds 0 and 4242 reach the same digest. *pinned*: it needs `PYTHONHASHSEED=0`, which the platform sets. |
| resume | Encoded and decoded again every quarter, it reaches the digest of the uninterrupted run. |
| moves | One event more is another digest. |
| asked | Questions whose features it knows leave its bytes as they are (trees over text may add an empty entry). *–*: no model. |

Bytes and nodes are the state's after training. Times are in ms, the best of three, on one shared core of {machine}. A class
stands here once for each way of using it that has code of its own. Arguments and their limits: `libs/penstock/codec/buildables`. The
platform sets the `max_depth` of trees, and a seed where a class takes one and the recipe says none: it comes from the name of the model
and the number of the version, so under another name the same recipe draws another way. {count} cases, {classes} classes.
"""
REFUSALS = """
## Refused

`penstock apply` refuses these with the line and the reason; and also what is in no list, and an argument beyond its limits.

| class | reason |
|---|---|
"""
MARKS: Mapping[Any, str] = {True: "yes", False: "**no**", None: "–"}
COLUMNS = ("case", "class", "to write", "copy", "seeds", "resume", "moves", "asked", "bytes", "nodes", "encode", "decode")
TABLE = f"| {' | '.join(COLUMNS)} |\n|{'---|' * 8}{'--:|' * 4}\n"


def page(rows: Sequence[Row], training: int, further: int, machine: str) -> str:
    """The whole page."""
    classes = len({case.class_name for case in CASES})
    head = HEAD.format(training=f"{training:,}", further=further, machine=machine, count=len(rows), classes=classes)
    refused = "".join(f"| `{name}` | {reason[0].upper()}{reason[1:]}. |\n" for name, reason in sorted(REFUSED.items()))
    return head + "".join(_section(title, groups, rows) for title, groups in SECTIONS.items()) + REFUSALS + refused


def _section(title: str, groups: tuple[str, ...], rows: Iterable[Row]) -> str:
    mine = sorted((row for row in rows if group_of(BY_NAME[row.name]) in groups), key=lambda row: BY_NAME[row.name].class_name)
    return f"\n## {title}\n\n{TABLE}" + "".join(f"{_line(row)}\n" for row in mine)


def group_of(case: Case) -> str:
    """The group of the class that a case is about."""
    return BUILDABLES[case.class_name].group


def _line(row: Row) -> str:
    times = f"{row.size_bytes:,} | {row.nodes:,} | {row.encode_ms:.2f} | {row.decode_ms:.2f}"
    marks = (row.round_trip, "pinned" if BY_NAME[row.name].pinned else row.hash_seeds, row.resumed, row.moves, row.still)
    return f"{stable(BY_NAME[row.name], marks)} {times} |"


def stable(case: Case, marks: Iterable[Any] | None = None) -> str:
    """The part of a line that does not hang on the machine; without marks, that of a case that has all its properties."""
    found = (True, "pinned" if case.pinned else True, True, True, True if case.is_learner else None) if marks is None else marks
    words = " | ".join(MARKS.get(mark, str(mark)) for mark in found)
    return f"| {case.name} | `{case.class_name}` | `{written(case)}` | {words} |"


def written(case: Case) -> str:
    """What stands in a specification, as one line of YAML."""
    if group_of(case) == "transformer":
        step = next(step for step in case.preprocess if step.get("then") == case.about)
        return f"{{select: {flow(step['select'])}, then: {flow(step['then'])}}}"
    return flow(case.about)


def flow(value: Any) -> str:
    """A value in YAML's flow style.

    >>> flow({"drift.ADWIN": {"delta": 0.002, "names": ["a", "b"], "flag": True}})
    '{drift.ADWIN: {delta: 0.002, names: [a, b], flag: true}}'
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(flow, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else "null" if value is None else str(value)


def lines(text: str) -> Iterator[str]:
    """The lines of cases in a page, without sizes and times."""
    for found in re.finditer(r"^(\| [^|`]+ \| `[\w.]+` \| `.*` \|(?: [\w*–]+ \|){5}) [\d,]+ \|", text, re.MULTILINE):
        yield found.group(1)
