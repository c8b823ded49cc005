"""What is expected of a stream: how often an event comes, and how many."""

import re
from dataclasses import dataclass
from typing import Any

from penstock.spec.duration import format_duration
from penstock.spec.errors import quoted
from penstock.spec.section import Section

PER_S = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
RATE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,6})?)/([smhd])", re.ASCII)
KEYS = ("every", "rate")


@dataclass(frozen=True, slots=True)
class Expect:
    """Expectations that refuse nothing: they are shown and can be alarmed on. None: there is none.

    `every_ms`: the stream is stale when its newest event is older (wall time). `rate`: it is slow when fewer come, as "5/s", "300/h".
    """

    every_ms: int | None = None
    rate: str | None = None

    @property
    def per_s(self) -> float | None:
        """The rate in events per second."""
        match = RATE.fullmatch(self.rate or "")
        return float(match[1]) / PER_S[match[2]] if match else None


NOTHING = Expect()


def read_expect(section: Section) -> Expect:
    """What the stream of a section expects; what is wrong is noted."""
    node = section.node("expect", required=False)
    if node is None:
        return NOTHING
    inside = Section(node, (*section.path, "expect"), section.problems, KEYS)
    rate = inside.text("rate", required=False)
    if rate is not None and not RATE.fullmatch(rate):
        inside.note("rate", f"{quoted(rate)} is not a rate", "rate: 5/s (or /m, /h, /d)")
    return Expect(inside.duration("every", required=False), rate)


def expect_body(expect: Expect) -> dict[str, Any]:
    """The expectations as they would stand in the file."""
    every = {} if expect.every_ms is None else {"every": format_duration(expect.every_ms)}
    return every | ({} if expect.rate is None else {"rate": expect.rate})
