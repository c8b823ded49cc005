"""The one table of node kinds: for each type that a state may hold, how it is taken apart and put together.

A node on the wire is `[tag, part, part, ...]`. A part is a scalar, a reference `[node]`, or an inline value
`[tag, ...]` of at least two elements. Tags are never used again for something else.
"""

import collections
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

from penstock.codec import native
from penstock.codec.paths import shown
from penstock.codec.wire import pack_value

OBJECT = 14  # a River object: [14, layout, value of each attribute]

TUPLE = native.TUPLE
FROZENSET, BIG_INTEGER, CALLABLE, NUMPY_SCALAR, METHOD, PARTIAL = 33, 34, 35, 36, 37, 38  # inline values
BIG_INTEGER_BYTES_MAX = 128


@dataclass(frozen=True, slots=True)
class NodeKind:
    """One type of node.

    `parts` takes an object apart; `make` creates it from the raw parts (empty, when parts may be references);
    `fill` puts the decoded parts in. From part `pairs_from` on, parts are keys and values in turn.
    """

    tag: int
    type: type[Any]
    parts: Callable[[Any], Iterable[Any]]
    make: Callable[[Sequence[Any]], Any]
    fill: Callable[[Any, Sequence[Any]], None]
    pairs_from: int | None = None
    is_set: bool = False

    def label(self, index: int, parts: Sequence[Any]) -> str:
        """How a message names the part at `index`."""
        if self.pairs_from is None or index < self.pairs_from:
            return f"[{index}]"
        key = self.pairs_from + (index - self.pairs_from) // 2 * 2
        return f"[{shown(parts[key])}]"


def _flat(mapping: Any) -> list[Any]:
    return [part for pair in mapping.items() for part in pair]


def _fill_pairs(shell: Any, values: Sequence[Any]) -> None:
    if len(values) % 2:
        raise ValueError("a key without a value")
    for index in range(0, len(values), 2):
        shell[values[index]] = values[index + 1]
    if len(shell) != len(values) // 2:
        raise ValueError("a key stands twice")


def _fill_default(shell: Any, values: Sequence[Any]) -> None:
    _fill_pairs(shell, values[1:])  # first: with its factory in place, nothing else could tell a missing key
    shell.default_factory = values[0]


def _fill_set(shell: Any, values: Sequence[Any]) -> None:
    shell.update(values)
    if len(shell) != len(values):
        raise ValueError("an element stands twice")


def _make_deque(raw: Sequence[Any]) -> Any:
    if not (raw[0] is None or (type(raw[0]) is int and 0 <= raw[0] <= native.SIZE_MAX)):
        raise ValueError("a deque's maximum length must be a small whole number or null")
    return collections.deque(maxlen=raw[0])


def _fill_deque(shell: Any, values: Sequence[Any]) -> None:
    shell.extend(values[1:])
    if len(shell) != len(values) - 1:
        raise ValueError("a deque is longer than its maximum")


def _fill_nothing(shell: Any, values: Sequence[Any]) -> None:
    """Native objects are whole when made."""


def integer_bytes(value: int) -> bytes:
    """A whole number beyond 64 bits, in two's complement, as short as it goes."""
    bits = value.bit_length() if value >= 0 else (~value).bit_length()
    return value.to_bytes(bits // 8 + 1, "big", signed=True)


def check_ascending(raw: Sequence[Any]) -> None:
    """Sets are written sorted by the bytes of their elements.

    Raises: ValueError if they are not.
    """
    keys = [pack_value(element) for element in raw]
    if any(first >= second for first, second in pairwise(keys)):
        raise ValueError("the elements of a set are not in order")


@cache
def node_kinds() -> Sequence[NodeKind]:
    """All kinds of node, except River objects, which go by their layout."""
    containers = [
        NodeKind(1, list, list, lambda raw: [], list.extend),
        NodeKind(2, dict, _flat, lambda raw: {}, _fill_pairs, pairs_from=0),
        NodeKind(3, set, list, lambda raw: set(), _fill_set, is_set=True),
        NodeKind(
            4,
            collections.defaultdict,
            lambda mapping: [mapping.default_factory, *_flat(mapping)],
            lambda raw: collections.defaultdict(None),
            _fill_default,
            pairs_from=1,
        ),
        NodeKind(5, collections.OrderedDict, _flat, lambda raw: collections.OrderedDict(), _fill_pairs, pairs_from=0),
        NodeKind(6, collections.Counter, _flat, lambda raw: collections.Counter(), _fill_pairs, pairs_from=0),
        NodeKind(7, collections.deque, lambda items: [items.maxlen, *items], _make_deque, _fill_deque),
    ]
    return containers + [NodeKind(n.tag, n.type, n.parts, n.make, _fill_nothing) for n in native.natives()]


@cache
def kinds_by_type() -> dict[type[Any], NodeKind]:
    """The kind of each exact type."""
    return {kind.type: kind for kind in node_kinds()}


@cache
def kinds_by_tag() -> dict[int, NodeKind]:
    """The kind of each tag."""
    return {kind.tag: kind for kind in node_kinds()}
