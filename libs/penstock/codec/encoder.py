"""A model to bytes: a walk, breadth first, over exact allowed types."""

import functools
import math
import types
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import numpy as np

from penstock.codec import classes, kinds, native, partials, wire
from penstock.codec.collector import collector_paused
from penstock.codec.distributions import is_unseeded_distribution
from penstock.codec.errors import NotAllowed, StateError
from penstock.codec.paths import Label, format_path
from penstock.codec.wire import DEFAULT_LIMITS, Limits

KEY_TYPES = frozenset({str, int, float, bool, type(None), bytes})


def encode(model: object, limits: Limits = DEFAULT_LIMITS) -> bytes:
    """The state of a model as canonical bytes; equal states give equal bytes.

    What `decode` would refuse is refused here already, so that a checkpoint fails and not its restore.

    The root must be a River object or a container. The garbage collector is off inside: it halves large walks.
    Raises: NotAllowed for anything outside the allow-list, with the path to it; TooLarge.
    """
    with collector_paused():
        document = Walk(model).document()
        data = wire.pack(document, classes.river_version())
        wire.check_size(data, document.nodes, limits)
        return data


class Walk:
    """The node table of one model; `objects` lists every visited object by its number.

    Objects stay referenced for the whole walk, because a freed temporary would give its `id` to another.
    """

    def __init__(self, model: object) -> None:
        self.objects: list[Any] = []
        self._numbers: dict[int, int] = {}
        self._origins: list[tuple[int, Label]] = []
        self._layouts: dict[tuple[str, ...], int] = {}
        self._current = 0
        self._inline: dict[type[Any], Callable[[Any, Label], list[Any]]] = {
            tuple: self._tuple,
            frozenset: self._frozenset,
            types.MethodType: self._method,
            types.FunctionType: self._callable,
            types.BuiltinFunctionType: self._callable,
            functools.partial: self._partial,
            type: self._callable,
        }
        self._refer(model, None)

    def document(self) -> wire.Document:
        """Every node reachable from the model, numbered by first visit."""
        nodes = []
        for number, obj in enumerate(self.objects):  # grows while we walk
            self._current = number
            nodes.append(self._node(obj))
        return wire.Document([list(layout) for layout in self._layouts], nodes)

    def path(self, number: int) -> str:
        """The way from the root to a node."""
        return format_path(self._origins, number, None, self._name_part)

    def _refuse(self, label: Label, reason: str) -> StateError:
        return NotAllowed(format_path(self._origins, self._current, label, self._name_part), reason)

    def _name_part(self, node: int, index: int) -> str:
        kind = kinds.kinds_by_type()[type(self.objects[node])]
        return kind.label(index, list(kind.parts(self.objects[node])))

    def _node(self, obj: Any) -> list[Any]:
        kind = kinds.kinds_by_type().get(type(obj))
        if kind is None:
            return self._object(obj)
        try:
            parts = list(kind.parts(obj))
        except (ValueError, classes.Unknown) as error:
            raise self._refuse(None, str(error)) from error
        if kind.is_set:
            return [kind.tag, *self._sorted(parts)]
        values = [self.value(part, index) for index, part in enumerate(parts)]
        if kind.pairs_from is not None:
            self._check_keys(parts[kind.pairs_from :: 2])
        return [kind.tag, *values]

    def _object(self, obj: Any) -> list[Any]:
        name = classes.name_of(type(obj))
        try:
            shape = classes.shape_of(name)
        except classes.Unknown as error:
            raise self._refuse(None, f"{error}; see penstock.codec.classes") from error
        if type(obj) is not classes.class_named(name):
            raise self._refuse(None, f"another class under the name {name}")
        state = self._attributes(obj, name, shape)
        layout = self._layouts.setdefault((name, *(attribute for attribute, _ in state)), len(self._layouts))
        return [kinds.OBJECT, layout, *(self.value(value, attribute) for attribute, value in state)]

    def _attributes(self, obj: Any, name: str, shape: classes.Shape) -> list[tuple[str, Any]]:
        held = state_of(obj)
        for attribute in shape.derived:
            held.pop(attribute, None)
        if is_unseeded_distribution(obj):
            held.pop("_rng", None)
        for attribute, value in held.items():
            problem = shape.problem(attribute, value)
            if problem:
                raise self._refuse(attribute, f"{problem} in {name}")
        missing = shape.missing(held)
        if missing:
            raise self._refuse(None, f"{name} lacks {', '.join(missing)}")
        return sorted(held.items())

    def value(self, value: Any, label: Label) -> Any:
        """A value as it stands in a node: a scalar, an inline array, or a reference."""
        kind = type(value)
        if kind is float:
            return wire.NAN if math.isnan(value) else value
        if kind is str or kind is bool or value is None or kind is bytes:
            return value
        if kind is int:
            return value if wire.INT_MIN <= value <= wire.INT_MAX else self._big_integer(value, label)
        inline = self._inline.get(kind)
        if inline is not None:
            return inline(value, label)
        if isinstance(value, type):
            return self._callable(value, label)
        if isinstance(value, np.generic):
            return self._scalar(value, label)
        return self._refer(value, label)

    def _big_integer(self, value: int, label: Label) -> list[Any]:
        data = kinds.integer_bytes(value)
        if len(data) > kinds.BIG_INTEGER_BYTES_MAX:
            raise self._refuse(label, f"a whole number of {len(data)} bytes, at most {kinds.BIG_INTEGER_BYTES_MAX}")
        return [kinds.BIG_INTEGER, data]

    def _refer(self, value: Any, label: Label) -> list[int]:
        number = self._numbers.get(id(value))
        if number is None:
            number = self._numbers[id(value)] = len(self.objects)
            self.objects.append(value)
            self._origins.append((self._current, label))
        return [number]

    def _tuple(self, value: tuple[Any, ...], label: Label) -> list[Any]:
        return [kinds.TUPLE, len(value), *(self.value(item, label) for item in value)]

    def _frozenset(self, value: frozenset[Any], label: Label) -> list[Any]:
        return [kinds.FROZENSET, len(value), *self._sorted(value)]

    def _sorted(self, elements: Iterable[Any]) -> list[Any]:
        """The elements by their bytes: iteration order is the hash seed's and the history's, not the model's."""
        held = list(elements)
        self._check_keys(held)
        return sorted((self.value(element, None) for element in held), key=wire.pack_value)

    def _check_keys(self, keys: Sequence[Any]) -> None:
        for key in keys:
            if not is_key(key):
                raise self._refuse(None, f"a {type(key).__name__} as key or element: it hashes by address, which no state can keep")

    def _method(self, value: types.MethodType, label: Label) -> list[Any]:
        try:
            return [kinds.METHOD, self._refer(value.__self__, label), classes.method_name(value)]
        except classes.Unknown as error:
            raise self._refuse(label, str(error)) from error

    def _partial(self, value: "functools.partial[Any]", label: Label) -> list[Any]:
        if classes.is_listed(value):
            return self._callable(value, label)
        try:
            parts = partials.parts(value)
        except (classes.Unknown, TypeError) as error:
            raise self._refuse(label, str(error)) from error
        return [kinds.PARTIAL, *(self.value(part, label) for part in parts)]

    def _callable(self, value: Any, label: Label) -> list[Any]:
        try:
            return [kinds.CALLABLE, classes.callable_name(value)]
        except (classes.Unknown, TypeError) as error:
            raise self._refuse(label, str(error)) from error

    def _scalar(self, value: Any, label: Label) -> list[Any]:
        try:
            return [kinds.NUMPY_SCALAR, *native.scalar_parts(value)]
        except ValueError as error:
            raise self._refuse(label, str(error)) from error


def is_key(value: Any) -> bool:
    """Whether a value hashes by content, so that it may be a key or an element of a set."""
    if type(value) in (tuple, frozenset):
        return all(is_key(item) for item in value)
    return type(value) in KEY_TYPES or isinstance(value, np.generic)


def state_of(obj: Any) -> dict[str, Any]:
    """The attributes and slots of an object."""
    held = dict(getattr(obj, "__dict__", ()))
    for slot in _slots_of(type(obj)):  # type: ignore[arg-type]  # every class is hashable
        if hasattr(obj, slot):
            held[slot] = getattr(obj, slot)
    return held


@cache
def _slots_of(cls: type[Any]) -> tuple[str, ...]:
    declared = [base.__dict__.get("__slots__", ()) for base in cls.__mro__]
    slots = [slot for names in declared for slot in ((names,) if isinstance(names, str) else names)]
    return tuple(slot for slot in slots if slot not in ("__dict__", "__weakref__"))
