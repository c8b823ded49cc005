"""A set in the order of insertion, for River objects that sum over a set."""

from collections.abc import Collection, Iterator
from typing import Any

# The classes with a `classes` that must be ordered, and what they do with it.
NEEDS_ORDER = {"HoeffdingAdaptiveTreeClassifier": "sums over", "OneVsOneClassifier": "makes its classifiers in the order of"}


class OrderedSet:
    """What River asks of a set of labels: `add`, `in`, `len`, iteration and difference, in the order of first insertion.

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

    def __sub__(self, others: Collection[Any]) -> list[Any]:
        return [item for item in self.items if item not in others]

    def __contains__(self, item: object) -> bool:
        return item in self.items

    def __iter__(self) -> Iterator[Any]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)
