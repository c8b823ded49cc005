"""`penstock ls` and `penstock show`: what is declared, who serves, how well, and why."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from penstock.cli.apply import describe
from penstock.cli.platform import DEFAULT_FOLDER, FolderOption, Output, OutputOption, addresses, registry, run
from penstock.cli.quality import lines_of, stream_quality
from penstock.errors import PenstockError
from penstock.tasks import TASKS

TITLES = {"rocauc": "ROC AUC", "mae": "MAE", "rmse": "RMSE", "r2": "R²", "macro_f1": "macro F1"}


def ls(output: OutputOption = Output.TABLE, folder: FolderOption = DEFAULT_FOLDER) -> None:
    """List streams, views and models with their versions."""
    parts = run(_parts(folder))
    if output is Output.JSON:
        typer.echo(json.dumps(parts))
        return
    for part in parts:
        typer.echo(f"{part['kind']:7} {part['name']:28} version {part['version']}")
    if not parts:
        typer.echo("nothing is applied yet. Try: penstock init data.csv --label y > penstock.yaml; penstock apply")


def show(
    name: Annotated[str, typer.Argument(help="A model, a view or a stream.")],
    output: OutputOption = Output.TABLE,
    folder: FolderOption = DEFAULT_FOLDER,
) -> None:
    """Show a model (champion, versions, quality as served, what happened and why), a stream (what became of its events) or a view."""
    shown = run(_shown(name, folder))
    if output is Output.JSON:
        typer.echo(json.dumps(shown))
    elif shown["kind"] == "model":
        _print_model(shown)
    elif shown["kind"] == "stream":
        typer.echo("\n".join(lines_of(name, shown["version"], shown["quality"])))
    else:
        typer.echo(json.dumps(shown["spec"], indent=2))


async def _parts(folder: Path) -> list[dict[str, Any]]:
    async with registry(folder) as client:
        return [{"kind": part.kind, "name": part.name, "version": part.version} for part in await client.specs()]


async def _shown(name: str, folder: Path) -> dict[str, Any]:
    from penstock.inspection.rebuild import refused  # noqa: PLC0415

    async with registry(folder) as client:
        specs = await client.specs()
        found = next((part for part in specs if part.name == name), None)
        if found is None:
            raise PenstockError(
                f"nothing is called {name} ({', '.join(part.name for part in specs) or 'nothing is applied'}). Try: penstock ls"
            )
        shown = {"kind": found.kind, "name": name, "version": found.version, "spec": json.loads(found.body)}
        if found.kind == "stream":
            shown["quality"] = await stream_quality(name, folder)
        if found.kind == "model":
            serving = await client.serving(name)
            shown["serving"] = f"{name}/{serving.checkpoint.version}@{serving.checkpoint.position}" if serving.found else None
            shown |= {"learning": await model_state(name, folder), "quality": await model_quality(name, folder)}
            shown["proposals"] = open_proposals(shown["learning"]) if shown["learning"] else []
            shown["refused"] = None if shown["learning"] else (await refused(addresses(folder).trainer)).get(name)
    return shown


def open_proposals(learning: dict[str, Any]) -> list[dict[str, Any]]:
    """The versions that were proposed against the champion of now and live: `penstock promote` makes one of them serve."""
    live = {each["version"] for each in learning["versions"] if each["state"] == "live"} - {learning["champion"]}
    history = learning["history"]
    since = max((each["position"] for each in history if each["kind"] == "serve"), default=0)
    proposed = [each for each in history if each["kind"] == "proposal" and each["position"] >= since and each["version"] in live]
    return [{"version": each["version"], "position": each["position"], "cause": each["cause"], **each["detail"]} for each in proposed]


async def model_state(name: str, folder: Path) -> dict[str, Any] | None:
    """The trainer's living fold of a model as plain values; None when the trainer does not answer."""
    described = await describe(name, folder)
    if described is None:
        return None
    fields = ("version", "parent", "learner", "state", "cause", "born_position", "labels", "learned", "skipped")
    versions = [{**{key: getattr(each, key) for key in fields}, "metrics": dict(each.metrics)} for each in described.versions]
    events = [
        {"position": each.position, "at": time_text(each.event_time_ms), "kind": each.kind, "version": each.version, "cause": each.cause}
        | {"detail": json.loads(each.detail)}
        for each in described.history
    ]
    return {
        "position": described.position,
        "chain": described.chain,
        "clock": time_text(described.watermark_ms),
        "champion": described.champion,
        "counts": dict(sorted(described.counts.items())),
        "versions": versions,
        "history": events,
    }


async def model_quality(name: str, folder: Path) -> dict[str, Any] | None:
    """The monitor's view of a model as plain values; None when the monitor does not answer."""
    import grpc  # noqa: PLC0415

    from penstock.rpc.monitor.v1 import monitor_pb2, monitor_pb2_grpc  # noqa: PLC0415

    async with grpc.aio.insecure_channel(addresses(folder).monitor) as channel:
        try:
            quality = await monitor_pb2_grpc.MonitorStub(channel).GetQuality(monitor_pb2.GetQualityRequest(model=name), timeout=5)
        except grpc.aio.AioRpcError:
            return None
    return {
        "position": quality.position,
        "labelled": quality.labelled,
        "expired": quality.expired,
        "coverage": quality.coverage,
        "base_rate": quality.base_rate,
        "label_delay_ms": {"p50": quality.label_delay_ms_p50, "p99": quality.label_delay_ms_p99},
        "served": {"labels": quality.served.labels, **dict(quality.served.metrics)},
        "prior": {"labels": quality.prior.labels, **dict(quality.prior.metrics)},
        "versions": {str(number): dict(scores.metrics) for number, scores in sorted(quality.versions.items())},
        "drifts": [{"cause": each.cause, "at": time_text(each.event_time_ms), "severity": each.severity} for each in quality.drifts],
    }


def time_text(ms: int) -> str | None:
    """Event time as text; None before there is any."""
    return None if ms < 0 else datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="seconds")


def _print_model(shown: dict[str, Any]) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415

    console = Console()
    learning, quality = shown["learning"], shown["quality"]
    console.print(f"[bold]{shown['name']}[/] · specification {shown['version']} · serving {shown['serving'] or 'nothing yet'}")
    if learning is None:
        console.print(shown["refused"] or "the trainer does not answer. Try: penstock status", soft_wrap=True)
        return
    spec = shown["spec"]
    metrics = list(TASKS[spec["task"]].measures)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in (
        "#",
        "learner",
        "state",
        "why",
        "born",
        "labels",
        *[TITLES.get(name, name.replace("_", " ")) for name in metrics],
    ):
        table.add_column(name, no_wrap=True, justify="left" if name in ("learner", "state", "why") else "right")
    for each in learning["versions"]:
        mark = "champion" if each["version"] == learning["champion"] else each["state"]
        why = each["cause"].partition(":")[0]  # the whole of it stands in what happened, and in -o json
        scores = [f"{each['metrics'][name]:.4f}" if each["labels"] and name in each["metrics"] else "–" for name in metrics]
        table.add_row(str(each["version"]), each["learner"], mark, why, str(each["born_position"]), f"{each['labels']:,}", *scores)
    console.print(table)
    if quality and quality["served"]["labels"]:
        served = ", ".join(f"{name} {quality['served'][name]:.4f}" for name in metrics if name in quality["served"])
        console.print(f"as served: {served} over {quality['served']['labels']:,} labels; {_base_rate(spec['task'], quality['base_rate'])}")
    for each in shown["proposals"]:
        loss = TASKS[spec["task"]].losses[spec["promotion"]["metric"]]
        better = f"better by {each['difference']:.4f} {loss.name} over {each['labels']:,} labels" if loss else "without a comparison"
        console.print(
            f"proposed: version {each['version']}, {better}. Try: penstock promote {shown['name']}/{each['version']}", soft_wrap=True
        )
    counts = learning["counts"]
    console.print("  ".join(f"{name} {counts[name]:,}" for name in counts))
    for each in learning["history"][-20:]:
        detail = " ".join(f"{key}={value}" for key, value in each["detail"].items())
        console.print(
            f"  {each['at'] or '':25} @{each['position']:<9} {each['kind']:9} version {each['version']}  ← {each['cause']} {detail}",
            soft_wrap=True,
        )


def _base_rate(task: str, rate: float) -> str:
    name = TASKS[task].rate_name
    return f"{name} {rate:,.4g}" if TASKS[task].label_type == "number" else f"{name} {rate:.1%}"
