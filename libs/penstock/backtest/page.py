"""A backtest's report as one HTML page: charts as inline SVG, light and dark, nothing from elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from importlib import resources
from typing import Any

WIDTH, HEIGHT = 860, 260
LEFT, RIGHT, TOP, BOTTOM = 56, 16, 12, 30
TICKS = 4
HUES = ("#2f6fde", "#d1495b", "#2a9d6e", "#b07d10", "#8250c4", "#0f8b9d", "#c2559d", "#6b7a1e", "#a0522d", "#50708a")
DASHES = ("", "7 4", "2 3", "10 3 2 3", "1 5")


def page(report: Mapping[str, Any]) -> str:
    """The page of a report."""
    series = [report["served"], *report["candidates"]]
    title = f"Backtest of {report['model']}"
    offsets = f"{report['topic']}: offsets {report['from']:,} … {report['to'] - 1:,}"
    span = f"{offsets}, {report['records']:,} records, {report['served']['labels']:,} labels"
    style = (resources.files("penstock.backtest") / "page.css").read_text(encoding="utf-8")
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><title>{escape(title)}</title>',
        f"<style>{style}</style></head><body><h1>{escape(title)}</h1>",
        f'<p class="soft">{escape(span)}</p>',
        "".join(_table(series, report["metrics"], report["metric"])),
        "".join(_chart(series, metric) for metric in report["metrics"]),
        "<h2>How to read this</h2><ul>",
        "".join(f"<li>{escape(note)}</li>" for note in report["notes"]),
        "</ul>",
        "".join(_happened(report["candidates"])),
        f'<p class="soft">Runtime: <code>{escape(str(report["runtime"]))}</code></p></body></html>',
    ]
    return "\n".join(parts)


def _chart(series: Sequence[Mapping[str, Any]], metric: Mapping[str, Any]) -> str:
    title = metric["title"][0].upper() + metric["title"][1:]
    return f"<h2>{escape(title)} <span class=soft>{escape(metric['hint'])}</span></h2>{_figure(series, metric['name'], title)}"


def _table(series: Sequence[Mapping[str, Any]], metrics: Sequence[Mapping[str, Any]], compared: str) -> Iterator[str]:
    titles = {metric["name"]: escape(metric["title"]) for metric in metrics}
    against = (f"{titles[compared]}: better than served (95 %)", "than live (95 %)", "") if compared else ()
    columns = ("", *titles.values(), "answered", *against)
    yield '<div class="scroll"><table><thead><tr>' + "".join(f"<th>{name}</th>" for name in columns) + "</tr></thead><tbody>"
    for number, each in enumerate(series):
        figures = "".join(f"<td>{_number(each[name])}</td>" for name in titles)
        yield f"<tr><td>{_key(number)}{escape(each['name'])} <span class=soft>{_kind(each)}</span></td>"
        yield f"{figures}<td>{each['answered']:,}</td>"
        if compared:
            served, live = each.get("against_served"), each.get("against_live")
            yield f"<td>{_difference(served, compared)}</td><td>{_difference(live, compared)}</td><td class=words>{_verdict(live)}</td>"
        yield "</tr>"
    yield "</tbody></table></div>"


def _kind(each: Mapping[str, Any]) -> str:
    return {"learner": "alone", "policy": "as declared", "live": "replayed", "served": "as it ran"}[each["kind"]]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def _difference(against: Mapping[str, Any] | None, metric: str) -> str:
    if against is None:
        return "–"
    mean, interval = against["differences"][metric]
    return f"{mean:+.4f}" + (f" ± {(interval[1] - interval[0]) / 2:.4f}" if interval else "")


def _verdict(against: Mapping[str, Any] | None) -> str:
    if against is None:
        return ""
    kind = {"better": "good", "worse": "bad"}.get(against["verdict"], "soft")
    return f'<span class="{kind}">{against["verdict"]}</span>'


def _stroke(number: int) -> str:
    dash = DASHES[(number // len(HUES) + (number == 0)) % len(DASHES)]
    return f'stroke="{HUES[number % len(HUES)]}"' + (f' stroke-dasharray="{dash}"' if dash else "")


def _key(number: int) -> str:
    return f'<svg class="key" viewBox="0 0 24 8"><path d="M0 4H24" class="series" {_stroke(number)}/></svg>'


def _figure(series: Sequence[Mapping[str, Any]], metric: str, name: str) -> str:
    points = {number: [(p["labels"], p[metric]) for p in each["curve"] if p[metric] is not None] for number, each in enumerate(series)}
    values = [value for line in points.values() for _, value in line]
    if not values:
        return '<p class="soft">There is nothing to draw.</p>'
    labels_max = max(x for line in points.values() for x, _ in line)
    low, high = _room(values)
    to_x = (WIDTH - LEFT - RIGHT) / labels_max
    to_y = (HEIGHT - TOP - BOTTOM) / (high - low)
    lines = [
        f'<path class="series" {_stroke(number)} d="{_path([(LEFT + x * to_x, TOP + (high - y) * to_y) for x, y in line])}">'
        f"<title>{escape(series[number]['name'])}</title></path>"
        for number, line in points.items()
        if line
    ]
    legend = "".join(f"<span>{_key(number)}{escape(each['name'])}</span>" for number, each in enumerate(series))
    drawing = "".join((*_grid(low, high, labels_max), *lines))
    described = f"{name} over labels, in windows"
    chart = f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{described}">{drawing}</svg>'
    return f'<figure>{chart}<div class="legend">{legend}</div></figure>'


def _room(values: Sequence[float]) -> tuple[float, float]:
    """The range of an axis: from the lowest to the highest value, with a margin."""
    low, high = min(values), max(values)
    margin = (high - low) * 0.06 or 0.05
    return low - margin, high + margin


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _grid(low: float, high: float, labels_max: int) -> Iterator[str]:
    for step in range(TICKS + 1):
        y = TOP + (HEIGHT - TOP - BOTTOM) * step / TICKS
        x = LEFT + (WIDTH - LEFT - RIGHT) * step / TICKS
        anchor = "end" if step == TICKS else "middle"
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
        value, labels = high - (high - low) * step / TICKS, labels_max * step // TICKS
        yield f'<text class="tick" x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:.3f}</text>'
        unit = " labels" if step == TICKS else ""
        yield f'<text class="tick" x="{x:.1f}" y="{HEIGHT - 8}" text-anchor="{anchor}">{labels:,}{unit}</text>'


def _happened(candidates: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What the policies did: births, proposals, serves, drift, in log order."""
    for each in candidates:
        events = [event for event in each["history"] if event["kind"] != "spec"]
        if each["kind"] == "learner" or not events:
            continue
        yield f"<h2>What happened to {escape(each['name'])}</h2><div class=scroll><table><thead><tr>"
        yield "<th>offset</th><th class=words>what</th><th>version</th><th class=words>detail</th></tr></thead><tbody>"
        for event in events:
            detail = ", ".join(f"{name} {value}" for name, value in event["detail"].items())
            yield f"<tr><td>{event['position']:,}</td><td class=words>{escape(event['kind'])}</td>"
            yield f"<td>{event['version'] or ''}</td><td class=words>{escape(detail)}</td></tr>"
        yield "</tbody></table></div>"
