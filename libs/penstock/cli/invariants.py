"""`penstock verify` without a reference: the invariants of a running platform as a table, the breaks, and what to do about them."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from penstock.cli.platform import Output, addresses, run
from penstock.errors import InvariantBroken, PenstockError

if TYPE_CHECKING:
    from penstock.inspection.platform import Report

ANSWERS_MAX = 2_000
REPLAY_RECORDS_MAX = 10_000

ADVICE = {
    "acknowledged_is_kept": "a log lost records before their time. Try: bring it back; docs/operations.md, A log was cut or replaced",
    "no_gap": "an output is missing. Try: penstock logs of the service named; keep the topics, and report it",
    "counts_add_up": "a count is not what the log holds. Try: mend other breaks first; then penstock logs of the fold named",
    "learned_once": "something was learned twice, or not. Try: penstock verify <model> replays its log; keep the topics, and report it",
    "log_says_what_was_served": "the log is not what users got. Try: keep predictions.* and learning.*, and report it",
    "one_champion": "who serves is not one story. Try: penstock show <model>; restore the registry's tables if they were changed by hand",
    "finite": "a number is none. Try: tighten the range of the field in the specification",
    "audit_chain": "the registry's past was changed. Try: compare its database with a backup",
    "snapshots": "a snapshot was lost or changed; the fold goes on from one before it. Try: docs/operations.md, A log was cut or replaced",
    "same_digest": "a replay gives another learner. Try: penstock verify with the reference above",
}


class Look(NamedTuple):
    """What to look at: one model or all; and of each how many answers to compute anew, and how many records to replay at most."""

    model: str
    answers_max: int
    replay_records_max: int


def check_platform(look: Look, output: Output, folder: Path) -> None:
    """Look at the whole platform and print what was found. Raises: InvariantBroken."""
    report = run(_inspect(look, folder))
    if output is Output.JSON:
        typer.echo(json.dumps(as_json(report)))
    else:
        _print(report)
    if not report.holds:
        raise InvariantBroken(", ".join(finding.name for finding in report.findings if not finding.holds))


async def _inspect(look: Look, folder: Path) -> "Report":
    try:
        from penstock.inspection.platform import Bounded, inspect  # noqa: PLC0415
    except ImportError as error:
        raise PenstockError(f"the invariants need {error.name}. Try: pip install 'penstock[learn,store]'") from error
    from penstock.inspection.where import where  # noqa: PLC0415

    at = addresses(folder)
    if not at.dsn:
        raise PenstockError("where PostgreSQL is, is not known. Try: set PENSTOCK_DSN")
    return await inspect(where(at), Bounded(*look))


def as_json(report: "Report") -> dict[str, Any]:
    """The report as plain values."""
    findings = [{**asdict(each), "holds": each.holds, "seconds": round(report.seconds[each.name], 3)} for each in report.findings]
    return {"holds": report.holds, "records": report.records, "reading_s": round(report.reading_s, 3), "invariants": findings}


def _print(report: "Report") -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)
    table = Table("invariant", "", "checked", "broken", "seconds")
    for column in table.columns[2:]:
        column.justify = "right"
    for each in report.findings:
        seconds = f"{report.seconds[each.name]:.1f}" if each.name in report.seconds else ""
        state = "BROKEN" if not each.holds else "holds" if each.checked else "not checked"
        table.add_row(each.name, state, f"{each.checked:,}", f"{each.breaks:,}" if each.breaks else "", seconds)
    console.print(table)
    console.print(f"{report.records:,} records read in {report.reading_s:.1f} s, for all invariants at once")
    for each in report.findings:
        if each.note:
            console.print(f"{each.name}: {each.note}", markup=False)
    for each in report.findings:
        if not each.holds:
            console.print(f"\n{each.name} is broken: {ADVICE[each.name]}", markup=False)
            for where in each.broken:
                console.print(f"  {where}", markup=False)
            if each.breaks > len(each.broken):
                console.print(f"  … and {each.breaks - len(each.broken):,} more")
