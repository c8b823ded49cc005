"""What an idle platform costs: the CPU of each process of the local stack while nothing comes.

It starts the whole platform in a folder of its own and applies the specification of the demo COPIES times under different names: three
streams, a view and a model each. SETTLE_S seconds later it counts CPU seconds for WATCH_S seconds. Nothing is sent. It does not measure a
platform on which much was learned. Environment: COPIES (default 12), SETTLE_S (default 30), WATCH_S (default 20).
"""

import asyncio
import re
import time
from pathlib import Path

from benchmarks.machine import environment
from benchmarks.pipeline import platform
from benchmarks.processes import cpu_seconds
from benchmarks.report import Result
from penstock.cli.platform import registry
from penstock.spec import load

SPEC = Path(__file__).parents[1] / "examples" / "flights" / "penstock.yaml"
NAMES = re.compile(r"\b(flights-basic|flights-late|flights|weather|arrivals)\b")


def measure(folder: Path) -> Result:
    """Let it idle; the figures."""
    copies, watch_s = environment("COPIES", 12), environment("WATCH_S", 20)
    with platform(folder) as place:
        spent = asyncio.run(_idle(place, copies, environment("SETTLE_S", 30), watch_s))
    percent = {name: seconds / watch_s * 100 for name, seconds in spent.items()}
    rows: list[tuple[str, ...]] = [(f"{name}, % of a core", f"{value:.1f}") for name, value in percent.items()]
    rows.append(("all, % of a core", f"{sum(percent.values()):.1f}"))
    return Result(
        ("", "while nothing comes"), rows, {"percent_of_a_core": percent, "copies": copies}, [f"{copies} models, {3 * copies} streams"]
    )


async def _idle(place: Path, copies: int, settle_s: int, watch_s: int) -> dict[str, float]:
    text = SPEC.read_text(encoding="utf-8")
    async with registry(place) as client:
        for number in range(copies):
            await client.apply(load(NAMES.sub(rf"\g<1>-{number}", text), str(SPEC)).to_json())
    await asyncio.sleep(settle_s)
    before, began_s = cpu_seconds(place), time.monotonic()
    await asyncio.sleep(watch_s)
    after, took_s = cpu_seconds(place), time.monotonic() - began_s
    return {name: (after[name] - spent) * watch_s / took_s for name, spent in before.items() if name != "this benchmark"}
