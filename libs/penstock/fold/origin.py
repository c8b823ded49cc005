"""Law II, origins make repeats harmless: a reader drops every output it has seen, by where the output came from."""

from typing import Any

from penstock.fold.protocol import Record
from penstock.records.generated import Origin

Source = tuple[str, int, str, int, int]  # topic and partition read; origin's topic, generation and partition


def origin_of(record: Record, generation: int, index: int = 0) -> Origin:
    """The origin of what a record causes; `index` counts its outputs from 0, `generation` is that of the topic it stands on."""
    return {
        "topic": record.topic,
        "generation": generation,
        "partition": record.partition,
        "offset": record.offset,
        "index": index,
    }


class Origins:
    """The highest origin accepted per partition read and per origin partition.

    >>> origins = Origins()
    >>> first = {"topic": "events.a", "generation": 1, "partition": 0, "offset": 7, "index": 0}
    >>> origins.accept("validated.a", 0, first), origins.accept("validated.a", 0, first)
    (True, False)
    >>> origins.accept("validated.a", 0, {**first, "index": 1})
    True
    """

    __slots__ = ("_highest",)

    def __init__(self) -> None:
        self._highest: dict[Source, tuple[int, int]] = {}

    def accept(self, topic: str, partition: int, origin: Origin) -> bool:
        """True, once, for every origin that is higher than all before it from its partition."""
        source = (topic, partition, origin["topic"], origin["generation"], origin["partition"])
        position = (origin["offset"], origin["index"])
        if position <= self._highest.get(source, (-1, -1)):
            return False
        self._highest[source] = position
        return True

    def dump(self) -> list[list[Any]]:
        """The state as plain lists, in canonical order."""
        return [[*source, *position] for source, position in sorted(self._highest.items())]

    def load(self, rows: list[list[Any]]) -> None:
        """Take back what `dump` gave."""
        self._highest = {(row[0], row[1], row[2], row[3], row[4]): (row[5], row[6]) for row in rows}
