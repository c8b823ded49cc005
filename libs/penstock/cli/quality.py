"""What `penstock show STREAM` tells: what became of its events, by rule and by field, and how fresh it is."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from penstock.cli.platform import addresses

TIMEOUT_S = 5.0


async def stream_quality(name: str, folder: Path) -> dict[str, Any] | None:
    """Ingestion's view of a stream; None when it does not answer."""
    import httpx  # noqa: PLC0415

    async with httpx.AsyncClient(base_url=addresses(folder).gateway, timeout=TIMEOUT_S) as client:
        try:
            answer = await client.get(f"/streams/{name}")
        except (httpx.HTTPError, httpx.InvalidURL):
            return None
    shown: dict[str, Any] | None = answer.json() if answer.is_success else None
    return shown


def lines_of(name: str, version: int, quality: dict[str, Any] | None) -> list[str]:
    """The quality of a stream for people, a line each."""
    if quality is None:
        return [f"{name} · specification {version}", "ingestion does not answer. Try: penstock status"]
    counts, here = quality["counts"], quality["partitions"]
    shown = [f"{name} · specification {version}", "  ".join(f"{each} {number:,}" for each, number in counts.items() if number)]
    if len(here) < quality["of_partitions"]:
        shown.append(f"partitions {', '.join(map(str, here)) or 'none'} of {quality['of_partitions']}: the others are with other instances")
    shown.append(_freshness(quality))
    shown += [f"  rejected {number:>9,}  {code}" for code, number in sorted(quality["rejected"].items(), key=lambda item: -item[1])]
    for row in quality["fields"]:
        done = ", ".join(f"{verb} {row[verb]:,}" for verb in ("refused", "nulled", "clipped", "warned") if row[verb])
        shown.append(f"  {row['field']}: {row['rule']}: {done}")
    shown += [f"parked: {source}. Try: penstock release {name} --source {source}" for source in quality["parked"]]
    if quality["personal"]:
        shown.append(f"personal: {', '.join(quality['personal'])}")
    if counts["rejected"]:
        shown.append(f"what was rejected stands in dlq.events.{name}")
    return shown


def _freshness(quality: dict[str, Any]) -> str:
    if quality["age_s"] is None:
        return "no event yet" + (": STALE" if quality["is_stale"] else "")
    newest = quality["event_time_ms"]
    at = "" if newest is None else f", event time {datetime.fromtimestamp(newest / 1_000, UTC).isoformat(timespec='seconds')}"
    age = f"newest event {quality['age_s']:,.1f} s ago{' (STALE)' if quality['is_stale'] else ''}"
    return f"{age}{at}; {quality['per_s']:,.1f} events/s in the last minute{' (SLOW)' if quality['is_slow'] else ''}"
