"""A backtest's report: prequential curves of every candidate, each paired with what was served over the same labels."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from penstock.backtest.plan import LIVE, Plan, shown
from penstock.backtest.run import Lags, name_of, summaries
from penstock.backtest.spool import About
from penstock.tasks import TASKS, Figure, Task

WINDOWS = 60  # points of a curve
BATCHES = 40  # of the confidence statement
STUDENT_95 = 2.0227  # two-sided, 39 degrees of freedom
BATCH_LABELS_MIN = 25  # fewer in a batch say nothing about the dependence between labels
ROCAUC = "rocauc"
KNOWN = frozenset({"Prediction", "Label", "Tick", "Serve", "SpecApplied", "DriftDetected", "Rewound", "Rebuilt", "poison"})

Floats = NDArray[np.float64]


class Answers(NamedTuple):
    """The answers of one candidate, or those that were served, over labels in log order; figures and score are NaN where there was none.

    `label`: whether it is positive, where answers are ranked by that; else empty.
    """

    asked: NDArray[np.int64]
    label: NDArray[np.bool_]
    score: Floats
    figures: Mapping[str, Floats]

    def known(self) -> "Answers":
        """Those that were given."""
        return self.rows(np.flatnonzero(np.isfinite(self.score)))

    def rows(self, which: "NDArray[np.intp] | slice") -> "Answers":
        """Some of them, in the order that is asked for."""
        figures = {name: column[which] for name, column in self.figures.items()}
        return Answers(self.asked[which], self.label[which] if len(self.label) else self.label, self.score[which], figures)


def metrics_of(task: Task) -> dict[str, tuple[str, str]]:
    """The metrics that a report shows, by name, each with its title and how to read it."""
    found = {name: (each.title, f"{each.unit}, {'lower' if each.less else 'higher'} is better") for name, each in task.figures.items()}
    if task.ranked:
        found[ROCAUC] = ("ROC AUC", "higher is better")
    return {name: found[name] for name in task.measures if name in found}


def rocauc(label: NDArray[np.bool_], score: Floats) -> float | None:
    """The exact area under the ROC curve: the share of (positive, negative) pairs in order, ties half; None without both classes.

    Source: Mann and Whitney (1947). River's own metric, which the platform records, bins its thresholds and lies below it.

    >>> rocauc(np.array([True, False, True]), np.array([0.9, 0.2, 0.2]))
    0.75
    """
    positives = int(label.sum())
    negatives = len(label) - positives
    if not positives or not negatives:
        return None
    _, where, counts = np.unique(score, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2
    return float((ranks[where][label].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def measured(answers: Answers, task: Task) -> dict[str, float | None]:
    """The metrics over all answers; each must have been given."""
    return {name: _metric(name, answers, task) for name in metrics_of(task)}


def _metric(name: str, answers: Answers, task: Task) -> float | None:
    if not len(answers.asked):
        return None
    return _mean(answers.figures[name], task.figures[name]) if name in task.figures else rocauc(answers.label, answers.score)


def _mean(column: Floats, figure: Figure) -> float:
    mean = float(column.mean())
    return mean**0.5 if figure.root else mean


def curve(answers: Answers, task: Task, windows: int = WINDOWS) -> list[dict[str, Any]]:
    """Prequential metrics over windows of equally many labels, and since the beginning (Gama et al., 2013); `labels` is a window's end."""
    edges = np.unique(np.linspace(0, len(answers.asked), windows + 1).astype(int))
    points = []
    for start, end in pairwise(edges):
        since = {f"{name}_since": _mean(column[:end], task.figures[name]) for name, column in answers.figures.items()}
        points.append({"labels": int(end), **measured(answers.rows(slice(start, end)), task), **since})
    return points


Interval = tuple[float, float]


class Paired(NamedTuple):
    """Mean differences over the labels that both answered, each with a 95 % interval; None where there are too few for one.

    Positive is better than what it is compared with. By the name of the metric: of what it is a mean, so of squares for one with a root.
    """

    labels: int
    differences: Mapping[str, tuple[float, Interval | None]]

    def verdict(self, metric: str) -> str:
        """What the interval allows to say."""
        interval = self.differences[metric][1]
        if interval is None:
            return "too few labels to tell"
        return "better" if interval[0] > 0 else "worse" if interval[1] < 0 else "no difference that stands out"


def paired(one: Answers, other: Answers, task: Task) -> Paired | None:
    """`one` beside `other` over the labels that both answered; None when there is none."""
    mine, theirs = one.known(), other.known()
    _, at, there = np.intersect1d(mine.asked, theirs.asked, assume_unique=True, return_indices=True)
    if not len(at):
        return None
    order = np.argsort(at)  # in the order of the labels, for batches of neighbours
    mine, theirs = mine.rows(at[order]), theirs.rows(there[order])
    differences = {}
    for name, figure in task.figures.items():
        less = theirs.figures[name] - mine.figures[name]
        better = less if figure.less else -less
        differences[name] = (float(better.mean()), interval(better))
    return Paired(len(at), differences)


def interval(differences: Floats) -> Interval | None:
    """A 95 % interval of the mean of dependent differences by batch means (Schmeiser, Batch size effects, 1982); None for too few."""
    size = len(differences) // BATCHES
    if size < BATCH_LABELS_MIN:
        return None
    means = differences[: size * BATCHES].reshape(BATCHES, size).mean(axis=1)
    half = STUDENT_95 * float(means.std(ddof=1)) / BATCHES**0.5
    return float(differences.mean()) - half, float(differences.mean()) + half


def load(folder: Path, number: int, task: Task) -> tuple[Answers, Answers]:
    """A candidate's answers, and those that were served over the same labels."""
    with np.load(folder / f"{name_of(number)}.npz") as columns:
        asked, label = columns["asked"], columns["label"].astype(bool)
        mine, served = ({name: columns[f"{who}.{name}"] for name in task.figures} for who in ("mine", "served"))
        return Answers(asked, label, columns["score"], mine), Answers(asked, label, columns["served"], served)


def report(plan: Plan, folder: Path, seen: About, lags: Lags) -> dict[str, Any]:
    """The whole report as plain values."""
    task = TASKS[plan.task]
    loaded = [load(folder, number, task) for number in range(len(plan.candidates))]
    fresh = next((mine for (mine, _), each in zip(loaded, plan.candidates, strict=True) if each.kind == LIVE), None)
    rows = []
    for candidate, (mine, served), summary in zip(plan.candidates, loaded, summaries(plan, folder), strict=True):
        row = {"name": candidate.name, "kind": candidate.kind, **_row(mine, task), "against_served": _against(mine, served, plan)}
        row["against_live"] = _against(mine, fresh, plan) if fresh is not None and candidate.kind != LIVE else None
        rows.append({**row, **summary})
    return {
        **shown(plan),
        "metrics": [{"name": name, "title": title, "hint": hint} for name, (title, hint) in metrics_of(task).items()],
        "records": sum(seen.records.values()),
        "read": seen.records,
        "lag": {"serve_ms": lags.serve_ms, "serves": lags.serves, "drift_ms": lags.drift_ms, "drifts": lags.drifts},
        "served": {"name": "served", "kind": "served", **_row(loaded[0][1], task)},
        "candidates": rows,
        "notes": notes(plan, seen, lags),
    }


def _row(answers: Answers, task: Task) -> dict[str, Any]:
    known = answers.known()
    return {
        "labels": len(answers.asked),
        "answered": len(known.asked),
        **measured(known, task),
        "curve": curve(known, task) if len(known.asked) else [],
    }


def _against(mine: Answers, other: Answers, plan: Plan) -> Mapping[str, Any] | None:
    found = paired(mine, other, TASKS[plan.task]) if plan.metric else None
    return {**found._asdict(), "verdict": found.verdict(plan.metric)} if found else None


def notes(plan: Plan, seen: About, lags: Lags) -> list[str]:
    """What a reader must know to judge the figures."""
    return list(_notes(plan, seen, lags))


def _notes(plan: Plan, seen: About, lags: Lags) -> Iterable[str]:
    measured_over = f"the median of {lags.serves:,} Serve records of this log" if lags.serves else "this log shows no Serve"
    yield f"Between a proposal and serving lie {lags.serve_ms:,} ms of append time ({measured_over})."
    drift = f"the median of {lags.drifts:,} drifts of this log" if lags.drifts else "this log shows no drift; as long as a proposal"
    yield f"Between a drift and the fold lie {lags.drift_ms:,} ms ({drift})."
    yield (
        "served: what users got, from checkpoints that were some labels old. live: what the champion's own learner would have answered at "
        "the same question. Candidates answer as live does, so live is the equal footing, and served is what really ran."
    )
    yield (
        "Each difference is paired over the labels that both answered. Its 95 % interval is by batch means "
        f"({BATCHES} batches of neighbouring labels), since neighbours depend on each other. Many candidates are compared: "
        "the best of them looks better than it is."
    )
    if plan.first:
        yield f"Candidates begin with nothing at offset {plan.first:,}; what was served had learned everything before it."
    if rewinds := seen.records.get("Rewound"):
        yield f"What the {rewinds:,} rewinds of this log have cut teaches no candidate, and is not compared."
    if seen.relearns:
        yield "The platform learned corrected labels again (on_correction: relearn). Candidates learn the first label of each question."
    if seen.goes_back and not plan.first:
        yield "So there is no live candidate: one would have to fold parts of the log again."
    if others := sorted(set(seen.records) - KNOWN):
        yield f"Other commands stand in the log and do not apply to candidates: {', '.join(others)}."


def sparkline(values: Sequence[float | None]) -> str:
    """A curve in one line of text.

    >>> sparkline([0.0, 1.0, 2.0, None])
    '▁▅█ '
    """
    known = [value for value in values if value is not None]
    low, span = min(known, default=0.0), (max(known, default=0.0) - min(known, default=0.0)) or 1.0
    return "".join(" " if value is None else "▁▂▃▄▅▆▇█"[round((value - low) / span * 7)] for value in values)
