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
from penstock.learning import PROBABILITY_MIN

WINDOWS = 60  # points of a curve
BATCHES = 40  # of the confidence statement
STUDENT_95 = 2.0227  # two-sided, 39 degrees of freedom
BATCH_LABELS_MIN = 25  # fewer in a batch say nothing about the dependence between labels
METRICS = ("log_loss", "rocauc", "accuracy")
DECISION_THRESHOLD = 0.5
KNOWN = frozenset({"Prediction", "Label", "Tick", "Serve", "SpecApplied", "DriftDetected", "Rewound", "poison"})

Floats = NDArray[np.float64]


class Answers(NamedTuple):
    """The answers of one candidate, or those that were served, over labels in log order; a score is NaN where there was none."""

    asked: NDArray[np.int64]
    label: NDArray[np.bool_]
    score: Floats

    def known(self) -> "Answers":
        """Those that have a score."""
        return self.rows(np.flatnonzero(np.isfinite(self.score)))

    def rows(self, which: "NDArray[np.intp] | slice") -> "Answers":
        """Some of them, in the order that is asked for."""
        return Answers(self.asked[which], self.label[which], self.score[which])


def losses(answers: Answers) -> Floats:
    """The log loss of each answer, in nats, clipped as everywhere (penstock.learning.log_loss)."""
    likelihood = np.where(answers.label, answers.score, 1.0 - answers.score)
    return np.asarray(-np.log(np.clip(likelihood, PROBABILITY_MIN, 1.0 - PROBABILITY_MIN)), dtype=np.float64)


def hits(answers: Answers) -> Floats:
    """1 for each answer on the right side of one half, else 0."""
    return np.asarray((answers.score >= DECISION_THRESHOLD) == answers.label, dtype=np.float64)


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


def measured(answers: Answers) -> dict[str, float | None]:
    """The metrics over all answers that have a score."""
    if not len(answers.label):
        return dict.fromkeys(METRICS)
    area = rocauc(answers.label, answers.score)
    return {"log_loss": float(losses(answers).mean()), "rocauc": area, "accuracy": float(hits(answers).mean())}


def curve(answers: Answers, windows: int = WINDOWS) -> list[dict[str, Any]]:
    """Prequential metrics over windows of equally many labels, and since the beginning (Gama et al., 2013); `labels` is a window's end."""
    edges = np.unique(np.linspace(0, len(answers.label), windows + 1).astype(int))
    loss, hit = losses(answers), hits(answers)
    points = []
    for start, end in pairwise(edges):
        window = answers.rows(slice(start, end))
        since = {"log_loss_since": float(loss[:end].mean()), "accuracy_since": float(hit[:end].mean())}
        points.append({"labels": int(end), **measured(window), **since})
    return points


class Paired(NamedTuple):
    """Mean differences over the labels that both answered, with a 95 % interval; None where there are too few for one.

    Positive is better than what it is compared with: less log loss, in nats a label; more right answers, as a share.
    """

    labels: int
    log_loss: float
    log_loss_interval: tuple[float, float] | None
    accuracy: float
    accuracy_interval: tuple[float, float] | None

    @property
    def verdict(self) -> str:
        """What the interval allows to say."""
        if self.log_loss_interval is None:
            return "too few labels to tell"
        low, high = self.log_loss_interval
        return "better" if low > 0 else "worse" if high < 0 else "no difference that stands out"


def paired(one: Answers, other: Answers) -> Paired | None:
    """`one` beside `other` over the labels that both answered; None when there is none."""
    mine, theirs = one.known(), other.known()
    _, at, there = np.intersect1d(mine.asked, theirs.asked, assume_unique=True, return_indices=True)
    if not len(at):
        return None
    order = np.argsort(at)  # in the order of the labels, for batches of neighbours
    mine, theirs = mine.rows(at[order]), theirs.rows(there[order])
    loss, hit = losses(theirs) - losses(mine), hits(mine) - hits(theirs)
    return Paired(len(at), float(loss.mean()), interval(loss), float(hit.mean()), interval(hit))


def interval(differences: Floats) -> tuple[float, float] | None:
    """A 95 % interval of the mean of dependent differences by batch means (Schmeiser, Batch size effects, 1982); None for too few."""
    size = len(differences) // BATCHES
    if size < BATCH_LABELS_MIN:
        return None
    means = differences[: size * BATCHES].reshape(BATCHES, size).mean(axis=1)
    half = STUDENT_95 * float(means.std(ddof=1)) / BATCHES**0.5
    return float(differences.mean()) - half, float(differences.mean()) + half


def load(folder: Path, number: int) -> tuple[Answers, Answers]:
    """A candidate's answers, and those that were served over the same labels."""
    with np.load(folder / f"{name_of(number)}.npz") as columns:
        asked, label = columns["asked"], columns["label"].astype(bool)
        return Answers(asked, label, columns["score"]), Answers(asked, label, columns["served"])


def report(plan: Plan, folder: Path, seen: About, lags: Lags) -> dict[str, Any]:
    """The whole report as plain values."""
    loaded = [load(folder, number) for number in range(len(plan.candidates))]
    fresh = next((mine for (mine, _), each in zip(loaded, plan.candidates, strict=True) if each.kind == LIVE), None)
    served = loaded[0][1]
    rows = []
    for candidate, (mine, theirs), summary in zip(plan.candidates, loaded, summaries(plan, folder), strict=True):
        row = {"name": candidate.name, "kind": candidate.kind, **_row(mine), "against_served": _against(mine, theirs)}
        row["against_live"] = _against(mine, fresh) if fresh is not None and candidate.kind != LIVE else None
        rows.append({**row, **summary})
    return {
        **shown(plan),
        "records": sum(seen.records.values()),
        "read": seen.records,
        "lag": {"serve_ms": lags.serve_ms, "serves": lags.serves, "drift_ms": lags.drift_ms, "drifts": lags.drifts},
        "served": {"name": "served", "kind": "served", **_row(served)},
        "candidates": rows,
        "notes": notes(plan, seen, lags),
    }


def _row(answers: Answers) -> dict[str, Any]:
    known = answers.known()
    return {
        "labels": len(answers.label),
        "answered": len(known.label),
        **measured(known),
        "curve": curve(known) if len(known.label) else [],
    }


def _against(mine: Answers, other: Answers) -> Mapping[str, Any] | None:
    found = paired(mine, other)
    return {**found._asdict(), "verdict": found.verdict} if found else None


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
