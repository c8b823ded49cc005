"""A set in the order of insertion, for River objects that sum over a set."""

from collections.abc import Iterator
from typing import Any


class OrderedSet:
    """What River asks of a set of labels: `add`, `in`, `len` and iteration, in the order of first insertion.

    `HoeffdingAdaptiveTreeClassifier` normalizes its probabilities by a sum over its set of labels. With text labels the
    order of that sum, and so the last bits of every probability, hung on the hash seed and on whether the tree had
    been restored (measured: 2 of 8 hash seeds differed).

    >>> labels = OrderedSet()
    >>> for label in ("b", "a", "b"):
    ...     labels.add(label)
    >>> list(labels)
    ['b', 'a']
    """

    def __init__(self) -> None:
        self.items: dict[Any, None] = {}

    def add(self, item: Any) -> None:
        """Put an item at the end, unless it is there."""
        self.items[item] = None

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
