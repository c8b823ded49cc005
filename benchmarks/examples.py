"""What the benchmarks learn from: Elec2 where it is, else a seeded stream."""

import csv
import math
import random
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

ELEC2 = Path(__file__).parents[2] / "shared" / "data" / "elec2.csv"
LABEL = "class"
SEED = 7
WEIGHTS = (1.5, -1.0, 0.8, -0.6, 0.4, -0.2, 0.1, 0.0)  # of the seeded stream's eight features

Example = tuple[dict[str, float], bool]


def examples(count: int) -> tuple[str, list[Example]]:
    """Where they come from, and at most `count` of them."""
    if ELEC2.is_file():
        return f"Elec2 ({ELEC2.name})", list(islice(_elec2(ELEC2), count))
    return f"a stream with seed {SEED}", list(islice(seeded(SEED), count))


def seeded(seed: int) -> Iterator[Example]:
    """Eight normal features, and a label whose log odds are linear in them; without an end."""
    chance = random.Random(seed)
    names = [f"x{index}" for index in range(len(WEIGHTS))]
    while True:
        x = {name: round(chance.gauss(0, 1), 6) for name in names}
        odds = sum(weight * value for weight, value in zip(WEIGHTS, x.values(), strict=True))
        yield x, chance.random() < 1 / (1 + math.exp(-odds))


def _elec2(path: Path) -> Iterator[Example]:
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            yield {name: float(value) for name, value in row.items() if name != LABEL}, row[LABEL] == "1"
