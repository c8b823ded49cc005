"""The history of a model: specs, drift, reactions, proposals and serves in log order, each with its cause."""

from dataclasses import astuple, dataclass
from typing import Any

EVENTS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to the model: at which offset of the log, when in event time, to which version, caused by what."""

    position: int
    event_time_ms: int
    kind: str
    version: int
    cause: str
    detail: dict[str, Any]


class History:
    """The newest events, oldest first, and how often each kind happened: at most EVENTS_MAX are kept."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(self, event: Event) -> None:
        """Add the newest event."""
        self.events.append(event)
        del self.events[:-EVENTS_MAX]

    def dump(self) -> list[Any]:
        """The state as plain lists."""
        return [list(astuple(event)) for event in self.events]

    def load(self, rows: list[Any]) -> None:
        """Take back what `dump` gave."""
        self.events = [Event(*row) for row in rows]
