"""The table: fault × times × lost × twice × time to recover, as it stands in docs/reliability.md."""

from collections.abc import Iterable, Sequence
from statistics import quantiles

from tests.faults.campaign import Trial

HEAD = (
    "| fault | times | lost | twice | repeats, dropped | not survived | learning again, s: p50 / p99 | lag 0, s: p50 / p99 |",
    "|---|---:|---:|---:|---:|---:|---:|---:|",
)


def table(trials: Iterable[Trial]) -> list[str]:
    """A line for each kind of fault, and one for all."""
    rows: dict[str, list[Trial]] = {}
    for trial in trials:
        rows.setdefault(trial.fault.row, []).append(trial)
    everything = [trial for found in rows.values() for trial in found]
    return [*HEAD, *(_line(row, found) for row, found in sorted(rows.items())), _line("**all**", everything)]


def _line(row: str, trials: Sequence[Trial]) -> str:
    lost, twice, repeats = (sum(getattr(trial.verdict, name) for trial in trials) for name in ("lost", "twice", "repeats"))
    failed = sum(not trial.passed for trial in trials)
    learning, lag = spread([trial.learning_s for trial in trials]), spread([trial.lag_zero_s for trial in trials])
    return f"| {row} | {len(trials)} | {lost} | {twice} | {repeats} | {failed} | {learning} | {lag} |"


def spread(values: Sequence[float]) -> str:
    """Median and 99th percentile; of few values the latter is the largest.

    >>> spread([1.0, 2.0, 3.0])
    '2.0 / 3.0'
    """
    cuts = quantiles([*values, *values], n=100, method="inclusive") if values else [0.0] * 99
    return f"{cuts[49]:.1f} / {cuts[98]:.1f}"
