"""Where two states differ, by attribute path: for a proof that failed, and for `penstock diff`."""

import math
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from penstock.codec import classes, kinds, wire
from penstock.codec.kinds import NodeKind
from penstock.codec.paths import shown

ARRAY, VECTOR = 10, 12  # kinds whose parts are read as elements and as keys with values
ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Difference:
    """One place where two states differ, with both values as text.

    `change`: for numbers |left − right| / max(|left|, |right|), so that weights and counts can be compared; infinite for anything else.
    """

    path: str
    left: str
    right: str
    change: float


class _Pair(NamedTuple):
    path: str
    left: Any
    right: Any


def differences(left: bytes, right: bytes, limits: wire.Limits = wire.DEFAULT_LIMITS) -> Iterator[Difference]:
    """Every place where the states differ, breadth first, so that the first one is the nearest to the root.

    The documents are compared and no model is built. Raises: StateError for bytes that are no state of this River.

    >>> from river import stats
    >>> from penstock.codec import encode
    >>> [each.path for each in differences(encode(stats.Mean()), encode(stats.Mean().update(2.0) or stats.Mean()))]
    []
    """
    if left == right:
        return
    version = classes.river_version()
    yield from _Comparison(wire.unpack(left, version, limits), wire.unpack(right, version, limits)).run()


def biggest_first(found: Sequence[Difference]) -> list[Difference]:
    """What is there on one side only, or of another kind, then numbers by how much they changed."""
    return sorted(found, key=lambda each: (-each.change, each.path))


class _Comparison:
    def __init__(self, left: wire.Document, right: wire.Document) -> None:
        self._left, self._right = left, right
        self._seen: set[tuple[int, int]] = set()
        self._waiting: deque[_Pair] = deque([_Pair("model", [0], [0])])

    def run(self) -> Iterator[Difference]:
        while self._waiting:
            yield from self._compare(*self._waiting.popleft())

    def _compare(self, path: str, left: Any, right: Any) -> Iterator[Difference]:
        if _is_reference(left) and _is_reference(right):
            if (left[0], right[0]) not in self._seen:
                self._seen.add((left[0], right[0]))
                yield from self._compare_nodes(path, self._left.nodes[left[0]], self._right.nodes[right[0]])
        elif _is_tuple(left) and _is_tuple(right) and len(left) == len(right):
            self._push(_Pair(f"{path}[{index}]", *pair) for index, pair in enumerate(zip(left[2:], right[2:], strict=True)))
        elif wire.pack_value(left) != wire.pack_value(right):
            yield Difference(path, self._text(self._left, left), self._text(self._right, right), _change(left, right))

    def _compare_nodes(self, path: str, left: Sequence[Any], right: Sequence[Any]) -> Iterator[Difference]:
        names = _name(self._left, left), _name(self._right, right)
        if names[0] != names[1]:
            yield Difference(path, *names, math.inf)
        elif left[0] == kinds.OBJECT:
            yield from self._compare_by_key(path, _attributes(self._left, left), _attributes(self._right, right))
        elif left[0] == ARRAY:
            yield from _compare_arrays(path, left, right)
        else:
            yield from self._compare_parts(path, kinds.kinds_by_tag()[left[0]], left[1:], right[1:])

    def _compare_parts(self, path: str, kind: NodeKind, left: Sequence[Any], right: Sequence[Any]) -> Iterator[Difference]:
        if kind.is_set:
            yield from self._compare_by_key(path, _elements(left), _elements(right))
            return
        pairs_from = 0 if kind.tag == VECTOR else kind.pairs_from
        if pairs_from is not None:
            self._push(_Pair(f"{path}.default", *each) for each in zip(left[:pairs_from], right[:pairs_from], strict=True))
            yield from self._compare_by_key(path, _items(left[pairs_from:]), _items(right[pairs_from:]))
        else:
            yield from self._compare_by_key(path, _indexed(left), _indexed(right))

    def _compare_by_key(self, path: str, left: Mapping[str, Any], right: Mapping[str, Any]) -> Iterator[Difference]:
        """What both have is compared later; what only one has is a difference."""
        for key in dict.fromkeys((*left, *right)):
            if key in left and key in right:
                self._waiting.append(_Pair(path + key, left[key], right[key]))
            elif key in left:
                yield Difference(path + key, self._text(self._left, left[key]), ABSENT, math.inf)
            else:
                yield Difference(path + key, ABSENT, self._text(self._right, right[key]), math.inf)

    def _push(self, pairs: Iterator[_Pair]) -> None:
        self._waiting.extend(pairs)

    @staticmethod
    def _text(document: wire.Document, value: Any) -> str:
        if _is_reference(value):
            return _name(document, document.nodes[value[0]])
        return f"{len(value):,} bytes" if isinstance(value, bytes) else shown(_plain(value))


def _compare_arrays(path: str, left: Sequence[Any], right: Sequence[Any]) -> Iterator[Difference]:
    (dtype, order, data, *shape), (dtype_right, order_right, data_right, *shape_right) = left[1:], right[1:]
    if (dtype, order, shape) != (dtype_right, order_right, shape_right):
        yield Difference(path, f"{dtype} {order} {tuple(shape)}", f"{dtype_right} {order_right} {tuple(shape_right)}", math.inf)
        return
    arrays = [np.frombuffer(each, dtype=dtype).reshape(shape, order=order) for each in (data, data_right)]
    unequal = arrays[0].view(f"V{arrays[0].itemsize}") != arrays[1].view(f"V{arrays[1].itemsize}") if shape else arrays[0] != arrays[1]
    for index in zip(*np.nonzero(unequal), strict=True):
        one, other = (array[index].item() for array in arrays)
        yield Difference(path + "".join(f"[{step}]" for step in index), shown(one), shown(other), _change(one, other))


def _is_reference(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 1


def _is_tuple(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 1 and value[0] == kinds.TUPLE


def _name(document: wire.Document, node: Sequence[Any]) -> str:
    """What a node is: the class of a River object, the type of anything else."""
    return str(document.layouts[node[1]][0]) if node[0] == kinds.OBJECT else kinds.kinds_by_tag()[node[0]].type.__name__


def _attributes(document: wire.Document, node: Sequence[Any]) -> Mapping[str, Any]:
    return {f".{name}": value for name, value in zip(document.layouts[node[1]][1:], node[2:], strict=True)}


def _items(parts: Sequence[Any]) -> Mapping[str, Any]:
    return {f"[{_key(parts[index])}]": parts[index + 1] for index in range(0, len(parts), 2)}


def _elements(parts: Sequence[Any]) -> Mapping[str, Any]:
    return {f"{{{_key(part)}}}": part for part in parts}


def _indexed(parts: Sequence[Any]) -> Mapping[str, Any]:
    return {f"[{index}]": part for index, part in enumerate(parts)}


def _key(value: Any) -> str:
    """A key as text; one that is cut short could stand for two, so its bytes follow."""
    text = shown(_plain(value))
    return text if text == repr(_plain(value)) else f"{text}…{wire.pack_value(value).hex()[-16:]}"


def _plain(value: Any) -> Any:
    return tuple(map(_plain, value[2:])) if _is_tuple(value) else value


def _change(left: Any, right: Any) -> float:
    if not (_is_number(left) and _is_number(right)):
        return math.inf
    largest = max(abs(left), abs(right))
    return float(abs(left - right) / largest) if largest and math.isfinite(left) and math.isfinite(right) else math.inf


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
