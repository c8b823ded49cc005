"""A little about each offset of a topic, in pages: millions of records in megabytes."""

from array import array
from collections import Counter
from collections.abc import Iterator

PAGE_BITS = 14
PAGE = 1 << PAGE_BITS
MASK = PAGE - 1


class Marks:
    """A byte of flags by (partition, offset).

    >>> marks = Marks()
    >>> marks.add(0, 7, 1); marks.add(0, 7, 4); marks.add(0, 8, 1)
    >>> marks.get(0, 7), list(marks.find(0, 1, 0, 100)), marks.count(0, 0, 8)[5]
    (5, [8], 1)
    """

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: dict[tuple[int, int], bytearray] = {}

    def add(self, partition: int, offset: int, flag: int) -> None:
        """Set a flag, beside those that are set."""
        page = self._pages.get((partition, offset >> PAGE_BITS))
        if page is None:
            page = self._pages[partition, offset >> PAGE_BITS] = bytearray(PAGE)
        page[offset & MASK] |= flag

    def get(self, partition: int, offset: int) -> int:
        """The flags that are set."""
        page = self._pages.get((partition, offset >> PAGE_BITS))
        return 0 if page is None else page[offset & MASK]

    def find(self, partition: int, flags: int, start: int, end: int) -> Iterator[int]:
        """The offsets from `start` up to `end` that have exactly these flags (not none), in order."""
        for base, page in self._slices(partition, start, end):
            at = page.find(flags)
            while at >= 0:
                yield base + at
                at = page.find(flags, at + 1)

    def count(self, partition: int, start: int, end: int) -> Counter[int]:
        """How many of the offsets that were marked have which flags."""
        counted: Counter[int] = Counter()
        for _, page in self._slices(partition, start, end):
            counted.update(page)
        del counted[0]
        return counted

    def _slices(self, partition: int, start: int, end: int) -> Iterator[tuple[int, bytearray]]:
        for _, number in sorted(key for key in self._pages if key[0] == partition):
            base = number << PAGE_BITS
            low, high = max(start - base, 0), min(end - base, PAGE)
            if low < high:
                yield base + low, self._pages[partition, number][low:high]


class Hashes:
    """A hash of 64 bits by (partition, offset); 0 where there is none.

    >>> hashes = Hashes()
    >>> hashes.put(0, 5, "a"); hashes.holds(0, 5, "a"), hashes.holds(0, 5, "b"), hashes.known(0, 6)
    (True, False, False)
    """

    __slots__ = ("_pages",)

    def __init__(self) -> None:
        self._pages: dict[tuple[int, int], array[int]] = {}

    def put(self, partition: int, offset: int, value: object) -> None:
        """Keep the hash of a value."""
        page = self._pages.get((partition, offset >> PAGE_BITS))
        if page is None:
            page = self._pages[partition, offset >> PAGE_BITS] = array("q", bytes(8 * PAGE))
        page[offset & MASK] = hash(value) or 1

    def known(self, partition: int, offset: int) -> bool:
        """Whether there is one."""
        return self._get(partition, offset) != 0

    def holds(self, partition: int, offset: int, value: object) -> bool:
        """Whether it is the hash of this value."""
        return self._get(partition, offset) == (hash(value) or 1)

    def _get(self, partition: int, offset: int) -> int:
        page = self._pages.get((partition, offset >> PAGE_BITS))
        return 0 if page is None else page[offset & MASK]
