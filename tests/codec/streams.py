"""Streams for the cases: real ones that River ships in its wheel, and made ones for what those lack."""

import random
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import cycle
from typing import Any

from river import datasets

Event = tuple[dict[str, Any], Any]
WORDS = ("lock", "flow", "gate", "pipe", "mill", "race", "weir", "sluice", "turbine", "head")


@cache
def _rows(name: str) -> Sequence[Event]:
    """A data set of River's, read to its end, so that its file is closed."""
    return tuple(getattr(datasets, name)())


def _with_text(rows: Iterator[Event], text: bool) -> Iterator[Event]:
    """Adds a feature of text, which the shipped numeric streams lack; it tells something of the label, so that trees split on it."""
    colors = ("red", "green", "blue")
    for index, (x, y) in enumerate(rows):
        guess = int(y) if isinstance(y, bool) else index
        yield ({**x, "color": colors[(guess + (index % 5 == 0)) % 3]} if text else x), y


def _phishing() -> Iterator[Event]:
    yield from _with_text(cycle(_rows("Phishing")), True)


def _bananas() -> Iterator[Event]:
    yield from cycle(_rows("Bananas"))


def _segments() -> Iterator[Event]:
    yield from cycle(_rows("ImageSegments"))


def _few_segments() -> Iterator[Event]:
    """Two features of the segments, for models that are slow with many classes."""
    for x, y in cycle(_rows("ImageSegments")):
        yield dict(list(x.items())[10:14]), y


def _trump() -> Iterator[Event]:
    for index, (x, y) in enumerate(cycle(_rows("TrumpApproval"))):
        yield {**{name: value / 1e6 if value > 1e5 else value for name, value in x.items()}, "color": "rgby"[index % 4 if y > 40 else 0]}, y


def _passengers() -> Iterator[Event]:
    for index, (_, y) in enumerate(cycle(_rows("AirlinePassengers"))):
        yield {"month": index % 12}, float(y)


def _sentences() -> Iterator[Event]:
    source = random.Random(3)
    for _ in range(100_000):
        label = source.random() < 0.5
        chosen = [source.choice(WORDS[4 * label :] if source.random() < 0.7 else WORDS) for _ in range(6)]
        yield {"text": " ".join(chosen)}, label


def _numbers(kind: str) -> Iterator[Event]:
    source = random.Random(kind)
    for index in range(100_000):
        label = source.random() < 0.4
        shift = 2.0 if index % 1000 > 500 else 0.0
        if kind == "errors":
            yield {}, source.random() + shift
        elif kind == "mistakes":
            yield {}, source.random() < 0.2 + 0.2 * shift
        elif kind == "scores":
            yield {"score": min(1.0, 0.3 * label + 0.7 * source.random())}, label
        elif kind == "colors":
            yield {"shares": [source.random() for _ in range(3)]}, ("red", "green", "blue")[source.randrange(3)]
        elif kind == "amounts":
            yield {"score": abs(source.gauss(0.0, 1.0))}, abs(source.gauss(shift, 1.0))
        else:
            yield {"score": source.gauss(0.0, 1.0)}, source.gauss(shift, 1.0)


STREAMS: dict[str, Callable[[], Iterator[Event]]] = {
    "phishing": _phishing,
    "bananas": _bananas,
    "segments": _segments,
    "few segments": _few_segments,
    "trump": _trump,
    "passengers": _passengers,
    "sentences": _sentences,
    **{kind: lambda kind=kind: _numbers(kind) for kind in ("scores", "errors", "mistakes", "colors", "estimates", "amounts")},  # type: ignore[misc]
}
