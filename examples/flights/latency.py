"""From a label's append to its own topic to the append of its outcome: the demo's figure."""

from pathlib import Path
from statistics import quantiles

from penstock.cli.platform import addresses
from penstock.measure import learned_labels


async def event_to_learned_ms(folder: Path, label_stream: str, model: str) -> dict[str, float]:
    """The median and the 99th percentile, in ms, over every labelled outcome; the topics have one partition each."""
    at = addresses(folder)
    delays = [each.delay_ms for each in await learned_labels(at.bootstrap, at.schema_registry_url, label_stream, model)]
    cuts = quantiles(delays, n=100)
    return {"p50": cuts[49], "p99": cuts[98]}
