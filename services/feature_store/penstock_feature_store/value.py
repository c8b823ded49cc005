"""An online value: the features of an entity as of its newest event."""

from collections.abc import Iterable
from dataclasses import dataclass

from penstock.fold.protocol import Effect
from penstock.records import Features


@dataclass(frozen=True, slots=True)
class OnlineValue(Effect):
    """The features of one event of an entity; the newest event time wins, so a repeat is harmless."""

    view: str
    entity: str
    event_time_ms: int
    features: Features


def coalesce(values: Iterable[OnlineValue]) -> dict[tuple[str, str], OnlineValue]:
    """The newest value of every view and entity; of two at the same event time the later one.

    >>> old, new = OnlineValue("v", "a", 5, {"x": 1.0}), OnlineValue("v", "a", 7, {"x": 2.0})
    >>> coalesce([new, old])[("v", "a")].features
    {'x': 2.0}
    """
    newest: dict[tuple[str, str], OnlineValue] = {}
    for value in values:
        key = (value.view, value.entity)
        if key not in newest or value.event_time_ms >= newest[key].event_time_ms:
            newest[key] = value
    return newest
