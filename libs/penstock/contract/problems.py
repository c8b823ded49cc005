"""What a producer is told of an event that breaks its contract."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one event of a request: `field` is empty if it is no single field."""

    event: int
    field: str
    code: str
    detail: str
