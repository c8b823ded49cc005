"""`penstock backtest`: what other learners and policies would have made of a model's log, beside what really ran."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from penstock.cli.apply import read
from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, registry, run, topic
from penstock.cli.progress import progress
from penstock.errors import PenstockError

if TYPE_CHECKING:
    from penstock.backtest.plan import Plan
    from penstock.cli.progress import Told

CORES = os.cpu_count() or 1
PAGE = "report.html"


def backtest(
    model: Annotated[str, typer.Argument(help="The model whose log is read.")],
    spec: Annotated[Path, typer.Option("--spec", help="A specification that declares this model with other learners or policies.")],
    first: Annotated[int | None, typer.Option("--from", min=0, help="The first offset of the learning log; none: its beginning.")] = None,
    end: Annotated[int | None, typer.Option("--to", min=1, help="The offset behind the last; none: where the log ends now.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Candidates that run at once.")] = CORES,
    results: Annotated[Path | None, typer.Option("--results", help="Where results lie; else backtests in the stack's folder.")] = None,
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Run the log's questions and labels through other learners, drift and promotion policies. Nothing live is touched.

    Each learner runs alone, and the policy as declared if there is one. Interrupted, the same command goes on with what is finished.
    """
    try:
        import penstock.backtest.report  # noqa: F401, PLC0415 (NumPy; the workers need River too)
    except ImportError as error:
        raise PenstockError(f"a backtest needs {error.name}. Try: pip install 'penstock[trainer]'") from error
    plan = run(_plan(model, spec, (first, end), folder))
    found, page = _run(plan, results or folder / "backtests", jobs, folder, shown=output is Output.TABLE)
    if output is Output.JSON:
        typer.echo(json.dumps({**found, "page": str(page)}))
    else:
        _print(found, page)


async def _plan(model: str, file: Path, wanted: tuple[int | None, int | None], folder: Path) -> "Plan":
    """What is to be run. Raises: UsageError for a specification or a range that does not fit the log."""
    from penstock import codec  # noqa: PLC0415
    from penstock.backtest.plan import Plan, candidates_of, check, check_range, compared_by  # noqa: PLC0415
    from penstock.kafka.cluster import opened  # noqa: PLC0415
    from penstock.kafka.ports import TopicPartition  # noqa: PLC0415
    from penstock.spec import Model, View, check_learners, load, part_from_json  # noqa: PLC0415
    from penstock.spec.specification import canonical  # noqa: PLC0415

    text = read(file)
    spec = load(text, str(file))
    async with registry(folder) as client:
        live = part_from_json("model", model, (await client.spec("model", model)).body)
        assert isinstance(live, Model)
        view = part_from_json("view", live.view, (await client.spec("view", live.view)).body)
        assert isinstance(view, View)
    declared = check(spec, text, str(file), model, live, view)
    check_learners(spec, text, str(file))
    name = topic(f"learning.{model}")
    async with opened(addresses(folder).bootstrap) as kafka:
        bounds = await kafka.bounds(TopicPartition(name, 0))
    first, end = check_range(name, bounds, *wanted)
    runtime = canonical({**codec.runtime(), "hash_seed": "0"})  # that of the workers
    return Plan(
        model, declared.task, compared_by(declared), name, first, end, runtime, tuple(candidates_of(declared, whole_log=first == 0))
    )


def _run(plan: "Plan", results: Path, jobs: int, folder: Path, *, shown: bool) -> tuple[dict[str, Any], Path]:
    from penstock.backtest.page import page  # noqa: PLC0415
    from penstock.backtest.plan import folder_of, forwards  # noqa: PLC0415
    from penstock.backtest.report import report  # noqa: PLC0415
    from penstock.backtest.run import PLAN, REPORT, lags_of, resumed, run_candidates  # noqa: PLC0415
    from penstock.backtest.spool import write_json  # noqa: PLC0415

    place = folder_of(plan, results)
    place.mkdir(parents=True, exist_ok=True)
    plan = resumed(plan, place)
    (place / PLAN).write_text(plan.to_json(), encoding="utf-8")
    with progress("reading the log", shown=shown) as told:
        seen = run(_spool(plan, place, folder, told))
    if not seen.records.get("Label"):
        raise PenstockError(f"{plan.topic}: no label stands in the offsets {plan.first} … {plan.end - 1}. Try: a longer range")
    if seen.goes_back:
        plan = forwards(plan)
    lags = lags_of(seen)
    with progress(f"{len(plan.candidates)} candidates", shown=shown) as told:
        run(run_candidates(plan, place, lags, jobs, told))
    found = report(plan, place, seen, lags)
    (place / PAGE).write_text(page(found), encoding="utf-8")
    write_json(place / REPORT, found)
    return found, place / PAGE


async def _spool(plan: "Plan", place: Path, folder: Path, told: "Told") -> Any:
    import contextlib  # noqa: PLC0415

    import httpx  # noqa: PLC0415

    from penstock.backtest.run import spool  # noqa: PLC0415
    from penstock.records.schemas import HttpSchemaRegistry  # noqa: PLC0415

    at = addresses(folder)
    async with contextlib.aclosing(HttpSchemaRegistry(at.schema_registry_url)) as schemas:
        try:
            return await spool(plan, place, at.bootstrap, schemas, told)
        except httpx.HTTPError as error:
            raise PenstockError(f"the schema registry does not answer: {error}. Try: penstock status; the same command goes on") from error


def _print(found: dict[str, Any], page: Path) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    from penstock.backtest.report import sparkline  # noqa: PLC0415

    console = Console(highlight=False)
    metrics, shown = found["metrics"], found["metric"] or found["metrics"][0]["name"]
    title = next(each["title"] for each in metrics if each["name"] == shown)
    table = Table("", *[each["title"] for each in metrics], f"{title}: better than served", "than live", "", f"{title} over labels")
    for column in table.columns[1 : len(metrics) + 3]:
        column.justify = "right"
    for each in (found["served"], *found["candidates"]):
        figures = [_number(each[metric["name"]]) for metric in metrics]
        against = [each.get("against_served"), each.get("against_live")]
        verdict = against[1]["verdict"] if against[1] else ""
        drawn = sparkline([point[shown] for point in each["curve"]][::3])
        table.add_row(each["name"], *figures, *[_difference(other, shown) for other in against], verdict, drawn)
    console.print(f"{found['topic']}: offsets {found['from']:,} … {found['to'] - 1:,}, {found['served']['labels']:,} labels")
    console.print(table)
    for note in found["notes"]:
        console.print(f"· {note}", markup=False)
    console.print(f"{page}", soft_wrap=True)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _difference(against: dict[str, Any] | None, metric: str) -> str:
    if against is None:
        return ""
    mean, interval = against["differences"][metric]
    return f"{mean:+.4f}" + (f" ± {(interval[1] - interval[0]) / 2:.4f}" if interval else "")
