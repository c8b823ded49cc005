"""What the campaign found: a line as it comes, a table and a summary at the end, and a file for programs."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.mutants.running import Result

FILE = Path(".penstock") / "mutants" / "report.json"
TABLE_WIDTH = 200


def tell(words: str) -> None:
    """Print words as they are."""
    Console(soft_wrap=True, markup=False, highlight=False).print(words)


def say(result: Result) -> None:
    """One result, as soon as it is there."""
    tell(f"{result.seconds:6.1f} s  {result.mutant.name}: {result.verdict} {noticed(result)}".rstrip())


def noticed(result: Result) -> str:
    """The tests that noticed, the first by name."""
    first, *others = result.noticed_by or ("",)
    return f"by {first}" + (f" and {len(others)} more" if others else "") if first else ""


def print_table(results: Sequence[Result]) -> None:
    """Every mutant with its rule, its verdict and its seconds; then why some were not caught."""
    table = Table("mutant", "rule", "verdict", "noticed by", "s", box=None)
    for result in sorted(results, key=lambda result: result.mutant.name):
        test = result.noticed_by[0].rpartition("::")[2] if result.noticed_by else ""
        table.add_row(result.mutant.name, result.mutant.rule, result.verdict, test, f"{result.seconds:.1f}")
    Console(width=TABLE_WIDTH, markup=False).print(table)
    for result in results:
        if not result.verdict.is_good:
            tests, why = ", ".join(result.mutant.tests), "".join(f"\n  | {line}" for line in result.why.splitlines())
            tell(f"\n{result.mutant.name}: {result.verdict}\n  breaks: {result.mutant.breaks}\n  tests: {tests}{why}")


def summary(results: Sequence[Result], seconds: float) -> str:
    """How many of each verdict, how many rules, and the time."""
    verdicts = ", ".join(f"{number} {verdict}" for verdict, number in sorted(Counter(str(result.verdict) for result in results).items()))
    rules = len({result.mutant.rule for result in results})
    return f"{len(results)} mutants of {rules} rules: {verdicts}; {seconds:.0f} s"


def write(results: Iterable[Result], seconds: float, file: Path = FILE) -> Path:
    """Write all as JSON; where it stands."""
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({"seconds": round(seconds, 1), "mutants": [_as_json(result) for result in results]}, indent=1) + "\n")
    return file


def _as_json(result: Result) -> dict[str, object]:
    return {
        "mutant": result.mutant.name,
        "breaks": result.mutant.breaks,
        "rule": result.mutant.rule,
        "found_by": result.mutant.found_by,
        "verdict": str(result.verdict),
        "caught": result.verdict.is_good,
        "noticed_by": list(result.noticed_by),
        "seconds": round(result.seconds, 1),
        "why": result.why,
    }
