"""What a request can be told: that it is refused as a whole, and what is wrong with each of its events."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one event of a request: `field` is empty if it is no single field."""

    event: int
    field: str
    code: str
    detail: str


class Refused(Exception):
    """A request that no repetition makes better; `status` is HTTP's."""

    def __init__(self, status: int, title: str, problems: Sequence[Problem] = ()) -> None:
        super().__init__(title)
        self.status = status
        self.title = title
        self.problems = problems
