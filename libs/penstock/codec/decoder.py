"""Bytes to a model: create every object empty, then fill in; nothing outside the allow-list is ever called."""

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

from penstock.codec import classes, kinds, native, partials, rebuilt, wire
from penstock.codec.collector import collector_paused
from penstock.codec.distributions import fresh_generator, is_unseeded_distribution
from penstock.codec.encoder import is_key
from penstock.codec.errors import Malformed, NotAllowed, StateError, TooLarge
from penstock.codec.paths import Label, format_path, shown
from penstock.codec.wire import DEFAULT_LIMITS, Limits

LOOK_EVERY_NODES = 256  # at the clock


def decode(data: bytes, limits: Limits = DEFAULT_LIMITS) -> Any:
    """The model of these bytes, as `encode` wrote them.

    Compare the digest with a trusted one *before* decoding: a changed number is still a valid state.
    No constructor and no `__setstate__` of a Python class runs.
    Raises: StateError and nothing else: NotAllowed, Malformed, TooLarge, WrongVersion.
    """
    with collector_paused():
        document = wire.unpack(data, classes.river_version(), limits)
        return _Reader(document, limits).model()


class _Layout:
    """A class and the attributes, in order, of its nodes."""

    def __init__(self, raw: Any) -> None:
        if type(raw) is not list or not raw or not all(type(word) is str for word in raw):
            raise ValueError("a layout must be a class and its attributes")
        name, *self.attributes = raw
        self.shape = classes.shape_of(name)
        self.cls = classes.class_named(name)
        if any(first >= second for first, second in pairwise(self.attributes)):
            raise ValueError("the attributes of a layout are not in order")
        unknown = [word for word in self.attributes if word not in self.shape.types or word in self.shape.derived]
        missing = self.shape.missing(self.attributes)
        if unknown or missing:
            raise ValueError(f"{name}: unknown attributes {unknown!r:.100}, missing {missing!r:.100}")


class _Reader:
    def __init__(self, document: wire.Document, limits: Limits) -> None:
        self._document = document
        self._limits = limits
        self._layouts: list[_Layout] = []
        self._shells: list[Any] = []
        self._origins: list[tuple[int, Label]] = [(0, None)]
        self._layouts_used = 0
        self._current = 0
        self._generator = fresh_generator()
        self._deadline_s = math.inf if limits.decode_s_max is None else time.monotonic() + limits.decode_s_max
        self._inline: dict[int, Callable[[Sequence[Any], int], Any]] = {
            kinds.TUPLE: self._tuple,
            kinds.FROZENSET: self._frozenset,
            kinds.BIG_INTEGER: self._big_integer,
            kinds.CALLABLE: self._callable,
            kinds.METHOD: self._method,
            kinds.NUMPY_SCALAR: self._scalar,
            kinds.PARTIAL: self._partial,
        }

    def model(self) -> Any:
        """Hostile bytes may raise anything on their way through (an unhashable key, a bad slice): one answer, malformed."""
        try:
            return self._read()
        except StateError:
            raise
        except classes.Unknown as error:
            raise NotAllowed(self._path(), str(error)) from error
        except Exception as error:
            raise Malformed(self._path(), str(error) or type(error).__name__) from error

    def _read(self) -> Any:
        self._layouts = [_Layout(raw) for raw in self._document.layouts]
        if len({tuple(raw) for raw in self._document.layouts}) != len(self._layouts):
            raise ValueError("a layout stands twice")
        nodes = self._document.nodes
        for number, raw in enumerate(nodes):
            self._begin(number)
            self._shells.append(self._make(raw))
        for number, raw in enumerate(nodes):
            self._begin(number)
            if number >= len(self._origins):
                raise ValueError(f"node {number} is not reachable")
            self._fill(raw, self._shells[number])
        if self._layouts_used != len(self._layouts):
            raise ValueError("a layout is not used")
        return self._shells[0]

    def _begin(self, number: int) -> None:
        self._current = number
        if number % LOOK_EVERY_NODES == 0 and self._deadline_s < math.inf and time.monotonic() > self._deadline_s:
            raise TooLarge(
                "document", f"decode_s_max is {self._limits.decode_s_max} s, over at node {number} of {len(self._document.nodes)}"
            )

    def _path(self, label: Label = None) -> str:
        if self._current >= len(self._origins):
            return f"node {self._current}"
        return format_path(self._origins, self._current, label, self._name_part)

    def _name_part(self, node: int, index: int) -> str:
        tag, *parts = self._document.nodes[node]
        return kinds.kinds_by_tag()[tag].label(index, parts)

    def _make(self, raw: Any) -> Any:
        if type(raw) is not list or not raw or type(raw[0]) is not int:
            raise ValueError("a node must be a kind and its parts")
        if raw[0] == kinds.OBJECT:
            return object.__new__(self._layout(raw).cls)
        kind = kinds.kinds_by_tag().get(raw[0])
        if kind is None:
            raise ValueError(f"kind {raw[0]} is unknown")
        return kind.make(raw[1:])

    def _layout(self, raw: Sequence[Any]) -> _Layout:
        index = raw[1]
        if type(index) is not int or not 0 <= index < len(self._layouts):
            raise ValueError("a layout that does not exist")
        layout = self._layouts[index]
        if len(raw) - 2 != len(layout.attributes):
            raise ValueError("more or fewer values than attributes")
        return layout

    def _fill(self, raw: Sequence[Any], shell: Any) -> None:
        if raw[0] == kinds.OBJECT:
            self._fill_object(raw, shell)
            return
        kind = kinds.kinds_by_tag()[raw[0]]
        parts = raw[1:]
        values = [self._value(part, index) for index, part in enumerate(parts)]
        if kind.is_set:
            kinds.check_ascending(parts)
            _check_keys(values)
        elif kind.pairs_from is not None:
            _check_keys(values[kind.pairs_from :: 2])
        kind.fill(shell, values)

    def _fill_object(self, raw: Sequence[Any], shell: Any) -> None:
        if raw[1] > self._layouts_used:
            raise ValueError("layouts are not in order of first use")
        self._layouts_used = max(self._layouts_used, raw[1] + 1)
        layout = self._layouts[raw[1]]
        for attribute, part in zip(layout.attributes, raw[2:], strict=True):
            value = self._value(part, attribute)
            problem = layout.shape.problem(attribute, value)
            if problem:
                raise Malformed(self._path(attribute), problem)
            object.__setattr__(shell, attribute, value)
        for attribute, value in layout.shape.derived.items():
            object.__setattr__(shell, attribute, value.copy() if type(value) is dict else value)
        rebuilt.rebuild(shell)
        self._restore_generator(shell, layout)

    def _restore_generator(self, shell: Any, layout: _Layout) -> None:
        unseeded = is_unseeded_distribution(shell)
        if unseeded == ("_rng" in layout.attributes) and "_rng" in layout.shape.optional:
            raise ValueError("a distribution keeps its generator if, and only if, it has a seed")
        if unseeded:
            object.__setattr__(shell, "_rng", self._generator)

    def _value(self, raw: Any, label: Label, depth: int = 0) -> Any:
        kind = type(raw)
        if kind is float:
            if math.isnan(raw) and wire.pack_value(raw)[1:] != wire.NAN_BYTES:
                raise ValueError("a NaN that is not the canonical one")
            return raw
        if kind is str or kind is int or kind is bool or raw is None or kind is bytes:
            return raw
        if kind is not list or not raw or type(raw[0]) is not int:
            raise ValueError(f"not a value: {shown(raw)}")
        if len(raw) == 1:
            return self._reference(raw[0], label)
        if depth >= self._limits.depth_max:
            raise TooLarge(self._path(label), f"values are nested deeper than {self._limits.depth_max}, which is depth_max")
        read = self._inline.get(raw[0])
        if read is None:
            raise ValueError(f"inline kind {raw[0]} is unknown")
        return read(raw, depth + 1)

    def _reference(self, number: int, label: Label) -> Any:
        if not 0 <= number < len(self._shells) or number > len(self._origins):
            raise ValueError(f"reference to node {number} dangles or is out of order")
        if number == len(self._origins):
            self._origins.append((self._current, label))
        return self._shells[number]

    def _items(self, raw: Sequence[Any], depth: int) -> list[Any]:
        if raw[1] != len(raw) - 2 or type(raw[1]) is not int:
            raise ValueError("the count of an inline value is wrong")
        return [self._value(item, None, depth) for item in raw[2:]]

    def _tuple(self, raw: Sequence[Any], depth: int) -> tuple[Any, ...]:
        return tuple(self._items(raw, depth))

    def _frozenset(self, raw: Sequence[Any], depth: int) -> frozenset[Any]:
        items = self._items(raw, depth)
        _check_keys(items)
        kinds.check_ascending(raw[2:])
        if len(set(items)) != len(items):
            raise ValueError("an element stands twice")
        return frozenset(items)

    def _big_integer(self, raw: Sequence[Any], depth: int) -> int:
        _, data = raw
        if type(data) is not bytes or len(data) > kinds.BIG_INTEGER_BYTES_MAX:
            raise ValueError(f"a whole number of more than {kinds.BIG_INTEGER_BYTES_MAX} bytes")
        value = int.from_bytes(data, "big", signed=True)
        if wire.INT_MIN <= value <= wire.INT_MAX or kinds.integer_bytes(value) != data:
            raise ValueError("a whole number that is not written the shortest way")
        return value

    def _callable(self, raw: Sequence[Any], depth: int) -> Any:
        _, name = raw
        return classes.callable_named(name)

    def _method(self, raw: Sequence[Any], depth: int) -> Any:
        _, owner, name = raw
        return classes.bind(self._value(owner, None, depth), name)

    def _partial(self, raw: Sequence[Any], depth: int) -> Any:
        return partials.made(raw[1:], lambda part: self._value(part, None, depth))

    def _scalar(self, raw: Sequence[Any], depth: int) -> Any:
        _, dtype, data = raw
        return native.scalar_make(dtype, data)


def _check_keys(keys: Sequence[Any]) -> None:
    if not all(map(is_key, keys)):
        raise ValueError("a key that hashes by address")
